"""up, down, status."""

from __future__ import annotations

import asyncio
import os
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import Annotated, Final

import typer

from broadsheet.cli.options import DryRun, Json, show_json, show_table
from broadsheet.cli.target import StackTarget
from broadsheet.failure import CliFailure
from broadsheet.runstate import RunState
from broadsheet.supervisor.layout import Layout

DOWN_SECONDS: Final = 45.0
DETACH_SECONDS: Final = 180.0
_PORT_HELP: Final = "Port; 0: any free port. Default: the standard port, or a free one if it is taken."
Port = Annotated[int | None, typer.Option(min=0, max=65535, help=_PORT_HELP)]


def register(app: typer.Typer) -> None:
    """Add the commands of this module."""
    app.command()(up)
    app.command()(down)
    app.command()(status)


def up(  # noqa: PLR0913, PLR0917 - the signature is the command line
    only: Annotated[str, typer.Option(help="Run these services only, for example `serve,index`.")] = "",
    port_serve: Port = None,
    port_ingest: Port = None,
    port_enrich: Port = None,
    port_index: Port = None,
    port_notify: Port = None,
    port_redis: Port = None,
    samples: Annotated[bool, typer.Option(help="Post the sample pages.")] = True,
    check: Annotated[bool, typer.Option(help="Run the self-check after start.")] = True,
    exit_after_check: Annotated[bool, typer.Option(help="Stop after the self-check.")] = False,
    detach: Annotated[bool, typer.Option(help="Run in the background; return once ready.")] = False,
    dry_run: DryRun = False,
) -> None:
    """Start all services, run the self-check, and keep them running until Ctrl-C."""
    from broadsheet.settings import CliSettings
    from broadsheet.supervisor.console import Console
    from broadsheet.supervisor.supervisor import Supervisor, UpOptions

    settings = CliSettings()
    ports = {
        "serve": port_serve, "ingest": port_ingest, "enrich": port_enrich, "index": port_index, "notify": port_notify,
        "redis": port_redis,
    }  # fmt: skip
    options = UpOptions(_services(only), ports, samples, check, exit_after_check)
    if dry_run:
        _explain(Layout(settings.data_dir.absolute()), options.only, settings.redis_url is not None)
        return
    if detach:
        _detach(Layout(settings.data_dir.absolute()))
        return
    supervisor = Supervisor(settings, options, Console())
    raise typer.Exit(asyncio.run(supervisor.run()))


def _services(only: str) -> tuple[str, ...]:
    from broadsheet.supervisor.services import SERVICES

    chosen = tuple(filter(None, (name.strip() for name in only.split(","))))
    if unknown := [name for name in chosen if name not in SERVICES]:
        raise CliFailure(f"--only: unknown service {unknown[0]!r}. Known services: {', '.join(SERVICES)}", code=2)
    return chosen


def _explain(layout: Layout, only: tuple[str, ...], own_redis: bool) -> None:
    from broadsheet.supervisor.engine import find_engine
    from broadsheet.supervisor.services import SERVICES

    engine = "the server at BROADSHEET_REDIS_URL" if own_redis else f"{find_engine()}"
    print(f"would start {engine}, then {', '.join(only or SERVICES)}, with data in {layout.root}")
    if owner := layout.owner():
        print(f"but pid {owner} is already running with this data directory")


def _detach(layout: Layout) -> None:
    layout.make()
    if owner := layout.owner():
        raise CliFailure(f"another `broadsheet up` (pid {owner}) uses {layout.root}", code=2)
    log = layout.logs / "up.log"
    arguments = [argument for argument in sys.argv[1:] if argument != "--detach"]
    with log.open("wb") as out:
        child = subprocess.Popen(  # noqa: S603 - ourselves, with our own arguments
            [sys.executable, "-m", "broadsheet", *arguments],
            stdin=subprocess.DEVNULL, stdout=out, stderr=subprocess.STDOUT, start_new_session=True,
        )  # fmt: skip
    deadline = time.monotonic() + DETACH_SECONDS
    while time.monotonic() < deadline:
        state = RunState.read(layout.run_file)
        if state is not None and state.ready and state.pid == child.pid:
            print(_own_lines(log) + f"\nrunning in the background (pid {child.pid}); stop with `broadsheet down`")
            return
        if (code := child.poll()) is not None:
            raise CliFailure(f"the services did not start (log: {log}):\n{_own_lines(log)}", code=code or 1)
        time.sleep(0.1)
    child.terminate()
    raise CliFailure(f"the services were not ready within {DETACH_SECONDS:.0f} s (log: {log})")


def _yes(value: object) -> object:
    return {True: "yes", False: "NO"}[value] if isinstance(value, bool) else value


def _own_lines(log: Path) -> str:
    """The supervisor's own messages, without the services' lines and the foreground hint."""
    from broadsheet.supervisor.supervisor import STOP_HINT

    lines = log.read_text(encoding="utf-8", errors="replace").splitlines()
    return "\n".join(line for line in lines if line[7:8] != "|" and line != STOP_HINT)


def down(json: Json = False, dry_run: DryRun = False) -> None:
    """Stop the services started by `up` with this data directory."""
    layout = StackTarget().layout
    owner = layout.owner()
    if owner is None:
        show_json({"running": False}) if json else print("nothing is running")
        return
    if dry_run:
        show_json({"running": True, "pid": owner}) if json else print(f"would stop pid {owner}")
        return
    os.kill(owner, signal.SIGTERM)
    deadline = time.monotonic() + DOWN_SECONDS
    while layout.owner() == owner:
        if time.monotonic() > deadline:
            raise CliFailure(f"pid {owner} did not stop within {DOWN_SECONDS:.0f} s. Run `kill -9 {owner}` to force it")
        time.sleep(0.05)
    show_json({"running": False, "stopped": owner}) if json else print(f"stopped pid {owner}")


def status(json: Json = False) -> None:
    """Show services, addresses and readiness. Exit code 1 if a service is not ready."""
    import httpx

    from broadsheet.supervisor.services import SERVICES, http_probe, redis_answers

    target = StackTarget()
    state = target.state
    if state is None:
        if target.settings.redis_url is None:
            raise CliFailure("nothing is running here; start it with `broadsheet up`")
        _status_elsewhere(target, json=json)
        return

    async def probe() -> dict[str, bool]:
        async with httpx.AsyncClient() as http:
            names = [name for name in SERVICES if name in state.ports]
            urls = [f"http://127.0.0.1:{state.ports[name]}/readyz" for name in names]
            answers = await asyncio.gather(redis_answers(target.redis_url), *(http_probe(http, url)() for url in urls))
            return dict(zip(["redis", *names], answers, strict=True))

    ready = asyncio.run(probe())
    rows = [
        {"service": name, "ready": ok, "port": state.ports.get(name), "pid": state.pids.get(name),
         "restarts": state.restarts.get(name, 0)}
        for name, ok in ready.items()
    ]  # fmt: skip
    if json:
        urls = {"serve": state.serve_url, "ingest": state.ingest_url}
        show_json({"pid": state.pid, "started_at": state.started_at, "server": state.server, "urls": urls,
                   "checked": state.ready, "services": rows})  # fmt: skip
    else:
        columns = ("service", "ready", "port", "pid", "restarts")
        show_table(
            columns, [[row["service"], "yes" if row["ready"] else "NO", *list(row.values())[2:]] for row in rows]
        )
        print(f"reader {state.serve_url}/  ingest {state.ingest_url}/v1/articles  {state.server}")
    if not all(ready.values()):
        raise typer.Exit(1)


def _status_elsewhere(target: StackTarget, *, json: bool) -> None:
    """Status of a stack that was not started by `up` in this directory: probes URLs and worker heartbeats."""
    ready = asyncio.run(_probe_elsewhere(target))
    if json:
        urls = {"serve": target.serve_url, "ingest": target.ingest_url}
        show_json({"urls": urls, "services": [{"service": name, "ready": ok} for name, ok in ready.items()]})
    else:
        show_table(("service", "ready"), [(name, "yes" if ok else "NO") for name, ok in ready.items()])
    if not all(ready.values()):
        raise typer.Exit(1)


async def _probe_elsewhere(target: StackTarget) -> dict[str, bool]:
    import httpx

    from broadsheet.supervisor.services import http_probe, redis_answers
    from shared.broker.heartbeat import is_reading
    from shared.clock import now
    from shared.store import connect
    from shared.store.webhooks.deliveries import Deliveries

    async with httpx.AsyncClient() as http:
        urls = {"ingest": target.ingest_url, "serve": target.serve_url}
        answers = await asyncio.gather(
            redis_answers(target.redis_url), *(http_probe(http, f"{url}/readyz")() for url in urls.values())
        )
    ready = dict(zip(["redis", *urls], answers, strict=True))
    client = connect(target.redis_url)
    try:
        for name in ("enrich", "index"):
            ready[name] = ready["redis"] and await is_reading(client, name)
        at = round(now().timestamp() * 1000)
        ready["notify"] = ready["redis"] and await Deliveries(client).has_heartbeat(now_ms=at)
    finally:
        await client.aclose()
    return ready
