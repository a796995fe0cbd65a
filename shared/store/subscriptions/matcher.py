"""In-memory matcher for saved searches that have a webhook. Kept current from the subscription change stream."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass
from typing import Final

import structlog

from shared.articles import CANARY_SOURCE
from shared.clock import now
from shared.observability import log_events
from shared.query import Facts, Percolator, Query, QuerySyntaxError, parse
from shared.query.canary import names_canary
from shared.query.percolator import TermCounts
from shared.store.log_reader import LogReader
from shared.store.publication_log import PublicationLog, parse_cursor
from shared.store.subscriptions.registry import ChangePosition, Subscription, Subscriptions
from shared.store.webhooks.endpoints import Endpoint, Endpoints
from shared.tombstones import with_tombstones

LEARNED: Final = 300
"""Number of newest log entries from which term frequencies are counted."""
_BATCH: Final = 500
log = structlog.get_logger(__name__)


@dataclass(frozen=True, slots=True)
class _SubscriptionTarget:
    types: frozenset[str]
    since: tuple[int, int]
    names_canary: bool


class SubscriptionMatcher:
    """Finds the subscriptions that match an event, by query, event types and creation cursor."""

    def __init__(self, counts: TermCounts | None = None) -> None:
        self._percolator = Percolator(counts)
        self._targets: dict[str, _SubscriptionTarget] = {}

    def __len__(self) -> int:
        return len(self._targets)

    @property
    def distinct(self) -> int:
        """Number of distinct queries."""
        return self._percolator.distinct

    def put(self, subscription_id: str, query: Query, *, types: Collection[str] = (), since: str = "0-0") -> None:
        """Add or replace a subscription. Empty `types` means all; events up to the cursor `since` do not match."""
        self._percolator.put(subscription_id, query)
        self._targets[subscription_id] = _SubscriptionTarget(
            with_tombstones(types), parse_cursor(since), names_canary(query)
        )

    def remove(self, subscription_id: str) -> None:
        """Remove a subscription if it is known."""
        self._percolator.remove(subscription_id)
        self._targets.pop(subscription_id, None)

    def match(self, event_type: str, cursor: str, facts: Facts) -> list[str]:
        """Ids of the subscriptions that match the event at this cursor, in order."""
        at, is_canary = parse_cursor(cursor), facts.source == CANARY_SOURCE
        matched = ((one, self._targets[one]) for one in self._percolator.match(facts))
        return sorted(
            one
            for one, target in matched
            if target.since < at
            and (not target.types or event_type in target.types)
            and (target.names_canary or not is_canary)
        )

    def candidates(self, facts: Facts) -> int:
        """Number of queries that `match` verifies for an article that is not removed."""
        return self._percolator.candidates(facts)

    def earliest(self) -> str | None:
        """The oldest creation cursor of a subscription; None without subscriptions."""
        oldest = min((target.since for target in self._targets.values()), default=None)
        return None if oldest is None else f"{oldest[0]}-{oldest[1]}"


class MatcherUpdater:
    """Loads a `SubscriptionMatcher` and applies the changes of subscriptions. Raises StoreUnavailable.

    Subscriptions without an endpoint are ignored; those that cannot be parsed (newer grammar) are logged and ignored.
    """

    def __init__(
        self, subscriptions: Subscriptions, endpoints: Endpoints, publications: PublicationLog, reader: LogReader
    ) -> None:
        self._subscriptions = subscriptions
        self._endpoints = endpoints
        self._publications = publications
        self._reader = reader
        self._position: ChangePosition | None = None
        self.matcher = SubscriptionMatcher()

    async def refresh(self) -> None:
        """Apply all changes made until now. Call it after reading an event and before matching it, so that no
        subscription created before the event is missed.
        """
        while self._position is not None:
            changes = await self._subscriptions.changes(self._position)
            if changes.lost:
                log.warning(
                    log_events.SUBSCRIPTIONS_RELOADED, reason="the change stream was trimmed past the last position"
                )
                self._position = None
                break
            if not changes.changes:
                return
            for change in changes.changes:
                if change.subscription is None or change.subscription.sink is None:
                    self.matcher.remove(change.id)
            await self._apply(self.matcher, [one.subscription for one in changes.changes if one.subscription])
            self._position = changes.position
        await self._load()

    async def _load(self) -> None:
        position = await self._subscriptions.position()
        matcher = SubscriptionMatcher(await self._learned())
        batch: list[Subscription] = []
        async for one in self._subscriptions.scan():
            batch.append(one)
            if len(batch) >= _BATCH:
                await self._apply(matcher, batch)
                batch = []
        await self._apply(matcher, batch)
        self.matcher, self._position = matcher, position
        log.info(log_events.SUBSCRIPTIONS_LOADED, subscriptions=len(matcher))

    async def _learned(self) -> TermCounts:
        entries = await self._reader.sendable(await self._publications.newest(LEARNED))
        return learned_counts(await self._reader.facts([entry.event for entry in entries]))

    async def _apply(self, matcher: SubscriptionMatcher, subscriptions: Iterable[Subscription]) -> None:
        with_sink = [one for one in subscriptions if one.sink is not None]
        endpoints: Sequence[Endpoint | None] = await self._endpoints.get_many([one.id for one in with_sink])
        for one, endpoint in zip(with_sink, endpoints, strict=True):
            query = None if endpoint is None else _query_of(one)
            if endpoint is None or query is None:  # no endpoint: deleted, or never created completely
                matcher.remove(one.id)
            else:
                matcher.put(one.id, query, types=one.types, since=endpoint.since)


def learned_counts(recent: Iterable[Facts]) -> TermCounts:
    """Term frequencies of these articles."""
    counts = TermCounts()
    for facts in recent:
        if not facts.partial:
            counts.learn(facts)
    return counts


def _query_of(subscription: Subscription) -> Query | None:
    try:
        return parse(subscription.q, now=now())
    except QuerySyntaxError as error:
        log.warning(log_events.SUBSCRIPTION_UNREADABLE, subscription=subscription.id, reason=str(error))
        return None
