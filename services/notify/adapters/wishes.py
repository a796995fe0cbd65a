"""Who wants what: the saved searches that have an endpoint, kept up to date from their change log."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Final

import structlog

from shared.clock import now
from shared.events import LogEvent
from shared.query import Facts, Percolator, QuerySyntaxError, parse
from shared.store.publication_log import parse_cursor
from shared.store.subscriptions.registry import Place, Subscription, Subscriptions
from shared.store.webhooks.endpoints import Endpoint, Endpoints
from shared.tombstones import with_tombstones

_PART: Final = 500
log = structlog.get_logger(__name__)


@dataclass(frozen=True, slots=True)
class _Wish:
    types: frozenset[str]
    since: tuple[int, int]


class Wishes:
    """Matches events with the subscriptions that have a sink. Raises StoreUnavailable where it reads."""

    def __init__(self, subscriptions: Subscriptions, endpoints: Endpoints) -> None:
        self._subscriptions = subscriptions
        self._endpoints = endpoints
        self._percolator = Percolator()
        self._wishes: dict[str, _Wish] = {}
        self._place: Place | None = None

    def __len__(self) -> int:
        return len(self._wishes)

    async def earliest(self) -> str | None:
        """The oldest cursor at which an endpoint was made; None when there is no endpoint."""
        await self.refresh()
        oldest = min((wish.since for wish in self._wishes.values()), default=None)
        return None if oldest is None else f"{oldest[0]}-{oldest[1]}"

    async def refresh(self) -> None:
        """Take in every change made until now. Call it after an event was read and before it is matched: then no
        subscription that was made before the event is missed.
        """
        while self._place is not None:
            changes = await self._subscriptions.changes(self._place)
            if changes.lost:
                self._place = None
                break
            if not changes.changes:
                return
            for change in changes.changes:
                if change.subscription is None or change.subscription.sink is None:
                    self._drop(change.id)
            await self._take_in(each.subscription for each in changes.changes if each.subscription is not None)
            self._place = changes.place
        await self._load()

    def matching(self, event: LogEvent, cursor: str, facts: Facts) -> list[str]:
        """Ids of the subscriptions that are told of this event, in order."""
        at, kind = parse_cursor(cursor), event.meta.type
        found = []
        for one in self._percolator.match(facts):
            wish = self._wishes[one]
            if wish.since < at and (not wish.types or kind in wish.types):
                found.append(one)
        return sorted(found)

    async def _load(self) -> None:
        place = await self._subscriptions.place()
        self._percolator, self._wishes = Percolator(), {}
        part: list[Subscription] = []
        async for one in self._subscriptions.everything():
            if one.sink is not None:
                part.append(one)
            if len(part) >= _PART:
                await self._take_in(part)
                part = []
        await self._take_in(part)
        self._place = place
        log.info("wishes.loaded", subscriptions=len(self))

    async def _take_in(self, subscriptions: Iterable[Subscription]) -> None:
        wanted = [one for one in subscriptions if one.sink is not None]
        found: Sequence[Endpoint | None] = await self._endpoints.many([one.id for one in wanted])
        for one, endpoint in zip(wanted, found, strict=True):
            if endpoint is None:
                self._drop(one.id)  # deleted meanwhile, or its maker died before it was whole
                continue
            try:
                query = parse(one.q, now=now())
            except QuerySyntaxError:
                log.exception("wishes.unreadable", subscription=one.id)
                self._drop(one.id)
                continue
            self._percolator.put(one.id, query)
            self._wishes[one.id] = _Wish(with_tombstones(one.types), parse_cursor(endpoint.since))

    def _drop(self, subscription_id: str) -> None:
        self._percolator.remove(subscription_id)
        self._wishes.pop(subscription_id, None)
