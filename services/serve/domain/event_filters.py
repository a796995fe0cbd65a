"""Filters of the public log. Equal filters are equal values, so that each distinct filter is evaluated only once."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Final, Protocol

from services.serve.domain.terms import Expression
from services.serve.domain.topics import Topics
from shared.articles import CANARY_SOURCE, Card
from shared.events import LOG_EVENT_TYPES, LogEvent, Rejection, StreamEvent, Tombstone, about
from shared.identity.languages import language_ranges
from shared.query import Facts, Query, event_facts, matches
from shared.query.canary import is_canary, names_canary
from shared.tombstones import IMPLIED_TYPES, with_tombstones

_PREFIX: Final = "org.broadsheet."
_ANY: Final = Expression()
_NO_TYPE: Final = frozenset({""})


class StreamFilter(Protocol):
    """Decides which events of a log a subscriber receives. Hashable: subscribers with equal filters share the work."""

    @property
    def queries(self) -> frozenset[Query]:
        """The queries in it, which need the facts of stored articles."""
        ...

    def matches(self, event: StreamEvent, facts: Facts | None = None) -> bool:
        """Whether the event is for this subscriber."""
        ...

    def __hash__(self) -> int: ...


@dataclass(frozen=True, slots=True)
class RejectionFilter:
    """Rejections of one API key, or of all keys when `owner` is None, from some sources."""

    owner: str | None
    sources: Expression = _ANY
    queries: frozenset[Query] = frozenset()

    def matches(self, event: StreamEvent, _facts: Facts | None = None) -> bool:
        """See `StreamFilter`. An event whose key is unknown is for `owner` None only."""
        if not isinstance(event, Rejection) or (self.owner is not None and self.owner != event.owner):
            return False
        return self.sources.matches([event.article.source] if event.article.source else [])


@dataclass(frozen=True, slots=True)
class EventFilter:
    """A conjunction; an empty part always matches. `types` already contains those it implies."""

    tags: Expression = _ANY
    sections: Expression = _ANY
    sources: Expression = _ANY
    languages: Expression = _ANY
    types: frozenset[str] = frozenset()
    topics: Topics | None = None
    queries: frozenset[Query] = frozenset()

    def narrowed(self, query: Query, types: frozenset[str]) -> EventFilter:
        """This filter, further restricted to a query and to some types (empty: any)."""
        return replace(self, queries=self.queries | {query}, types=_common(self.types, with_tombstones(types)))

    def matches(self, event: StreamEvent, facts: Facts | None = None) -> bool:
        """Whether the event matches; a private one never does. `facts` are of the stored article, body included; None
        uses the card.
        """
        return not isinstance(event, Rejection) and self._matches_event(event) and self._matches_queries(event, facts)

    def _matches_queries(self, event: LogEvent, facts: Facts | None) -> bool:
        if not self.queries:
            return True
        known = facts or event_facts(event)
        return all(matches(query, known) for query in self.queries)

    def _matches_event(self, event: LogEvent) -> bool:
        if self.types and event.meta.type not in self.types:
            return False
        if is_canary(event) and not self._names_canary(about(event).id):
            return False
        return self.matches_fields(about(event))

    def _names_canary(self, article_id: str) -> bool:
        return (
            self.sources.names(CANARY_SOURCE)
            or (self.topics is not None and article_id in self.topics.articles)
            or any(map(names_canary, self.queries))
        )

    def matches_fields(self, card: Card | Tombstone) -> bool:
        """Whether the fields of an article or of a tombstone match."""
        return (
            (self.topics is None or self.topics.matches(card))
            and self.tags.matches([tag.slug for tag in card.tags])
            and self.sections.matches([card.section] if card.section else [])
            and self.sources.matches([card.source] if card.source else [])
            and self.languages.matches(language_ranges(card.language))
        )


def event_types(text: str) -> frozenset[str]:
    """The types of a comma-separated list, with those they imply. Raises ValueError.

    Names are `article.published` or `org.broadsheet.article.published.v1`.
    """
    return with_tombstones(type_name(part) for part in text[:1_000].split(","))


def type_name(text: str) -> str:
    """The short name of an event type in either spelling. Raises ValueError."""
    name = text.strip().removeprefix(_PREFIX).removesuffix(".v1")
    if name == Rejection.TYPE:
        raise ValueError(f"{name} is private and not in this log; follow /v1/rejections with the key that posts")
    if name not in LOG_EVENT_TYPES:
        raise ValueError(f"unknown type {name[:60]!r}. Known types: {', '.join(LOG_EVENT_TYPES)}")
    return name


def _common(one: frozenset[str], other: frozenset[str]) -> frozenset[str]:
    """The types that pass both choices (empty: any); an impossible type when they exclude each other."""
    if not one or not other:
        return one or other
    common = one & other
    only_implied = one <= IMPLIED_TYPES or other <= IMPLIED_TYPES
    return common if common - IMPLIED_TYPES or (common and only_implied) else _NO_TYPE
