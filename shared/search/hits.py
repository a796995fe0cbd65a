"""Search results: articles with their scores and highlights."""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any, Final

import orjson

from shared.articles import Card

OPEN: Final = "\ue000"
"""Start of a match in a highlight; a private-use character that texts do not contain."""
CLOSE: Final = "\ue001"
"""End of a match in a highlight."""
_MATCH: Final = re.compile(f"{OPEN}([^{CLOSE}]*){CLOSE}")


class Highlight(str):
    """A text with OPEN and CLOSE around each match, in pairs and not nested.

    Meilisearch sends this form, and HTML is rendered by replacing the two characters. `text` and `spans` are computed
    on demand, because most highlights are only rendered.
    """

    __slots__ = ()

    @classmethod
    def of(cls, text: str, spans: Iterable[tuple[int, int]]) -> Highlight:
        """The text with a match at each character span `(start, end)`.

        Spans outside the text or overlapping an earlier one are ignored.
        """
        parts: list[str] = []
        position = 0
        for start, end in sorted(spans):
            if position <= start < end <= len(text):
                parts += (_without_marks(text[position:start]), OPEN, _without_marks(text[start:end]), CLOSE)
                position = end
        return cls("".join((*parts, _without_marks(text[position:]))))

    @property
    def text(self) -> str:
        """The text alone."""
        return _without_marks(self)

    @property
    def spans(self) -> tuple[tuple[int, int], ...]:
        """The character spans `(start, end)` in `text` that matched, in order, not overlapping."""
        signs = len(OPEN) + len(CLOSE)
        found = enumerate(_MATCH.finditer(self))
        return tuple((mark.start() - at * signs, mark.end() - (at + 1) * signs) for at, mark in found)

    @property
    def matches(self) -> list[str]:
        """The pieces that matched."""
        return _MATCH.findall(self)


def _without_marks(text: str) -> str:
    return text.replace(OPEN, "").replace(CLOSE, "")


@dataclass(frozen=True)
class _CardHit:
    """Base of hits: the card is parsed on demand, because most are passed on as JSON."""

    stored: Card | str | bytes
    """The card, or its stored JSON."""

    @cached_property
    def card(self) -> Card:
        """The article's card."""
        return self.stored if isinstance(self.stored, Card) else Card.model_validate_json(self.stored)

    @property
    def card_json(self) -> dict[str, Any]:
        """The card as JSON values, a new dict."""
        if isinstance(self.stored, Card):
            return self.stored.model_dump(mode="json")
        card: dict[str, Any] = orjson.loads(self.stored)
        return card if len(card) == _FIELD_COUNT else {**_OPTIONAL, **card}


_OPTIONAL: Final[dict[str, Any]] = {
    name: None if info.default is None else list(info.default) if isinstance(info.default, tuple) else info.default
    for name, info in Card.model_fields.items()
    if not info.is_required()
}
"""Defaults of fields that older cards do not have."""
_FIELD_COUNT: Final = len(Card.model_fields)


@dataclass(frozen=True)
class SearchHit(_CardHit):
    """One article. `highlights` holds `title`, `dek`, and `excerpt` (the best window of summary or body)."""

    score: float
    highlights: dict[str, Highlight] = field(default_factory=dict)


@dataclass(frozen=True)
class SimilarHit(_CardHit):
    """A neighbour, its similarity in [0, 1], and the shared terms that explain it, strongest first."""

    score: float
    shared_terms: tuple[str, ...] = ()
