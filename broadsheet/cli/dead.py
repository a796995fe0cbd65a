"""dead list, show, retry, drop: inspect and redrive dead letters."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import asdict
from typing import TYPE_CHECKING, Annotated, Any, Final, TypeVar

import typer

from broadsheet.cli.options import DryRun, Json, printable, show_json, show_table
from broadsheet.cli.target import database
from broadsheet.failure import CliFailure

if TYPE_CHECKING:
    from shared.broker.dead_letters import DeadLetter, DeadLetters
    from shared.topology import Stream

app = typer.Typer(help="Dead letters: entries that no worker could process.", no_args_is_help=True)

_ALL: Final = 100_000
T = TypeVar("T")
StreamName = Annotated[str, typer.Option("--stream", help="Only of this stream. Default: all.")]
Rule = Annotated[str, typer.Option(help="Only with this rule, for example `no-body`.")]
DeadId = Annotated[str, typer.Argument(help="Id of the dead letter, from `dead list`.", metavar="DEAD_ID")]


@app.command("list")
def list_(stream: StreamName = "", rule: Rule = "", limit: int = 100, json: Json = False) -> None:
    """List dead letters with stream, rule, reason and attempts."""
    found = asyncio.run(_with(lambda letters: letters.list(_stream(stream), rule=rule or None, limit=limit)))
    if json:
        show_json([_as_json(letter) for letter in found])
        return
    show_table(
        ("dead id", "stream", "rule", "attempts", "at", "reason"),
        [(item.dead_id, item.stream, item.rule, item.attempts, item.at, item.reason[:80]) for item in found],
        empty="no dead letters",
    )


@app.command()
def show(dead_id: DeadId, stream: StreamName = "", json: Json = False) -> None:
    """Show one dead letter with its original bytes."""
    letter = asyncio.run(_with(lambda letters: _find(letters, dead_id, stream)))
    values = _as_json(letter)
    if json:
        show_json(values)
        return
    show_table(("", ""), [(name, value) for name, value in values.items() if name != "fields"])
    for name, value in letter.fields.items():
        print(f"field {printable(name)}: {printable(value)}")


@app.command()
def retry(
    dead_id: Annotated[str, typer.Argument(help="Id of the dead letter, or --all.", metavar="[DEAD_ID]")] = "",
    all_: Annotated[
        bool, typer.Option("--all", help="All dead letters, or those matching --stream and --rule.")
    ] = False,
    stream: StreamName = "",
    rule: Rule = "",
    json: Json = False,
    dry_run: DryRun = False,
) -> None:
    """Append dead letters to their original stream, so that they are processed again."""
    if bool(dead_id) == all_:
        raise CliFailure("name one dead letter, or say --all", code=2)

    async def work(letters: DeadLetters) -> list[tuple[DeadLetter, str | None]]:
        chosen = await _chosen(letters, dead_id, stream, rule)
        return [(item, None if dry_run else await letters.retry(_stream_of(item), item.dead_id)) for item in chosen]

    done = asyncio.run(_with(work))
    if json:
        show_json([{"dead_id": item.dead_id, "stream": item.stream, "entry_id": entry} for item, entry in done])
        return
    for item, entry in done:
        print(
            f"{item.dead_id}: {'would be' if entry is None else 'was'} appended to {item.stream}"
            + (f" as {entry}" if entry else "")
        )
    if not done:
        print("no dead letters")


@app.command()
def drop(
    dead_id: DeadId,
    reason: Annotated[str, typer.Option(help="Reason; written to the audit log.")],
    stream: StreamName = "",
    json: Json = False,
    dry_run: DryRun = False,
) -> None:
    """Delete a dead letter permanently."""
    if not reason.strip():
        raise CliFailure("--reason must say why", code=2)

    async def work(letters: DeadLetters) -> DeadLetter:
        letter = await _find(letters, dead_id, stream)
        if not dry_run and not await letters.drop(_stream_of(letter), dead_id, reason):
            raise CliFailure(f"dead letter {dead_id} was gone already")
        return letter

    letter = asyncio.run(_with(work))
    if json:
        show_json({"dead_id": dead_id, "stream": letter.stream, "dropped": not dry_run})
    else:
        print(f"{'would drop' if dry_run else 'dropped'} {dead_id} of {letter.stream}")


async def _with(work: Callable[[DeadLetters], Awaitable[T]]) -> T:
    from shared.broker.dead_letters import DeadLetters

    async with database() as client:
        return await work(DeadLetters(client))


async def _chosen(letters: DeadLetters, dead_id: str, stream: str, rule: str) -> list[DeadLetter]:
    if dead_id:
        return [await _find(letters, dead_id, stream)]
    return await letters.list(_stream(stream), rule=rule or None, limit=_ALL)


async def _find(letters: DeadLetters, dead_id: str, stream: str) -> DeadLetter:
    from shared.topology import STREAMS

    wanted = _stream(stream)
    shown = [await letters.show(item, dead_id) for item in (STREAMS if wanted is None else (wanted,))]
    found = [letter for letter in shown if letter is not None]
    if not found:
        raise CliFailure(f"no dead letter has the id {dead_id}")
    if len(found) > 1:
        raise CliFailure(f"{dead_id} is in {', '.join(item.stream for item in found)}; name one with --stream")
    return found[0]


def _stream(name: str) -> Stream | None:
    from shared.topology import stream_named

    try:
        return stream_named(name) if name else None
    except KeyError as error:
        raise CliFailure(str(error.args[0]), code=2) from error


def _stream_of(letter: DeadLetter) -> Stream:
    from shared.topology import stream_named

    return stream_named(letter.stream)


def _as_json(letter: DeadLetter) -> dict[str, Any]:
    return {**asdict(letter), "at": letter.at.isoformat()}
