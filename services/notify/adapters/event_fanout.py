"""From the public log into the queue: each event once for each endpoint whose saved search it matches."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence
from typing import Final

import structlog

from services.notify.adapters.wishes import Wishes
from shared.errors import CorruptRecord, StoreUnavailable
from shared.events import Publication
from shared.observability import metrics
from shared.query import Facts, event_facts
from shared.store import ArticleStore, PublicationLog
from shared.store.publication_log import LogEntry
from shared.store.webhooks.deliveries import BEAT_MS, Deliveries, Delivery, Mark
from shared.tombstones import article_of
from shared.webhooks import delivery_id

PAGE: Final = 100
BLOCK_MS: Final = 1_000
PER_COMMIT: Final = 200
"""Endpoints in one script: it blocks Redis while it runs."""
log = structlog.get_logger(__name__)


class EventFanout:
    """Reads the log behind a durable mark. Any number of processes may do it: only one of them moves the mark."""

    def __init__(
        self,
        publications: PublicationLog,
        store: ArticleStore,
        wishes: Wishes,
        deliveries: Deliveries,
        *,
        now_ms: Callable[[], int],
        queued: Callable[[], None] = lambda: None,
    ) -> None:
        self._log = publications
        self._store = store
        self._wishes = wishes
        self._deliveries = deliveries
        self._now_ms = now_ms
        self._queued = queued
        self._mark: Mark | None = None
        self._beaten_ms = 0

    @property
    def reading(self) -> bool:
        """Whether the log was read."""
        return self._mark is not None

    async def run(self) -> None:
        """Read until cancelled; an unreachable Redis is waited for."""
        pause = 0.1
        while True:
            try:
                await self.step(block_ms=BLOCK_MS)
                await self._beat()
                pause = 0.1
            except StoreUnavailable as error:
                log.warning("queueing.waiting", reason=str(error), seconds=pause)
                self._mark = None
                await asyncio.sleep(pause)
                pause = min(pause * 2, 2.0)

    async def step(self, *, block_ms: int | None = None) -> int:
        """One page of the log; how many deliveries it made."""
        mark = self._mark or await self._first_mark()
        page = await self._log.page(mark.cursor, count=PAGE, block_ms=block_ms)
        self._mark = mark
        if page.cursor == mark.cursor:
            return 0
        await self._wishes.refresh()
        made = 0
        for entry, facts in await facts_of(self._store, page.entries):
            ids = self._wishes.matching(entry.event, entry.cursor, facts)
            if ids:
                mark, count = await self._enqueue(mark, entry, ids)
                made += count
                if not mark.cursor:
                    self._mark = None  # another process reads too, and was faster: go on from where it is
                    return made
        self._mark = Mark(page.cursor)
        if mark != self._mark and await self._deliveries.enqueue(mark, self._mark, "", (), now_ms=0) is None:
            self._mark = None
        return made

    async def _beat(self) -> None:
        if (at := self._now_ms()) - self._beaten_ms >= BEAT_MS:
            await self._deliveries.beat(now_ms=at)
            self._beaten_ms = at

    async def _first_mark(self) -> Mark:
        mark = await self._deliveries.mark()
        while mark is None:
            bounds = await self._log.bounds()
            await self._deliveries.begin(await self._wishes.earliest() or bounds.last)
            mark = await self._deliveries.mark()
        return mark

    async def _enqueue(self, mark: Mark, entry: LogEntry, ids: Sequence[str]) -> tuple[Mark, int]:
        """Queue one event; the mark behind it, or one without a cursor when somebody else moved it."""
        left, at = [one for one in ids if one > mark.part], self._now_ms()
        for first in range(0, max(1, len(left)), PER_COMMIT):
            part = left[first : first + PER_COMMIT]
            last = first + PER_COMMIT >= len(left)
            new = Mark(entry.cursor) if last else Mark(mark.cursor, part[-1])
            items = [(one, delivery_of(one, entry, now_ms=at)) for one in part]
            full = await self._deliveries.enqueue(mark, new, entry.cursor, items, now_ms=at)
            if full is None:
                return Mark(""), first
            tell_of_full(full)
            mark = new
        metrics.WEBHOOK_QUEUED.inc(len(left))
        self._queued()
        return mark, len(left)


def delivery_of(endpoint_id: str, entry: LogEntry, *, now_ms: int) -> Delivery:
    """The delivery of an event to an endpoint."""
    meta = entry.event.meta
    made = delivery_id(endpoint_id, meta.event_id)
    return Delivery(made, meta.type, entry.cursor, article_of(entry.event), now_ms)


def tell_of_full(ids: Sequence[str]) -> None:
    """Say which endpoints became disabled because too much waits for them."""
    for one in ids:
        metrics.WEBHOOK_DISABLED.labels("queue-full").inc()
        log.warning("webhook.disabled", subscription=one, reason="queue-full")


async def facts_of(store: ArticleStore, entries: Sequence[LogEntry]) -> list[tuple[LogEntry, Facts]]:
    """Each entry with what queries look at: of a publication the stored article, body and all."""
    ids = list(dict.fromkeys(article_of(e.event) for e in entries if isinstance(e.event, Publication)))
    articles = {}
    try:
        articles = dict(zip(ids, await store.articles(ids), strict=True))
    except CorruptRecord:
        for one in ids:
            try:
                articles[one] = (await store.articles([one]))[0]
            except CorruptRecord:
                articles[one] = None  # judged by its card
    return [(entry, event_facts(entry.event, articles.get(article_of(entry.event)))) for entry in entries]
