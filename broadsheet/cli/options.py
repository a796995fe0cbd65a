"""Shared command-line options, and output as tables or JSON."""

from __future__ import annotations

import json
import sys
from collections.abc import Iterable, Sequence
from typing import Annotated, Any

import typer

Json = Annotated[bool, typer.Option("--json", help="Print JSON.")]
DryRun = Annotated[bool, typer.Option("--dry-run", help="Show what would be done, without doing it.")]


def show_json(value: Any) -> None:
    """One JSON document on one line: a stream of them is NDJSON."""
    print(json.dumps(value, ensure_ascii=False, default=str), flush=True)


def show_table(columns: Sequence[str], rows: Iterable[Sequence[object]], *, empty: str = "nothing") -> None:
    """A table on a terminal, tab-separated lines in a pipe; `empty` when there are no rows."""
    cells = [[printable(str(cell)) for cell in row] for row in rows]
    if not sys.stdout.isatty():
        for row in cells:
            print("\t".join(row))
        return
    if not cells:
        print(empty)
        return
    from rich.console import Console
    from rich.table import Table
    from rich.text import Text

    table = Table(*columns, box=None, header_style="bold", pad_edge=False)
    for row in cells:
        table.add_row(*(Text(cell) for cell in row))
    Console().print(table)


def printable(text: str) -> str:
    """Strip control characters, so that untrusted text cannot send escape sequences to the operator's terminal."""
    return "".join(letter if letter.isprintable() else " " for letter in text)
