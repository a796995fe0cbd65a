"""Joins the cells of data table rows into one block: a single cell is too short to be classified."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import groupby
from typing import Final

from services.enrich.domain.markup.blocks import HtmlBlock, Place

_MAX_CELL_WORDS: Final = 40
_MAX_CELLS: Final = 20
_DEPTH: Final = 4


def join_table_rows(blocks: Sequence[HtmlBlock]) -> list[HtmlBlock]:
    """Join each data row's cells with ` | `. Rows with a long cell belong to layout tables and stay separate blocks."""
    found: list[HtmlBlock] = []
    for row, group in groupby(blocks, key=lambda block: _table_row(block.place)):
        cells = list(group)
        found.extend(cells if row is None else _join_cells(row, cells))
    return found


def _table_row(place: Place) -> Place | None:
    """The `tr` around a cell block, at most 3 elements up."""
    if not place.inside("table"):
        return None
    current: Place | None = place
    for _ in range(_DEPTH):
        if current is None or current.tag == "tr":
            return current
        current = current.parent
    return None


def _join_cells(row: Place, cells: list[HtmlBlock]) -> list[HtmlBlock]:
    if not 1 < len(cells) <= _MAX_CELLS or any(cell.text.count(" ") >= _MAX_CELL_WORDS for cell in cells):
        return cells
    text = " | ".join(cell.text for cell in cells)
    whole = HtmlBlock(text, sum(cell.linked for cell in cells), max(cell.links for cell in cells), row)
    if whole.linked * 3 < len(text):
        (row.parent or row).words += text.count(" ") + 1
    return [whole]
