"""Quotations of an article: a quote in a `figure` stands with its attribution, a kept quote keeps its attribution."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

from services.enrich.domain.markup.blocks import HINTS, HtmlBlock, Place

_OUTSIDE: Final = frozenset(["nav", "aside", "footer", "form", "header"])
_OUTSIDE_HINTS: Final = sum(
    1 << HINTS.index(name) for name in ("related", "comment", "social", "newsletter", "chrome", "advert", "hidden")
)
_ATTRIBUTIONS: Final = frozenset(["figcaption", "footer", "cite"])
_MAX_ATTRIBUTION_WORDS: Final = 20
_MAX_LINKED: Final = 0.5


def add_quotes(blocks: Sequence[HtmlBlock], found: set[int]) -> None:
    """Add to `found` quotes in figures between body blocks, and the attributions of quotes that are in it."""
    quotes: dict[Place, list[int]] = {}
    for at, block in enumerate(blocks):
        if (quote := _quote(block.place)) is not None:
            quotes.setdefault(quote, []).append(at)
    for quote, members in quotes.items():
        is_kept = not found.isdisjoint(members)
        if is_kept or (quote.tag == "figure" and _is_among_body(blocks, members, found) and _is_in_text(quote)):
            found.update(at for at in members if not is_kept or _is_attribution(blocks[at]))


def _quote(place: Place) -> Place | None:
    """The `blockquote` around a block, or the `figure` around that; also of a caption beside the quote."""
    if not place.inside("blockquote") and place.tag != "figcaption":
        return None
    around: Place | None = place
    quote = None
    while around is not None:
        if around.tag == "figure":
            return around
        quote = around if around.tag == "blockquote" else quote
        around = around.parent
    return quote


def _is_among_body(blocks: Sequence[HtmlBlock], members: Sequence[int], found: set[int]) -> bool:
    if members[0] - 1 not in found or members[-1] + 1 not in found:
        return False
    quoted = [blocks[at] for at in members if blocks[at].place.inside("blockquote")]
    return bool(quoted) and sum(one.linked for one in quoted) <= _MAX_LINKED * sum(len(one.text) for one in quoted)


def _is_in_text(quote: Place) -> bool:
    around: Place | None = quote
    while around is not None and around.tag not in {"article", "main", "body"}:
        if around.tag in _OUTSIDE or around.own & _OUTSIDE_HINTS:
            return False
        around = around.parent
    return not quote.hidden


def _is_attribution(block: HtmlBlock) -> bool:
    place: Place | None = block.place
    while place is not None and place.tag not in {"blockquote", "figure"}:
        if place.tag in _ATTRIBUTIONS:
            return block.text.count(" ") < _MAX_ATTRIBUTION_WORDS and not block.place.hidden
        place = place.parent
    return False
