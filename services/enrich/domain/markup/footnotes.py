"""Finds the footnotes of an article by the role and the class names of the lists that hold them."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from functools import lru_cache
from typing import Final

from services.enrich.domain.markup.blocks import HtmlBlock, Place

_FOOTNOTES: Final = re.compile(r"(?:^|[\s_-])(?:foot|end)-?notes?(?:$|[\s_-](?:list|container|section|definition))")
_MAX_NAMES: Final = 200


def footnotes(blocks: Sequence[HtmlBlock]) -> Iterator[int]:
    """Indices of the blocks in lists of footnotes. Each element of the page is looked at once."""
    known: dict[Place | None, bool] = {None: False}
    for at, block in enumerate(blocks):
        unknown: list[Place] = []
        place: Place | None = block.place
        while place is not None and place not in known:
            unknown.append(place)
            place = place.parent
        inside = known[place]
        for around in reversed(unknown):
            inside = known[around] = inside or _is_footnotes(around)
        if inside and not block.place.hidden:
            yield at


def _is_footnotes(place: Place) -> bool:
    attributes = place.attributes
    return bool(attributes) and (
        attributes.get("role") == "doc-endnotes" or _names_footnotes(attributes.get("class", ""))
    )


@lru_cache(maxsize=8_192)
def _names_footnotes(class_names: str) -> bool:
    return _FOOTNOTES.search(class_names[:_MAX_NAMES]) is not None
