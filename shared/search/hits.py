"""What a search finds: articles with their scores, and where their texts matched."""

from __future__ import annotations

from dataclasses import dataclass, field
from functools import cached_property
from typing import Any, Final

import orjson

from shared.articles import Card


@dataclass(frozen=True, slots=True)
class Highlight:
    """A piece of text and the character spans `(start, end)` that matched, in order, not overlapping."""

    text: str
    spans: tuple[tuple[int, int], ...]


@dataclass(frozen=True)
class _Carded:
    """What carries a card: read only by those who need it, since a page of ten is most often passed on as it is."""

    stored: Card | str | bytes
    """The card, or its JSON as the engine keeps it."""

    @cached_property
    def card(self) -> Card:
        """The article's card."""
        return self.stored if isinstance(self.stored, Card) else Card.model_validate_json(self.stored)

    @property
    def shown(self) -> dict[str, Any]:
        """The card as JSON values, a dict of the caller's own."""
        if isinstance(self.stored, Card):
            return self.stored.model_dump(mode="json")
        return {**_OPTIONAL, **orjson.loads(self.stored)}


_OPTIONAL: Final[dict[str, Any]] = {
    name: None if info.default is None else list(info.default) if isinstance(info.default, tuple) else info.default
    for name, info in Card.model_fields.items()
    if not info.is_required()
}
"""What a card that was written before a field existed shows of it."""


@dataclass(frozen=True)
class SearchHit(_Carded):
    """One article. `highlights` holds `title`, `dek`, and `excerpt` (the best window of summary or body)."""

    score: float
    highlights: dict[str, Highlight] = field(default_factory=dict)


@dataclass(frozen=True)
class SimilarHit(_Carded):
    """A neighbour, its similarity in [0, 1], and the shared terms that explain it, strongest first."""

    score: float
    shared_terms: tuple[str, ...] = ()
