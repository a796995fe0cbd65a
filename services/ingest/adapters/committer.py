"""Group commit: concurrent requests share one round trip and one fsync.

Each acceptance is still one atomic commit. The number of worker tasks (and so of connections) and the queue are
bounded.
"""

from __future__ import annotations

import asyncio
import contextvars
from collections import deque
from collections.abc import Sequence
from typing import Final

import structlog

from shared.errors import StoreUnavailable
from shared.observability import log_events
from shared.store import ArticleStore
from shared.store.articles.port import Acceptance, AcceptOutcome

BATCH_ITEMS: Final = 64
BATCH_BYTES: Final = 8 * 1024 * 1024
WORKERS: Final = 4
QUEUE_ITEMS: Final = 4_000

Result = AcceptOutcome | BaseException

log = structlog.get_logger(__name__)


class Committer:
    """Commits acceptances in batches. Raises `StoreUnavailable` while the store is down or the queue is full."""

    def __init__(self, store: ArticleStore) -> None:
        self._store = store
        self._queue: deque[tuple[Acceptance, asyncio.Future[AcceptOutcome]]] = deque()
        self._workers: set[asyncio.Task[None]] = set()
        self._bulk = asyncio.Semaphore(WORKERS)

    async def commit(self, item: Acceptance) -> AcceptOutcome:
        """Returns once the acceptance is durable."""
        if len(self._queue) >= QUEUE_ITEMS:
            raise StoreUnavailable("too many commits are waiting", retry_after=1.0)
        done: asyncio.Future[AcceptOutcome] = asyncio.get_running_loop().create_future()
        self._queue.append((item, done))
        if len(self._workers) < WORKERS:
            # Its own context: a worker commits for many requests and must not log with the keys of one.
            worker = asyncio.create_task(self._work(), context=contextvars.Context())
            self._workers.add(worker)
            worker.add_done_callback(self._workers.discard)
        return await done

    async def commit_in_order(self, items: Sequence[Acceptance]) -> list[Result]:
        """Commit in order, in one round trip. A failed item is returned as its error and does not affect the others."""
        async with self._bulk:
            return await self._accept(items)

    async def aclose(self) -> None:
        """Wait for the commits in progress."""
        await asyncio.gather(*self._workers)

    async def _work(self) -> None:
        while batch := self._take():
            results = await self._accept([item for item, _ in batch])
            for (_, done), result in zip(batch, results, strict=True):
                if done.done():  # its request was cancelled
                    continue
                if isinstance(result, BaseException):
                    done.set_exception(result)
                else:
                    done.set_result(result)

    def _take(self) -> list[tuple[Acceptance, asyncio.Future[AcceptOutcome]]]:
        batch: list[tuple[Acceptance, asyncio.Future[AcceptOutcome]]] = []
        size = 0
        while self._queue and len(batch) < BATCH_ITEMS and size < BATCH_BYTES:
            batch.append(self._queue.popleft())
            size += len(batch[-1][0].data)
        return batch

    async def _accept(self, items: Sequence[Acceptance]) -> list[Result]:
        (answer,) = await asyncio.gather(self._store.accept(items), return_exceptions=True)
        if not isinstance(answer, BaseException):
            for item, outcome in zip(items, answer, strict=True):
                _log_accepted(item, outcome)
            return list(answer)
        if isinstance(answer, StoreUnavailable) or len(items) == 1:
            return [answer] * len(items)
        # One damaged record fails its whole pipeline. Retried one by one, the others commit (or replay).
        return [result for item in items for result in await self._accept([item])]


def _log_accepted(item: Acceptance, outcome: AcceptOutcome) -> None:
    # A replay under a key of our own is our own retry after a lost reply.
    if outcome.status == "accepted" or (outcome.status == "replayed" and item.idempotency_key.startswith("own:")):
        keys = item.event.log_keys() | {"article_id": outcome.article_id, "rev": outcome.rev}
        keys |= {"source": item.submission.source}
        log.info(log_events.ARTICLE_ACCEPTED, **keys)
