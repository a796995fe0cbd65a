"""An index that vanishes while we run is built again from the store, once, not by every pod or query.

Only the writer starts it: because a write met another index than its own, or because it looked. That a rebuild is owed
is noted in Redis, so that it outlives this process. Until the rebuild is whole there is no index: searches are answered
by 503 and writes wait, instead of the few documents that a new index begins with being taken for all there are.
"""

from __future__ import annotations

import asyncio
from contextlib import suppress
from dataclasses import dataclass
from typing import Final

import structlog

from shared.errors import Retryable
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

LOOK_EVERY_SECONDS: Final = 5.0
COOLDOWN_SECONDS: Final = 60.0
KEEP_SECONDS: Final = 86_400.0
"""How long each index before a swap is kept: a day to look at what was wrong with the new one."""
_TIDY_EVERY_SECONDS: Final = 3_600.0
_BREATH_SECONDS: Final = 0.5


@dataclass
class Healer:
    """Looks after the index. `missing` is set by the writer when the engine says that its index is gone."""

    client: Redis
    index: SearchIndex
    spec: IndexSpec
    missing: asyncio.Event
    look_every: float = LOOK_EVERY_SECONDS
    cooldown: float = COOLDOWN_SECONDS
    _tidy_at: float = 0.0

    async def run(self) -> None:
        """Look now and then, and at once when something is missing, until cancelled."""
        while True:
            with suppress(TimeoutError):
                async with asyncio.timeout(self.look_every):
                    await self.missing.wait()
            try:
                await self.look()
                await self._tidy()
            except Retryable as away:
                log.warning("index.cannot_look", reason=str(away))
            await asyncio.sleep(_BREATH_SECONDS)

    async def look(self) -> None:
        """Note that the index is gone, and see that a rebuild that is owed is done. Raises Retryable."""
        told = self.missing.is_set()
        owed = await is_incomplete(self.client)
        if not owed and (told or await self._gone()):
            await mark_incomplete(self.client)
            owed = True
            log.warning("index.vanished", told=told)
        self.missing.clear()
        if owed and await may_heal(self.client, cooldown=self.cooldown):
            try:
                log.warning("index.healing", request=await request_reindex(self.client))
            except ReindexBusy as busy:
                log.info("index.healing_already", reason=str(busy))

    async def _tidy(self) -> None:
        """Remove what a swap left behind a day ago, once an hour."""
        clock = asyncio.get_running_loop().time()
        if clock >= self._tidy_at:
            self._tidy_at = clock + _TIDY_EVERY_SECONDS
            if removed := await self.index.prune(older_than=KEEP_SECONDS):
                log.info("index.pruned", indexes=removed)

    async def _gone(self) -> bool:
        try:
            await self.index.stats()
        except IndexMissing:
            return True
        return False
