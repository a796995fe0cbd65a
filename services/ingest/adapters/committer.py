"""Group commit: requests that wait at the same time share one round trip and one fsync.

Each acceptance is still one atomic commit of its own. A bounded number of lanes uses a bounded number of connections,
however many requests are waiting, and the queue itself is bounded.
"""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Sequence
from typing import Final

from shared.errors import StoreUnavailable
from shared.store import ArticleStore
from shared.store.articles.port import Acceptance, AcceptOutcome

BATCH_ITEMS: Final = 64
BATCH_BYTES: Final = 8 * 1024 * 1024
LANES: Final = 4
QUEUE_ITEMS: Final = 4_000

Result = AcceptOutcome | BaseException


class Committer:
    """Commits acceptances through the store. Raises `StoreUnavailable` while it cannot."""

    def __init__(self, store: ArticleStore) -> None:
        self._store = store
        self._waiting: deque[tuple[Acceptance, asyncio.Future[AcceptOutcome]]] = deque()
        self._lanes: set[asyncio.Task[None]] = set()
        self._bulk = asyncio.Semaphore(LANES)

    async def commit(self, item: Acceptance) -> AcceptOutcome:
        """Returns once the acceptance is durable."""
        if len(self._waiting) >= QUEUE_ITEMS:
            raise StoreUnavailable("too many commits are waiting", retry_after=1.0)
        done: asyncio.Future[AcceptOutcome] = asyncio.get_running_loop().create_future()
        self._waiting.append((item, done))
        if len(self._lanes) < LANES:
            lane = asyncio.create_task(self._lane())
            self._lanes.add(lane)
            lane.add_done_callback(self._lanes.discard)
        return await done

    async def commit_in_order(self, items: Sequence[Acceptance]) -> list[Result]:
        """Commit these in order, in one round trip; an item that fails alone is its error, not that of the others."""
        async with self._bulk:
            return await self._accept(items)

    async def aclose(self) -> None:
        """Wait for the commits in progress."""
        await asyncio.gather(*self._lanes)

    async def _lane(self) -> None:
        while batch := self._take():
            results = await self._accept([item for item, _ in batch])
            for (_, done), result in zip(batch, results, strict=True):
                if done.done():  # its request was given up
                    continue
                if isinstance(result, BaseException):
                    done.set_exception(result)
                else:
                    done.set_result(result)

    def _take(self) -> list[tuple[Acceptance, asyncio.Future[AcceptOutcome]]]:
        batch: list[tuple[Acceptance, asyncio.Future[AcceptOutcome]]] = []
        size = 0
        while self._waiting and len(batch) < BATCH_ITEMS and size < BATCH_BYTES:
            batch.append(self._waiting.popleft())
            size += len(batch[-1][0].data)
        return batch

    async def _accept(self, items: Sequence[Acceptance]) -> list[Result]:
        (answer,) = await asyncio.gather(self._store.accept(items), return_exceptions=True)
        if not isinstance(answer, BaseException):
            return list(answer)
        if isinstance(answer, StoreUnavailable) or len(items) == 1:
            return [answer] * len(items)
        # One damaged record fails its whole pipeline; alone, each of the others commits (or replays).
        return [result for item in items for result in await self._accept([item])]
