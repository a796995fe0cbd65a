"""lag, reindex, topology."""

from __future__ import annotations

import asyncio
import contextlib
import sys
from dataclasses import asdict
from typing import TYPE_CHECKING, Annotated, Any, Final

import typer

from broadsheet.cli.options import DryRun, Json, show_json, show_table
from broadsheet.cli.target import StackTarget, database
from broadsheet.failure import CliFailure

if TYPE_CHECKING:
    from shared.store import Redis
    from shared.store.index_jobs.reindex import ReindexProgress

_POLL_SECONDS: Final = 0.2
_TAKEN_SECONDS: Final = 20.0
_REPEATED_QUESTIONS: Final = 100
"""For a Redis that restarts: 20 s of refused connections."""


def register(app: typer.Typer) -> None:
    """Add the commands of this module."""
    app.command("lag")(show_lag)
    app.command()(reindex)
    app.command()(topology)


def show_lag(json: Json = False) -> None:
    """Show the lag of each consumer group."""
    from shared.broker.lag import lag

    async def work() -> list[dict[str, Any]]:
        async with database() as client:
            return [asdict(item) for item in await lag(client)]

    rows = asyncio.run(work())
    if json:
        show_json(rows)
        return
    columns = ("stream", "group", "waiting", "pending", "oldest_age_seconds", "dead")
    show_table([name.replace("_", " ") for name in columns], [[row[name] for name in columns] for row in rows])


def topology(json: Json = False) -> None:
    """List the streams with producer, consumers and retention."""
    from shared.topology import STREAMS

    rows: list[dict[str, Any]] = [
        {"stream": stream.name, "key": stream.key, "event": stream.event.__name__, "producer": stream.producer,
         "groups": list(stream.groups), "readers": list(stream.readers),
         "keep_days": stream.keep.days if stream.keep else None}
        for stream in STREAMS
    ]  # fmt: skip
    if json:
        show_json(rows)
        return
    show_table(
        ("stream", "event", "written by", "groups", "readers", "kept"),
        [
            (row["stream"], row["event"], row["producer"], ",".join(row["groups"]) or "-",
             ",".join(row["readers"]) or "-", f"{row['keep_days']} days" if row["keep_days"] else "permanent")
            for row in rows
        ],
    )  # fmt: skip


def reindex(
    wait: Annotated[bool, typer.Option(help="Wait until the rebuild is complete.")] = True,
    json: Json = False,
    dry_run: DryRun = False,
) -> None:
    """Rebuild the search index from the store and swap it in without downtime."""
    state = asyncio.run(_reindex(wait=wait, dry_run=dry_run, bar=not json and sys.stderr.isatty()))
    if isinstance(state, int):
        show_json({"articles": state}) if json else print(f"would rebuild the index from {state} article records")
        return
    if json:
        show_json({**asdict(state), "updated_at": state.updated_at.isoformat()})
    else:
        print(f"reindex {state.request_id}: {state.phase}, {state.done} of {state.total} articles")
        if state.digest:
            print(f"digest {state.digest}")
    if state.phase == "failed":
        raise CliFailure(f"the reindex failed, the old index stays in use: {state.error}")


async def _reindex(*, wait: bool, dry_run: bool, bar: bool) -> ReindexProgress | int:
    from shared.broker.heartbeat import is_reading
    from shared.store.index_jobs.reindex import count_articles, progress, request_reindex

    async with database(StackTarget()) as client:
        if dry_run:
            return await count_articles(client)
        if not await is_reading(client, "index"):
            raise CliFailure("the index service is not running; start it first")
        request_id = await request_reindex(client)
        if wait:
            return await _watch(client, request_id, bar=bar)
        state = await progress(client, request_id)
        if state is None:
            raise CliFailure(f"reindex {request_id} vanished")
        return state


async def _watch(client: Redis, request_id: str, *, bar: bool) -> ReindexProgress:
    from rich.console import Console
    from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

    columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeRemainingColumn())
    with Progress(*columns, console=Console(stderr=True), disable=not bar) as shown:
        task = shown.add_task("requested", total=None)
        waited = 0.0
        while True:
            state = await _patient_progress(client, request_id)
            if state is None:
                raise CliFailure(f"reindex {request_id} vanished")
            shown.update(task, description=state.phase, completed=state.done, total=state.total or None)
            if state.finished:
                return state
            waited = waited + _POLL_SECONDS if state.phase == "requested" else 0.0
            if waited > _TAKEN_SECONDS:
                raise CliFailure(f"the index service did not take reindex {request_id} within {_TAKEN_SECONDS:.0f} s")
            await asyncio.sleep(_POLL_SECONDS)


async def _patient_progress(client: Redis, request_id: str) -> ReindexProgress | None:
    """The progress, asked again while Redis does not answer: the rebuild goes on without its watcher."""
    from shared.errors import StoreUnavailable
    from shared.store.index_jobs.reindex import progress

    for _ in range(_REPEATED_QUESTIONS):
        with contextlib.suppress(StoreUnavailable):
            return await progress(client, request_id)
        await asyncio.sleep(_POLL_SECONDS)
    return await progress(client, request_id)
