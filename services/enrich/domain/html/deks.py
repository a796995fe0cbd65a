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
_MIN_WORDS: Final = 4
_HEADINGS: Final = frozenset(["h2", "h3", "h4", "h5"])
_CLASSES: Final = re.compile(
    r"(?:^|[\s_-])(?:deck?|standfirst|stand-first|sub-?(?:title|head(?:line|er|ing)?|line)|lede?|lead|intro(?:duction)?|"
    r"summary|excerpt|teaser|abstract|chapo|chapeau|vorspann|description|sommario|bajada|entradilla|ingress|kop)"
    r"(?:$|[\s_-])|__(?:dek|standfirst|subtitle|lead|intro|summary)",
    re.IGNORECASE,
)


def dek_of(descriptions: Sequence[str], blocks: Sequence[HtmlBlock], body: Sequence[str], title: str) -> str:
    """The description that the page gives. One that its markup shows as a standfirst is one also if the body has it.

    Empty for a description that is the start of the body, often cut short, or the title.
    """
    text = next((text for raw in descriptions if (text := one_line(unescape(raw), _MAX_DEK))), "")
    words = plain_words(text)
    if not words or same_text(text, title):
        return ""
    if shown := _shown(words, blocks):
        return shown
    repeats = words[:-1] == plain_words(" ".join(body[:3]))[: len(words) - 1]
    return "" if repeats else text


def _shown(words: list[str], blocks: Sequence[HtmlBlock]) -> str:
    """The standfirst that the page shows for a description, in full where the description cuts it short."""
    if len(words) < _MIN_WORDS:
        return ""
    longest = max(words[:-1], key=len)
    for block in blocks[:_MAX_BLOCKS]:
        if len(block.text) > _MAX_DEK or longest not in block.text.casefold():
            continue  # nearly all blocks, at a tenth of the cost of their words
        if plain_words(block.text)[: len(words) - 1] == words[:-1] and _is_standfirst(block.place):
            return one_line(block.text, _MAX_DEK)
    return ""


def _is_standfirst(place: Place) -> bool:
    parent = place.parent
    return place.tag in _HEADINGS or _is_marked(place) or (parent is not None and _is_marked(parent))


def _is_marked(place: Place) -> bool:
    names = (
        f"{place.attributes.get('class', '')} {place.attributes.get('id', '')} {place.attributes.get('itemprop', '')}"
    )
    return _CLASSES.search(names[:200]) is not None
