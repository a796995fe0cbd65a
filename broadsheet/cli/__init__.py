"""The operator command line. Commands import their dependencies when they run, so that `--help` is fast."""

from __future__ import annotations

import sys
from importlib.util import find_spec

import typer

from broadsheet.cli import (
    dead,
    doctor,
    editing,
    keys,
    operations,
    publishing,
    reading,
    running,
    saving,
    sources,
    subscribe,
    webhooks,
)
from broadsheet.failure import CliFailure

app = typer.Typer(
    name="broadsheet",
    help="Run, feed, query and repair a Broadsheet installation.",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
)
running.register(app)
publishing.register(app)
reading.register(app)
operations.register(app)
doctor.register(app)
saving.register(app)
app.add_typer(keys.app, name="keys")
app.add_typer(editing.app, name="article")
app.add_typer(sources.app, name="source")
app.add_typer(dead.app, name="dead")
app.add_typer(subscribe.app, name="subscribe")
app.add_typer(webhooks.app, name="webhook")


@app.command(add_help_option=False, context_settings={"allow_extra_args": True, "ignore_unknown_options": True})
def bench(context: typer.Context) -> None:
    """Benchmarks of the pipeline, the API and the engines (see `broadsheet bench --help`)."""
    if find_spec("broadsheet.bench") is None:
        raise CliFailure("this build has no benchmarks: broadsheet.bench is not installed")
    from broadsheet.bench import app as bench_app

    bench_app(args=list(context.args), prog_name="broadsheet bench")


def main() -> int:
    """Run the command of `sys.argv`; failures become one line on stderr and an exit code."""
    from shared.errors import BroadsheetError

    try:
        app()
    except CliFailure as error:
        print(f"error: {error}", file=sys.stderr)
        return error.code
    except BroadsheetError as error:
        print(f"error: {error}", file=sys.stderr)
        return 1
    except BrokenPipeError:  # the output pipe was closed
        sys.stderr.close()
        return 0
    return 0
