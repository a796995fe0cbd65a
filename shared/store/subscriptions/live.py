"""All subscriptions in memory, matched against events and kept up to date while their owners change them."""

from __future__ import annotations

from collections.abc import Callable
from typing import Final

import structlog

from shared.articles import Article
from shared.events import LOG_EVENT_TYPES, LogEvent
from shared.query import Percolator, Query, QuerySyntaxError, event_facts, parse
from shared.query.percolator import TermCounts
from shared.store.subscriptions.registry import Place, Subscription, Subscriptions

_BITS: Final = {name: 1 << bit for bit, name in enumerate(LOG_EVENT_TYPES)}
_ALL: Final = (1 << len(LOG_EVENT_TYPES)) - 1

log = structlog.get_logger(__name__)


class LiveSubscriptions:
    """`load`, then call `refresh` for ever (it waits by itself), and `match` at any time; all from one event loop.

    `wanted` says which subscriptions this process is about, for example those with a sink. Give `counts` that have
    learned some hundred recent articles: it makes matching several times cheaper.
    """

    def __init__(
        self,
        store: Subscriptions,
        *,
        wanted: Callable[[Subscription], bool] = lambda _: True,
        counts: TermCounts | None = None,
    ) -> None:
        self._store = store
        self._wanted = wanted
        self._counts = counts or TermCounts()
        self._percolator = Percolator(self._counts)
        self._types: dict[str, int] = {}
        self._place: Place | None = None

    def __len__(self) -> int:
        return len(self._percolator)

    async def load(self) -> None:
        """Read all of them; the old state is matched until the new one is complete. Raises StoreUnavailable."""
        place = await self._store.place()
        percolator, types = Percolator(self._counts), dict[str, int]()
        async for subscription in self._store.everything():
            self._put(percolator, types, subscription)
        self._percolator, self._types, self._place = percolator, types, place

    async def refresh(self, *, block_ms: int = 1_000) -> int:
        """Wait up to `block_ms` for changes and take them in; how many there were. Raises StoreUnavailable."""
        if self._place is None:
            await self.load()
            return len(self)
        found = await self._store.changes(self._place, block_ms=block_ms)
        if found.lost:
            log.warning("subscriptions.reloading", reason="changes were missed")
            await self.load()
            return len(self)
        for change in found.changes:
            if change.subscription is None:
                self._percolator.remove(change.id)
                self._types.pop(change.id, None)
            else:
                self._put(self._percolator, self._types, change.subscription)
        self._place = found.place
        return len(found.changes)

    def match(self, event: LogEvent, article: Article | None = None) -> list[str]:
        """Ids of the subscriptions that this event is for. `article` as for `shared.query.event_facts`."""
        bit = _BITS.get(event.meta.type, 0)
        return [key for key in self._percolator.match(event_facts(event, article)) if self._types[key] & bit]

    def _put(self, percolator: Percolator, types: dict[str, int], subscription: Subscription) -> None:
        query = _query_of(subscription) if self._wanted(subscription) else None
        if query is None:
            percolator.remove(subscription.id)
            types.pop(subscription.id, None)
            return
        percolator.put(subscription.id, query)
        types[subscription.id] = sum(_BITS.get(name, 0) for name in subscription.types) or _ALL


def _query_of(subscription: Subscription) -> Query | None:
    """None for one that a newer version of the grammar wrote: it must not stop the others."""
    try:
        return parse(subscription.q, now=subscription.updated_at)
    except QuerySyntaxError as error:
        log.warning("subscriptions.unreadable", subscription=subscription.id, reason=str(error))
        return None
