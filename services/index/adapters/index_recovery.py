"""Rebuilds an index that disappears while the service runs, once, from the store.

Only the writer starts the rebuild: after a write to an unexpected index, or after a periodic check. The pending rebuild
is recorded in Redis, so that a restart continues it. Until it is complete there is no index: searches answer 503 and
writes wait, because a new, nearly empty index must not be served as the whole archive.
"""

from __future__ import annotations

import asyncio
from contextlib import suppress
from dataclasses import dataclass
from typing import Final

import structlog

from shared.errors import Retryable
from shared.observability import log_events
from shared.search.errors import IndexMissing
from shared.search.port import IndexSpec, SearchIndex
from shared.store import Redis
from shared.store.index_jobs.reindex import (
    ReindexBusy,
    is_incomplete,
    mark_incomplete,
    may_heal,
    request_reindex,
)

log = structlog.get_logger(__name__)

CHECK_EVERY_SECONDS: Final = 5.0
COOLDOWN_SECONDS: Final = 60.0
KEEP_SECONDS: Final = 86_400.0
"""How long a replaced index is kept, so that it can be inspected."""
_PRUNE_EVERY_SECONDS: Final = 3_600.0
_MIN_PAUSE_SECONDS: Final = 0.5


@dataclass
class IndexRecovery:
    """Checks that the index exists. The write queue sets `missing` when the engine reports that it does not."""

    client: Redis
    index: SearchIndex
    spec: IndexSpec
    missing: asyncio.Event
    check_every: float = CHECK_EVERY_SECONDS
    cooldown: float = COOLDOWN_SECONDS
    _prune_at: float = 0.0

    async def run(self) -> None:
        """Check periodically, and at once when `missing` is set, until cancelled."""
        while True:
            with suppress(TimeoutError):
                async with asyncio.timeout(self.check_every):
                    await self.missing.wait()
            try:
                await self.check()
                await self._prune()
            except Retryable as error:
                log.warning(log_events.INDEX_CHECK_FAILED, reason=str(error))
            await asyncio.sleep(_MIN_PAUSE_SECONDS)

    async def check(self) -> None:
        """Record a missing index and request the rebuild that is pending. Raises Retryable."""
        reported = self.missing.is_set()
        rebuild_pending = await is_incomplete(self.client)
        if not rebuild_pending and (reported or await self._is_missing()):
            await mark_incomplete(self.client)
            rebuild_pending = True
            log.warning(log_events.INDEX_MISSING)
        self.missing.clear()
        if rebuild_pending and await may_heal(self.client, cooldown=self.cooldown):
            try:
                log.warning(log_events.INDEX_REBUILD_REQUESTED, request=await request_reindex(self.client))
            except ReindexBusy as busy:
                log.info(log_events.INDEX_REBUILD_RUNNING, reason=str(busy))

    async def _prune(self) -> None:
        """Delete old generations of the index, once an hour."""
        clock = asyncio.get_running_loop().time()
        if clock >= self._prune_at:
            self._prune_at = clock + _PRUNE_EVERY_SECONDS
            if removed := await self.index.prune(older_than=KEEP_SECONDS):
                log.info(log_events.INDEX_PRUNED, indexes=removed)

    async def _is_missing(self) -> bool:
        try:
            await self.index.stats()
        except IndexMissing:
            return True
        return False
