"""Replays a range of the log to one endpoint, page by page after a checkpoint of its own, with back-pressure."""

from __future__ import annotations

import asyncio
from typing import Final

import structlog

from services.notify.adapters.event_fanout import PAGE, delivery_of, report_overflow
from shared.clock import now
from shared.errors import StoreUnavailable
from shared.observability import log_events
from shared.query import Query, QuerySyntaxError, matches, parse
from shared.query.canary import is_canary, names_canary
from shared.store import ArticleStore, PublicationLog, Redis
from shared.store.log_reader import LogReader
from shared.store.publication_log import LogEntry, parse_cursor
from shared.store.subscriptions.registry import Subscription, Subscriptions
from shared.store.webhooks.deliveries import MAX_WAITING, Checkpoint, Deliveries
from shared.store.webhooks.replays import Replay, Replays
from shared.tombstones import with_tombstones

IDLE_SECONDS: Final = 1.0
_MAX_QUEUED: Final = MAX_WAITING // 2
"""A replay pauses while the endpoint has more deliveries queued than this."""
log = structlog.get_logger(__name__)


class ReplayWorker:
    """Processes the open replays, one page of each in turn."""

    def __init__(
        self,
        client: Redis,
        publications: PublicationLog,
        store: ArticleStore,
        subscriptions: Subscriptions,
        deliveries: Deliveries,
    ) -> None:
        self._replays = Replays(client)
        self._reader = LogReader(publications, store)
        self._subscriptions = subscriptions
        self._deliveries = deliveries

    async def run(self) -> None:
        """Run until cancelled."""
        while True:
            try:
                moved = await self.step()
            except StoreUnavailable as error:
                log.warning(log_events.STORE_UNAVAILABLE, component="notify.replays", reason=str(error))
                moved = False
            await asyncio.sleep(0.0 if moved else IDLE_SECONDS)

    async def step(self) -> bool:
        """Process one page of each replay; whether any advanced."""
        return any([await self._page(replay) for replay in await self._replays.open()])

    async def _page(self, replay: Replay) -> bool:
        found = await self._subscriptions.get(replay.endpoint_id)
        checkpoint = await self._deliveries.checkpoint(replay.holder)
        query = _query(found)
        if found is None or checkpoint is None or query is None:
            await self._replays.finish(replay)
            return False
        if await self._deliveries.count_unfinished(found.id) > _MAX_QUEUED:
            return False
        page = await self._reader.page(checkpoint.cursor, count=PAGE)
        until = parse_cursor(replay.until)
        entries = [entry for entry in page.entries if parse_cursor(entry.cursor) <= until]
        types = with_tombstones(found.types)
        facts = await self._reader.facts([entry.event for entry in entries])
        for entry, one in zip(entries, facts, strict=True):
            if is_canary(entry.event) and not names_canary(query):
                continue
            if (not types or entry.event.meta.type in types) and matches(query, one):
                new = Checkpoint(entry.cursor)
                if not await self._queue(replay, checkpoint, new, entry):
                    return False
                checkpoint = new
        if page.cursor == checkpoint.cursor or parse_cursor(page.cursor) >= until:
            await self._replays.finish(replay)
            log.info(log_events.REPLAY_COMPLETED, subscription=found.id, until=replay.until)
            return False
        holder = replay.holder
        return (
            await self._deliveries.enqueue(checkpoint, Checkpoint(page.cursor), "", (), now_ms=0, holder=holder)
            is not None
        )

    async def _queue(self, replay: Replay, checkpoint: Checkpoint, new: Checkpoint, entry: LogEntry) -> bool:
        at = int(now().timestamp() * 1000)
        item = (replay.endpoint_id, delivery_of(replay.endpoint_id, entry, now_ms=at))
        overflowed = await self._deliveries.enqueue(
            checkpoint, new, entry.cursor, [item], now_ms=at, holder=replay.holder, requeue_done=True
        )
        report_overflow(overflowed or ())
        return overflowed is not None


def _query(found: Subscription | None) -> Query | None:
    try:
        return None if found is None else parse(found.q, now=now())
    except QuerySyntaxError:
        return None
