"""Polls subscribed feeds from serve after the log moved, and queues changed content for their subscribers."""

from __future__ import annotations

import asyncio
import hashlib
import time
from collections.abc import Callable
from dataclasses import replace
from typing import Final, Literal

import structlog

from shared.errors import StoreUnavailable
from shared.fetch import FetchError, FetchRefused, GuardedClient
from shared.observability import log_events, metrics
from shared.store import PublicationLog
from shared.store.webhooks.websub import Topic, WebSub

ROUND_SECONDS: Final = 2.0
"""Seconds between two polls of the log; several events in one round are one delivery of the feed."""
SWEEP_SECONDS: Final = 60.0
"""Seconds between two sweeps of expired leases."""
_AT_ONCE: Final = 4
_LATER: Final = frozenset({408, 429})
_MAX_BYTES: Final = 2 * 1024 * 1024
FeedState = Literal["here", "absent", "unknown"]
"""State of a feed: readable, absent, or unknown while serve is unavailable."""
log = structlog.get_logger(__name__)


class TopicPoller:
    """Keeps subscribed feeds current. Topics are public URLs; they are fetched from the internal address of serve."""

    def __init__(
        self,
        client: GuardedClient,
        publications: PublicationLog,
        websub: WebSub,
        *,
        public_url: str,
        serve_url: str,
        now_ms: Callable[[], int],
        queued: Callable[[], None] = lambda: None,
    ) -> None:
        self._client = client
        self._log = publications
        self._websub = websub
        self._public_url = public_url
        self._serve_url = serve_url
        self._now_ms = now_ms
        self._queued = queued
        self._semaphore = asyncio.Semaphore(_AT_ONCE)

    async def run(self) -> None:
        """Poll after every change of the log, until cancelled."""
        sweep_at = 0.0
        while True:
            try:
                await self.step()
                if (at := time.monotonic()) >= sweep_at:
                    await self.sweep()
                    sweep_at = at + SWEEP_SECONDS
            except StoreUnavailable as error:
                log.warning(log_events.STORE_UNAVAILABLE, component="websub", reason=str(error))
            await asyncio.sleep(ROUND_SECONDS)

    async def sweep(self) -> None:
        """Delete subscribers with an expired lease, also of feeds that never change."""
        for one in await self._websub.expired(now_ms=self._now_ms()):
            await self._websub.delete(one, unless_renewed=True)

    async def step(self) -> bool:
        """Check every topic if the log has moved; whether all could be checked."""
        head = (await self._log.bounds()).last
        if head == await self._websub.cursor():
            return True
        seen = await asyncio.gather(*(self.refresh(topic) for topic in await self._websub.topics()))
        if whole := "unknown" not in seen:  # an absent feed can reappear only with a later event, which moves the log
            await self._websub.store_cursor(head)
        return whole

    async def refresh(self, url: str) -> FeedState:
        """Fetch one feed, and queue it for its subscribers if it changed."""
        async with self._semaphore:
            old = await self._websub.content(url)
            path = url.removeprefix(self._public_url)
            headers = {"If-None-Match": old.etag} if old.etag else {}
            try:
                answer = await self._client.get(f"{self._serve_url}{path}", headers=headers, max_bytes=_MAX_BYTES)
            except FetchError as error:
                log.warning(log_events.WEBSUB_TOPIC_FETCH_FAILED, reason=str(error))
                return "absent" if isinstance(error, FetchRefused) else "unknown"
            if answer.status == 304:
                return "here"
            if answer.status != 200:
                log.info(log_events.WEBSUB_TOPIC_REJECTED, status=answer.status)
                return "unknown" if answer.status >= 500 or answer.status in _LATER else "absent"
            digest = hashlib.sha256(answer.body).hexdigest()
            media_type = answer.headers.get("content-type", "application/octet-stream")
            fresh = Topic(url, answer.headers.get("etag", ""), digest, media_type, digest, answer.body)
            if old.announced_digest and old.announced_digest != digest:
                # Stored without its ETag until queued for every subscriber: after a crash it is fetched again.
                await self._websub.store_content(replace(fresh, etag="", announced_digest=old.announced_digest))
                await self._queue_for_subscribers(fresh)
            await self._websub.store_content(fresh)
            return "here"

    async def _queue_for_subscribers(self, fresh: Topic) -> None:
        subscribers = await self._websub.subscribers(fresh.url)
        for one in subscribers:
            await self._websub.queue_content(one, fresh, now_ms=self._now_ms())
        metrics.WEBHOOK_QUEUED.inc(len(subscribers))
        self._queued()
