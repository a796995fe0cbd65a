"""Locates the headline of a scraped page below its navigation, site name and section."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Final, NamedTuple

from services.enrich.domain.phrases import fold
from services.enrich.domain.sections import canonical
from services.enrich.domain.terms.vocabulary import SECTIONS
from services.enrich.domain.text.byline_names import is_outlet
from services.enrich.domain.text.line_blocks import Block

MAX_WORDS: Final = 32
MAX_CHARACTERS: Final = 300
_MAX_KICKER_WORDS: Final = 3
_MAX_OUTLET_WORDS: Final = 6
_MIN_PROSE_WORDS: Final = 4
_LONG: Final = 25
_HEADERS: Final = frozenset({"stream-header", "recommended-header", "read-also-header"})


class Headline(NamedTuple):
    """Places (indices) of the headline, of the section above it, and of the lines above both that are neither."""

    place: int
    section: int | None
    chrome: frozenset[int]


class HeadlineLine(NamedTuple):
    """A block with what the line rules say of it."""

    block: Block
    rule: str | None
    is_meta: bool


def prose_start(lines: Sequence[HeadlineLine]) -> int:
    """Index of the first block that reads like a paragraph of the body; the number of blocks if none does."""
    return next((i for i, line in enumerate(lines) if is_text(line) and is_prose(line.block)), len(lines))


def is_text(line: HeadlineLine) -> bool:
    """Whether the line may be title, dek or body."""
    return line.rule is None and not line.is_meta


def is_prose(block: Block) -> bool:
    """Whether a block reads like a paragraph: it ends a sentence, or is long."""
    return block.words > _LONG or (block.words >= _MIN_PROSE_WORDS and block.ends_sentence)


def is_section(text: str) -> bool:
    """Whether a short line names a section, or is set in capitals as one."""
    return text.isupper() or text.casefold().strip(" :|") in SECTIONS or canonical(text) is not None


def locate(lines: Sequence[HeadlineLine], end: int, matches_given: Callable[[str], bool]) -> Headline | None:
    """The headline above `end`, where the body starts; None where nothing above it stands apart.

    `matches_given`: whether a text is the submitted title.
    """
    candidates = [i for i in range(end) if is_text(lines[i])]
    given = next((i for i in candidates if matches_given(lines[i].block.text)), None)
    if given is None and any(line.rule in _HEADERS for line in lines[:end]) and not _is_navigation_bar(lines, end):
        return None  # a list of other articles stands first
    boundary = _chrome_end(lines, candidates, end)
    below = [i for i in candidates if i > boundary]
    index = given if given is not None else _choose(lines, below, end, has_chrome=boundary >= 0)
    if index is None:
        return None
    above = [i for i in candidates if i < index]
    section = next((i for i in reversed(above) if _may_be_section(lines[i].block)), None)
    return Headline(index, section, frozenset(above) - {section})


def _is_navigation_bar(lines: Sequence[HeadlineLine], end: int) -> bool:
    """Whether each header above the body stands among navigation lines instead of over a list."""
    headers = [i for i in range(end) if lines[i].rule in _HEADERS]
    return all(
        any(0 <= j < end and lines[j].rule in {"navigation", "newsletter"} for j in (i - 1, i + 1)) for i in headers
    )


def _chrome_end(lines: Sequence[HeadlineLine], candidates: Sequence[int], end: int) -> int:
    """Index of the last navigation or section line with a longer candidate below it; -1 for none."""
    found = -1
    for i in range(end):
        following = [j for j in candidates if j > i and lines[j].block.words > _MAX_KICKER_WORDS]
        if lines[i].rule == "navigation" and following:
            found = i
        elif i in candidates and lines[i].block.words <= 2 and is_section(lines[i].block.text) and following:
            after = next((j for j in range(i + 1, end) if lines[j].rule is None), None)
            if after == following[0]:
                found = i
    return found


def _choose(lines: Sequence[HeadlineLine], below: Sequence[int], end: int, *, has_chrome: bool) -> int | None:
    short = 0
    while short < len(below) and lines[below[short]].block.words <= _MAX_KICKER_WORDS:
        short += 1
    heads, rest = below[:short], below[short:]
    if rest and len(rest) > 1 and _is_outlet_line(lines, rest[0], rest[1]):
        heads, rest = below[: short + 1], rest[1:]
    if not heads:
        return rest[0] if rest else None
    if not rest:
        return next((i for i in heads if not _is_chrome(lines, i, end)), heads[0])
    is_chrome = len(heads) > 1 or has_chrome or any(_is_chrome(lines, i, end) for i in heads)
    # A title of two words over its dek, or a section over the title: the dek has the body right below it.
    return rest[0] if is_chrome or _has_meta_below(lines, rest[0], end) else heads[0]


def _is_chrome(lines: Sequence[HeadlineLine], index: int, end: int) -> bool:
    """Whether a line is a section, or the site's name: it stands again in another line of the page."""
    text = lines[index].block.text
    if is_section(text) or is_outlet(text):
        return True
    folded = fold(text)
    others = (line for i, line in enumerate(lines) if i != index and (line.rule is not None or i >= end))
    return any(folded == fold(one.block.text) or (one.rule and folded in fold(one.block.text)) for one in others)


def _is_outlet_line(lines: Sequence[HeadlineLine], index: int, following: int) -> bool:
    """Whether a line of some words is the name of a newspaper, and not a headline."""
    block, below = lines[index].block, lines[following].block
    words = block.text.split()
    capitals = all(word[0].isupper() or len(word) <= 3 or not word[0].isalpha() for word in words)
    repeated = any(line.rule == "legal" and fold(block.text) in fold(line.block.text) for line in lines)
    return repeated or (
        len(words) <= _MAX_OUTLET_WORDS and capitals and is_outlet(block.text) and below.words > block.words
    )


def _has_meta_below(lines: Sequence[HeadlineLine], index: int, end: int) -> bool:
    following = next((line for line in lines[index + 1 : end] if line.rule is None), None)
    return following is not None


def _may_be_section(block: Block) -> bool:
    return block.words <= _MAX_KICKER_WORDS and (canonical(block.text) is not None or not is_outlet(block.text))
