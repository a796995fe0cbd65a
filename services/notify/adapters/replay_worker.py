"""Delivering a part of the log again: page by page behind a mark of its own, never faster than it is taken."""

from __future__ import annotations

import asyncio
from typing import Final

import structlog

from services.notify.adapters.event_fanout import PAGE, delivery_of, facts_of, tell_of_full
from shared.clock import now
from shared.errors import StoreUnavailable
from shared.query import Query, QuerySyntaxError, matches, parse
from shared.store import ArticleStore, PublicationLog, Redis
from shared.store.publication_log import LogEntry, parse_cursor
from shared.store.subscriptions.registry import Subscription, Subscriptions
from shared.store.webhooks.deliveries import MAX_WAITING, Deliveries, Mark
from shared.store.webhooks.replays import Replay, Replays

IDLE_SECONDS: Final = 1.0
_ROOM: Final = MAX_WAITING // 2
log = structlog.get_logger(__name__)


class ReplayWorker:
    """Works through the open replays, a page of each at a time."""

    def __init__(
        self,
        client: Redis,
        publications: PublicationLog,
        store: ArticleStore,
        subscriptions: Subscriptions,
        deliveries: Deliveries,
    ) -> None:
        self._replays = Replays(client)
        self._log = publications
        self._store = store
        self._subscriptions = subscriptions
        self._deliveries = deliveries

    async def run(self) -> None:
        """Until cancelled."""
        while True:
            try:
                moved = await self.step()
            except StoreUnavailable as error:
                log.warning("replays.waiting", reason=str(error))
                moved = False
            await asyncio.sleep(0.0 if moved else IDLE_SECONDS)

    async def step(self) -> bool:
        """One page of each; whether any got further."""
        return any([await self._page(replay) for replay in await self._replays.open()])

    async def _page(self, replay: Replay) -> bool:
        found = await self._subscriptions.get(replay.endpoint_id)
        mark = await self._deliveries.mark(replay.holder)
        query = _query(found)
        if found is None or mark is None or query is None:
            await self._replays.over(replay)
            return False
        if await self._deliveries.waiting(found.id) > _ROOM:
            return False
        page = await self._log.page(mark.cursor, count=PAGE)
        until = parse_cursor(replay.until)
        entries = [entry for entry in page.entries if parse_cursor(entry.cursor) <= until]
        for entry, facts in await facts_of(self._store, entries):
            if (not found.types or entry.event.meta.type in found.types) and matches(query, facts):
                new = Mark(entry.cursor)
                if not await self._queue(replay, mark, new, entry):
                    return False
                mark = new
        if page.cursor == mark.cursor or parse_cursor(page.cursor) >= until:
            await self._replays.over(replay)
            log.info("replay.done", subscription=found.id, until=replay.until)
            return False
        holder = replay.holder
        return await self._deliveries.enqueue(mark, Mark(page.cursor), "", (), now_ms=0, holder=holder) is not None

    async def _queue(self, replay: Replay, mark: Mark, new: Mark, entry: LogEntry) -> bool:
        at = int(now().timestamp() * 1000)
        item = (replay.endpoint_id, delivery_of(replay.endpoint_id, entry, now_ms=at))
        full = await self._deliveries.enqueue(
            mark, new, entry.cursor, [item], now_ms=at, holder=replay.holder, again=True
        )
        tell_of_full(full or ())
        return full is not None


def _query(found: Subscription | None) -> Query | None:
    try:
        return None if found is None else parse(found.q, now=now())
    except QuerySyntaxError:
        return None
