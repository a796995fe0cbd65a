"""Joins the cells of data table rows into one block: a single cell is too short to be classified."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from itertools import groupby
from typing import Final

from services.enrich.domain.markup.blocks import HtmlBlock, Place

_MAX_CELL_WORDS: Final = 40
_MAX_CELLS: Final = 20
_DEPTH: Final = 4
_CELLS: Final = frozenset(["td", "th"])
_LAYOUT_CONTENT: Final = frozenset(["h1", "h2", "h3", "pre", "article", "form"])
"""Elements that data cells do not contain."""


def join_table_rows(blocks: Sequence[HtmlBlock]) -> list[HtmlBlock]:
    """Join the cells of each data row with ` | `. Rows of layout tables stay separate blocks."""
    found: list[HtmlBlock] = []
    for row, group in groupby(blocks, key=lambda block: _table_row(block.place)):
        members = list(group)
        found.extend(members if row is None else _join_cells(row, members))
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


def _join_cells(row: Place, members: list[HtmlBlock]) -> list[HtmlBlock]:
    grouped = list(_cells(members))
    cells = [" ".join(block.text for block in cell) for cell in grouped]
    if not 1 < len(cells) <= _MAX_CELLS or _is_layout(row, grouped, cells):
        return members
    text = " | ".join(cells)
    whole = HtmlBlock(text, sum(block.linked for block in members), max(block.links for block in members), row)
    if whole.linked * 3 < len(text):
        (row.parent or row).words += text.count(" ") + 1
    return [whole]


def _cells(members: Sequence[HtmlBlock]) -> Iterator[list[HtmlBlock]]:
    for _, group in groupby(members, key=lambda block: _cell(block.place)):
        yield list(group)


def _cell(place: Place) -> Place:
    current: Place | None = place
    while current is not None and current.tag not in _CELLS:
        current = current.parent
    return current or place


def _is_layout(row: Place, grouped: Sequence[Sequence[HtmlBlock]], cells: Sequence[str]) -> bool:
    """Whether the row lays out parts of a page: it has long text, several paragraphs, a heading or code in a cell."""
    if any(text.count(" ") >= _MAX_CELL_WORDS for text in cells):
        return True
    tags = [[block.place.tag for block in cell] for cell in grouped]
    if any(cell.count("p") > 1 or not _LAYOUT_CONTENT.isdisjoint(cell) for cell in tags):
        return True
    table: Place | None = row
    while table is not None and table.tag != "table":
        table = table.parent
    return table is not None and table.attributes.get("role") in {"presentation", "none"}
