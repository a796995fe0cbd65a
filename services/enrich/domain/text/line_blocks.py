"""Groups the lines of a scraped page into blocks.

Three layouts occur: paragraphs separated by blank lines, one paragraph per line, and lines hard-wrapped at one width.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass
from typing import Final

from services.enrich.domain.decoding import clean

_MIN_WIDTH: Final = 40
_MAX_WIDTH: Final = 110
_UNSPACED: Final = re.compile(r"[\u0e00-\u0eff\u1000-\u109f\u1780-\u17ff\u3040-\u30ff\u3400-\u4dbf\u4e00-\u9fff]")
_FULL_STOP: Final = re.compile(r"(?:[.。।॥۔።။…]|[.?!]['\"”’»])[\"'”’»」』)\]]*$")
_ENDINGS: Final = (".", "!", "?", "…", ":", ";", "”", '"', "»", "。", "！", "？")


@dataclass(frozen=True, slots=True)
class Block:
    """One headline, paragraph or boilerplate line. `line` counts from 1; `gap`: a blank line precedes it."""

    text: str
    line: int
    gap: bool
    is_heading: bool = False
    """Whether markup says that it is a heading."""

    @property
    def words(self) -> int:
        """Number of words; in scripts without spaces two characters count as one."""
        unspaced = len(_UNSPACED.findall(self.text))
        return len(_UNSPACED.sub(" ", self.text).split()) + (unspaced + 1) // 2 if unspaced else len(self.text.split())

    @property
    def ends_sentence(self) -> bool:
        """Whether it ends with a full stop of any script, before closing quotes and brackets."""
        return _FULL_STOP.search(self.text) is not None


def blocks(text: str, *, alone: Callable[[str], bool] = lambda _: False) -> list[Block]:
    """Blocks of a text. Lines for which `alone` is true are never joined with another."""
    rows = _rows(clean(text))
    width = _width(rows)
    found: list[Block] = []
    previous: Block | None = None
    for row in rows:
        if previous is not None and _continues(previous, row, width, alone):
            found[-1] = Block(f"{found[-1].text} {row.text}", found[-1].line, found[-1].gap)
        else:
            found.append(row)
        previous = row
    return found


def _rows(text: str) -> list[Block]:
    rows: list[Block] = []
    gap = True
    for number, line in enumerate(text.split("\n"), start=1):
        stripped = line.strip()
        if stripped:
            # An indented line starts a paragraph, like a blank line.
            rows.append(Block(stripped, number, gap or (line[:1] == " " and bool(rows))))
        gap = not stripped
    return rows


def _width(rows: list[Block]) -> int | None:
    """The width at which the page is hard-wrapped, or None.

    A wrapped line is full: the first word of the next line would not have fit. Three such lines in a row that end
    inside a sentence are taken as evidence.
    """
    width = 0
    run: list[Block] = []
    for row in rows:
        run = [*run[-2:], row] if run and not row.gap else [row]
        if len(run) == 3 and _is_wrapped(run):
            width = max(width, *(len(item.text) for item in run))
    return width or None


def _is_wrapped(run: list[Block]) -> bool:
    width = max(len(row.text) for row in run)
    if not _MIN_WIDTH <= width <= _MAX_WIDTH:
        return False
    first, second, third = run
    open_ended = not first.text.endswith(_ENDINGS) or not second.text.endswith(_ENDINGS)
    flows = second.text[:1].islower() or third.text[:1].islower()
    return open_ended and flows and _is_full(first, second, width) and _is_full(second, third, width)


def _is_full(row: Block, following: Block, width: int) -> bool:
    return len(row.text) + 1 + len(following.text.split(maxsplit=1)[0]) > width


def _continues(previous: Block, row: Block, width: int | None, alone: Callable[[str], bool]) -> bool:
    if row.gap or alone(previous.text) or alone(row.text):
        return False
    if width is not None and len(previous.text) <= width and _is_full(previous, row, width):
        return True
    # A sentence broken by a stray line end.
    return row.text[:1].islower() and not previous.text.endswith(_ENDINGS) and len(previous.text) >= _MIN_WIDTH
