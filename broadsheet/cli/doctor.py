"""doctor: is everything as it must be? One line per check, exit code 1 when one is red."""

from __future__ import annotations

import asyncio
from dataclasses import asdict
from typing import Annotated

import typer

from broadsheet.cli.options import Json, show_json, show_table
from broadsheet.cli.target import Target


def register(app: typer.Typer) -> None:
    """Add the commands of this module."""
    app.command()(doctor)


def doctor(
    probe: Annotated[bool, typer.Option("--probe", help="Also send a canary page through the whole path.")] = False,
    json: Json = False,
) -> None:
    """Check the server, the groups, the workers, the dead letters, the index and the clock."""
    from broadsheet.diagnosis import examine

    findings = asyncio.run(examine(Target(), probe=probe))
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
