"""Cache of the index epoch, which is part of every ETag. Reading it costs as much as a search."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import Final

from shared.search.port import SearchIndex
from shared.tasks import single_flight

FRESH_SECONDS: Final = 1.0
"""Cache time in seconds: how long a changed response may still get a 304. Far below its `max-age`."""


class IndexEpoch:
    """Calls `stats` at most once per second, and after every new log entry, so that an announced article is visible.

    `head` returns the log position of this process.
    """

    def __init__(
        self, index: SearchIndex, head: Callable[[], str | None], *, fresh_seconds: float = FRESH_SECONDS
    ) -> None:
        self._index = index
        self._head = head
        self._fresh_seconds = fresh_seconds
        self._known = ""
        self._known_at: str | None = None
        self._until = float("-inf")
        self._asking: asyncio.Future[str] | None = None
        self._asking_at: str | None = None

    async def get(self) -> str:
        """The epoch. Raises what `stats` raises; failures are not cached."""
        head = self._head()
        if head == self._known_at and asyncio.get_running_loop().time() < self._until:
            return self._known
        if self._asking is None or head != self._asking_at:
            self._asking_at = head
            self._asking = single_flight(self._ask(head))
            self._asking.add_done_callback(self._answered)
        return await asyncio.shield(self._asking)

    async def _ask(self, head: str | None) -> str:
        # Cached from the start of the call, so that a change during the call is not hidden for longer.
        asked_at = asyncio.get_running_loop().time()
        epoch = (await self._index.stats()).epoch
        self._known, self._known_at, self._until = epoch, head, asked_at + self._fresh_seconds
        return epoch

    def _answered(self, asking: asyncio.Future[str]) -> None:
        if self._asking is asking:
            self._asking = None
