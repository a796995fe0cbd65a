"""The rows of data tables as one block each: alone a cell says too little to be known as body."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import groupby
from typing import Final

from services.enrich.domain.markup.blocks import HtmlBlock, Place

_MAX_CELL_WORDS: Final = 40
_MAX_CELLS: Final = 20
_DEPTH: Final = 4


def with_rows_joined(blocks: Sequence[HtmlBlock]) -> list[HtmlBlock]:
    """The blocks with the cells of a row in one, between bars; a row with a long cell is layout and stays as it is."""
    found: list[HtmlBlock] = []
    for row, group in groupby(blocks, key=lambda block: _row_of(block.place)):
        cells = list(group)
        found.extend(cells if row is None else _joined(row, cells))
    return found


def _row_of(place: Place) -> Place | None:
    """The row of the table that a cell stands in, a few elements deep at most."""
    if not place.inside("table"):
        return None
    current: Place | None = place
    for _ in range(_DEPTH):
        if current is None or current.tag == "tr":
            return current
        current = current.parent
    return None


def _joined(row: Place, cells: list[HtmlBlock]) -> list[HtmlBlock]:
    if not 1 < len(cells) <= _MAX_CELLS or any(cell.text.count(" ") >= _MAX_CELL_WORDS for cell in cells):
        return cells
    text = " | ".join(cell.text for cell in cells)
    whole = HtmlBlock(text, sum(cell.linked for cell in cells), max(cell.links for cell in cells), row)
    if whole.linked * 3 < len(text):
        (row.parent or row).words += text.count(" ") + 1
    return [whole]
