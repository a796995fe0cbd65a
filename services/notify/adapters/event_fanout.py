"""Fan-out of the public log into the delivery queue: each event once for each endpoint whose saved search matches."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence
from typing import Final

import structlog

from shared.backoff import Backoff
from shared.errors import StoreUnavailable
from shared.observability import log_events, metrics
from shared.store import ArticleStore, PublicationLog
from shared.store.log_reader import LogReader
from shared.store.publication_log import LogEntry
from shared.store.subscriptions.matcher import MatcherUpdater
from shared.store.subscriptions.registry import Subscriptions
from shared.store.webhooks.deliveries import HEARTBEAT_MS, Checkpoint, Deliveries, Delivery
from shared.store.webhooks.endpoints import Endpoints
from shared.tombstones import article_of
from shared.webhooks import delivery_id

PAGE: Final = 100
BLOCK_MS: Final = 1_000
PER_COMMIT: Final = 200
"""Endpoints per script call, which blocks Redis while it runs."""
log = structlog.get_logger(__name__)


class EventFanout:
    """Reads the log after a durable checkpoint. Safe in any number of processes: only one of them advances it."""

    def __init__(
        self,
        publications: PublicationLog,
        store: ArticleStore,
        subscriptions: Subscriptions,
        endpoints: Endpoints,
        deliveries: Deliveries,
        *,
        now_ms: Callable[[], int],
        queued: Callable[[], None] = lambda: None,
    ) -> None:
        self._log = publications
        self._reader = LogReader(publications, store)
        self._subscriptions = MatcherUpdater(subscriptions, endpoints, publications, self._reader)
        self._deliveries = deliveries
        self._now_ms = now_ms
        self._queued = queued
        self._checkpoint: Checkpoint | None = None
        self._heartbeat_ms = 0

    @property
    def reading(self) -> bool:
        """Whether the log was read successfully."""
        return self._checkpoint is not None

    async def run(self) -> None:
        """Read until cancelled; retries with back-off while Redis is unavailable."""
        backoff = Backoff(longest=2.0)
        while True:
            try:
                await self.step(block_ms=BLOCK_MS)
                await self._heartbeat()
                backoff.succeeded()
            except StoreUnavailable as error:
                pause = backoff.failed()
                log.warning(
                    log_events.STORE_UNAVAILABLE, component="fan-out", reason=str(error), seconds=round(pause, 3)
                )
                self._checkpoint = None
                await asyncio.sleep(pause)

    async def step(self, *, block_ms: int | None = None) -> int:
        """Process one page of the log; returns how many deliveries were queued."""
        checkpoint = self._checkpoint or await self._load_checkpoint()
        page = await self._reader.page(checkpoint.cursor, count=PAGE, block_ms=block_ms)
        self._checkpoint = checkpoint
        if page.cursor == checkpoint.cursor:
            return 0
        await self._subscriptions.refresh()
        queued = 0
        facts = await self._reader.facts([entry.event for entry in page.entries])
        for entry, one in zip(page.entries, facts, strict=True):
            ids = self._subscriptions.matcher.match(entry.event.meta.type, entry.cursor, one)
            if ids:
                checkpoint, count = await self._enqueue(checkpoint, entry, ids)
                queued += count
                if not checkpoint.cursor:
                    self._checkpoint = None  # another process advanced it: continue from there
                    return queued
        self._checkpoint = Checkpoint(page.cursor)
        if checkpoint != self._checkpoint:
            moved = await self._deliveries.enqueue(checkpoint, self._checkpoint, "", (), now_ms=0)
            if moved is None:
                self._checkpoint = None
        return queued

    async def _heartbeat(self) -> None:
        if (at := self._now_ms()) - self._heartbeat_ms >= HEARTBEAT_MS:
            await self._deliveries.write_heartbeat(now_ms=at)
            self._heartbeat_ms = at

    async def _load_checkpoint(self) -> Checkpoint:
        checkpoint = await self._deliveries.checkpoint()
        while checkpoint is None:
            bounds = await self._log.bounds()
            await self._subscriptions.refresh()
            await self._deliveries.create_checkpoint(self._subscriptions.matcher.earliest() or bounds.last)
            checkpoint = await self._deliveries.checkpoint()
        return checkpoint

    async def _enqueue(self, checkpoint: Checkpoint, entry: LogEntry, ids: Sequence[str]) -> tuple[Checkpoint, int]:
        """Queue one event; the checkpoint after it, or one without a cursor when another process advanced it."""
        left, at = [one for one in ids if one > checkpoint.part], self._now_ms()
        for first in range(0, max(1, len(left)), PER_COMMIT):
            part = left[first : first + PER_COMMIT]
            last = first + PER_COMMIT >= len(left)
            new = Checkpoint(entry.cursor) if last else Checkpoint(checkpoint.cursor, part[-1])
            items = [(one, delivery_of(one, entry, now_ms=at)) for one in part]
            overflowed = await self._deliveries.enqueue(checkpoint, new, entry.cursor, items, now_ms=at)
            if overflowed is None:
                return Checkpoint(""), first
            report_overflow(overflowed)
            checkpoint = new
        metrics.WEBHOOK_QUEUED.inc(len(left))
        self._queued()
        return checkpoint, len(left)


def delivery_of(endpoint_id: str, entry: LogEntry, *, now_ms: int) -> Delivery:
    """The delivery of an event to an endpoint."""
    meta = entry.event.meta
    return Delivery(delivery_id(endpoint_id, meta.event_id), meta.type, entry.cursor, article_of(entry.event), now_ms)


def report_overflow(ids: Sequence[str]) -> None:
    """Log the endpoints that were disabled because their queue is full."""
    for one in ids:
        metrics.WEBHOOK_DISABLED.labels("queue-full").inc()
        log.warning(log_events.WEBHOOK_DISABLED, subscription=one, reason="queue-full")
