"""doctor: health checks of a running stack. selfcheck: end-to-end test with one page. Exit code 1 on failure."""

from __future__ import annotations

import asyncio
from dataclasses import asdict
from typing import Annotated

import typer

from broadsheet.cli.options import Json, show_json, show_table
from broadsheet.cli.target import StackTarget, database


def register(app: typer.Typer) -> None:
    """Add the commands of this module."""
    app.command()(doctor)
    app.command()(selfcheck)


def doctor(
    probe: Annotated[bool, typer.Option("--probe", help="Also send a test page through all services.")] = False,
    json: Json = False,
) -> None:
    """Check Redis, consumer groups, workers, dead letters, sources, webhooks, the index and the clock."""
    from broadsheet.diagnosis import examine

    findings = asyncio.run(examine(StackTarget(), probe=probe))
    if json:
        show_json([asdict(item) for item in findings])
    else:
        show_table(
            ("", "check", "found"),
            [("ok" if item.ok else "RED", item.check, item.found + (f"; {item.advice}" if not item.ok else ""))
             for item in findings],
        )  # fmt: skip
    if not all(item.ok for item in findings):
        raise typer.Exit(1)


def selfcheck(json: Json = False) -> None:
    """End-to-end test with two pages: accept, enrich, search, events, typo tolerance, related articles."""
    from broadsheet.supervisor.wholepath import CheckStep, whole_path
    from shared.store import open_store

    target = StackTarget()

    async def work() -> list[CheckStep]:
        async with database(target) as client:
            return await whole_path(target.ingest_url, target.serve_url, target.key or "", open_store(client))

    steps = asyncio.run(work())
    if json:
        show_json([asdict(step) for step in steps])
    else:
        show_table(("", "step", "found"), [("pass" if step.ok else "FAIL", step.name, step.found) for step in steps])
        print(f"self-check {'passed' if all(step.ok for step in steps) else 'FAILED'}")
    if not all(step.ok for step in steps):
        raise typer.Exit(1)
