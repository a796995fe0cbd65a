"""Which events of the public log a subscriber wants. Equal filters are equal values, so each is matched only once."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Final

from services.serve.domain.terms import Expression
from services.serve.domain.topics import Topics
from shared.articles import Card
from shared.events import LOG_EVENT_TYPES, LogEvent, Tombstone, about
from shared.identity.languages import language_ranges
from shared.query import Facts, Query, event_facts, matches

_PREFIX: Final = "org.broadsheet."
_ANY: Final = Expression()
_NOTHING: Final = frozenset({""})


@dataclass(frozen=True, slots=True)
class EventFilter:
    """All of it must hold; an empty part always does."""

    tags: Expression = _ANY
    sections: Expression = _ANY
    sources: Expression = _ANY
    languages: Expression = _ANY
    types: frozenset[str] = frozenset()
    topics: Topics | None = None
    queries: frozenset[Query] = frozenset()

    def narrowed(self, query: Query, types: frozenset[str]) -> EventFilter:
        """What passes this, the query, and one of the types (none of them: any)."""
        both = self.types & types if self.types and types else self.types or types
        # types that exclude each other let nothing pass, which no set of types says: an impossible one does
        return replace(self, queries=self.queries | {query}, types=both or (_NOTHING if types else frozenset()))

    def matches(self, event: LogEvent, facts: Facts | None = None) -> bool:
        """Whether the event passes. `facts` are of the stored article, body and all; None judges by the card."""
        return self._matches_event(event) and self._matches_queries(event, facts)

    def _matches_queries(self, event: LogEvent, facts: Facts | None) -> bool:
        if not self.queries:
            return True
        known = facts or event_facts(event)
        return all(matches(query, known) for query in self.queries)

    def _matches_event(self, event: LogEvent) -> bool:
        if self.types and event.meta.type not in self.types:
            return False
        return self.matches_fields(about(event))

    def matches_fields(self, card: Card | Tombstone) -> bool:
        """Whether the fields of an article, or of what is left of it, pass."""
        return (
            (self.topics is None or self.topics.matches(card))
            and self.tags.matches([tag.slug for tag in card.tags])
            and self.sections.matches([card.section] if card.section else [])
            and self.sources.matches([card.source] if card.source else [])
            and self.languages.matches(language_ranges(card.language))
        )


def event_types(text: str) -> frozenset[str]:
    """Types as `article.published` or `org.broadsheet.article.published.v1`, comma-separated. Raises ValueError."""
    names = {part.strip().removeprefix(_PREFIX).removesuffix(".v1") for part in text[:1_000].split(",")}
    if unknown := names - set(LOG_EVENT_TYPES):
        raise ValueError(f"unknown type {min(unknown)[:60]!r}; known are {', '.join(LOG_EVENT_TYPES)}")
    return frozenset(names)
