"""Standfirst of an HTML page: its description, unless that only repeats the body or the title."""

from __future__ import annotations

import re
from collections.abc import Sequence
from html import unescape
from typing import Final

from services.enrich.domain.decoding import one_line
from services.enrich.domain.markup.blocks import HtmlBlock, Place
from services.enrich.domain.similar_text import plain_words, same_text

_MAX_DEK: Final = 600
_MAX_BLOCKS: Final = 200
_BELOW_HEADLINE: Final = 40
_OPENING: Final = 24
_FIRST_WORD: Final = 60
_MIN_WORDS: Final = 4
_HEADINGS: Final = frozenset(["h2", "h3", "h4", "h5"])
_TAG: Final = re.compile(r"</?[A-Za-z][^<>]{0,200}>")
_CLASSES: Final = re.compile(
    r"(?:^|[\s_-])(?:dec?k|standfirst|stand-first|sub-?(?:title|head(?:line|er|ing)?|line)|lede?|lead|intro(?:duction)?|"
    r"summary|excerpt|teaser|abstract|chapo|chapeau|vorspann|anriss(?:text)?|description|sommario|bajada|entradilla|ingress|kop)"
    r"(?:$|[\s_-])|__(?:dek|standfirst|subtitle|lead|intro|summary)",
    re.IGNORECASE,
)
_STRICT: Final = re.compile(
    r"(?:^|[\s_-])(?:dec?k|standfirst|stand-first|sub-?(?:title|head(?:line|er|ing)?)|chapo|chapeau|vorspann|bajada|"
    r"entradilla|ingress)(?:$|[\s_-])|__(?:dek|standfirst|subtitle)",
    re.IGNORECASE,
)
"""Those of `_CLASSES` that stand for nothing else."""
_MAX_BELOW: Final = 4


def dek_of(descriptions: Sequence[str], blocks: Sequence[HtmlBlock], body: Sequence[str], title: str) -> str:
    """The description of the page. One that markup shows as a standfirst is kept even if the body has it.

    Empty for a description that is the start of the body, often cut short, or the title. Of several, one that does not
    begin with the title.
    """
    headline = plain_words(title)
    texts = [text for raw in dict.fromkeys(descriptions) if (text := one_line(_TAG.sub(" ", unescape(raw)), _MAX_DEK))]
    if not any(map(plain_words, texts)):
        return _below_heading(blocks)
    given = [(text, words) for text in texts if (words := plain_words(text)) and not same_text(text, title)]
    given.sort(key=lambda one: len(headline) >= _MIN_WORDS and one[1][: len(headline)] == headline)
    start = plain_words(" ".join(body[:3]))
    opening = "".join(start)[:_OPENING]
    for number, (text, words) in enumerate(given):
        if shown := _shown(words, blocks):
            return shown
        repeats = words[:-1] == start[: len(words) - 1] or (number and "".join(words)[:_OPENING] == opening)
        if not repeats:
            return text
    return ""


def _below_heading(blocks: Sequence[HtmlBlock]) -> str:
    """The standfirst of a page without a description, by its class name."""
    heading = next((at for at, block in enumerate(blocks) if block.place.tag == "h1"), len(blocks))
    for block in blocks[heading + 1 : heading + 1 + _MAX_BELOW]:
        if len(block.text) <= _MAX_DEK and block.text.count(" ") >= _MIN_WORDS - 1 and _is_marked(block.place, _STRICT):
            return one_line(block.text, _MAX_DEK)
    return ""


def _shown(words: list[str], blocks: Sequence[HtmlBlock]) -> str:
    """The visible standfirst for a description, in full if the description is truncated."""
    if len(words) < _MIN_WORDS:
        return ""
    heading = next((number for number, block in enumerate(blocks) if block.place.tag == "h1"), -1)
    for number, block in enumerate(blocks[: max(_MAX_BLOCKS, heading + _BELOW_HEADLINE)]):
        if len(block.text) > _MAX_DEK or words[0] not in block.text[:_FIRST_WORD].casefold():
            continue
        own = plain_words(block.text)
        if own[: len(words) - 1] != words[:-1]:
            continue
        if _is_standfirst(block.place) or (heading == number - 1 and own == words and _is_apart(blocks, number)):
            return one_line(block.text, _MAX_DEK)
    return ""


def _is_apart(blocks: Sequence[HtmlBlock], number: int) -> bool:
    """Whether no other paragraph stands in the element of this one: it is part of the header, not of the text."""
    parent = blocks[number].place.parent
    others = (block.place for block in blocks[number + 1 :] if block.place.tag == "p")
    return parent is None or all(place.parent is not parent for place in others)


def _is_standfirst(place: Place) -> bool:
    parent = place.parent
    return place.tag in _HEADINGS or _is_marked(place) or (parent is not None and _is_marked(parent))


def _is_marked(place: Place, classes: re.Pattern[str] = _CLASSES) -> bool:
    names = (
        f"{place.attributes.get('class', '')} {place.attributes.get('id', '')} {place.attributes.get('itemprop', '')}"
    )
    return classes.search(names[:200]) is not None
