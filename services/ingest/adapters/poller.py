"""The loop that polls sources: takes what is due, a few at once, one connection to a host, and gives it back."""

from __future__ import annotations

import asyncio
import random
from collections.abc import Callable
from dataclasses import asdict
from typing import Any, Final

import structlog

from services.ingest.adapters.polling import Polled, Polling
from services.ingest.domain.sources import SourceSpec, next_poll, state_of
from shared.errors import StoreUnavailable
from shared.observability.metrics import SOURCE_POLLS
from shared.store.sources import Lease, Sources
from shared.tasks import cancel_and_wait
from shared.urls import parse_url

LEASE_SECONDS: Final = 180.0
PAGES_SECONDS: Final = 120.0
"""No page is begun later than this, so that a poll ends within its lease."""
HOST_PAUSE_SECONDS: Final = 1.0
HOST_RETRY_SECONDS: Final = 2.0
"""How often a source looks again whether its host is free."""
IDLE_SECONDS: Final = 1.0
DOWN_SECONDS: Final = 2.0

log = structlog.get_logger(__name__)


class Poller:
    """Polls at most `size` sources at once. Several pollers, also of several processes, share the work.

    Nothing is lost when it dies: a source that was not given back is due again when its lease runs out, and what the
    dead poll had accepted is found unchanged.
    """

    def __init__(
        self,
        sources: Sources,
        polling: Polling,
        *,
        size: int,
        lease_seconds: float = LEASE_SECONDS,
        chance: Callable[[], float] = random.random,
    ) -> None:
        self._sources = sources
        self._polling = polling
        self._size = size
        self._lease_seconds = lease_seconds
        self.host_pause_seconds = HOST_PAUSE_SECONDS
        self.host_retry_seconds = HOST_RETRY_SECONDS
        self.chance = chance
        self._running: set[asyncio.Task[None]] = set()

    async def run(self) -> None:
        """Poll until cancelled; polls in progress are cancelled with it."""
        try:
            while True:  # noqa: ASYNC110 - what is due is known to Redis, not to an event
                await asyncio.sleep(await self._step())
        finally:
            await cancel_and_wait(self._running)

    async def _step(self) -> float:
        """Begin what is due and can be begun; the seconds until the next look."""
        free = self._size - len(self._running)
        if not free:
            await asyncio.wait(self._running, return_when=asyncio.FIRST_COMPLETED)
            return 0.0
        try:
            leases = await self._sources.take(limit=free, lease_seconds=self._lease_seconds)
        except StoreUnavailable as error:
            log.warning("poller.store-unavailable", reason=str(error))
            return DOWN_SECONDS
        for lease in leases:
            task = asyncio.create_task(self._guarded(lease))
            self._running.add(task)
            task.add_done_callback(self._ended)
        return 0.0 if len(leases) == free else IDLE_SECONDS

    def _ended(self, task: asyncio.Task[None]) -> None:
        self._running.discard(task)
        if not task.cancelled() and (error := task.exception()) is not None:
            # A defect of ours in one poll: its source comes back when the lease runs out, the others go on.
            SOURCE_POLLS.labels("defect").inc()
            log.error("poller.defect", error=repr(error))

    async def _guarded(self, lease: Lease) -> None:
        try:
            async with asyncio.timeout(self._lease_seconds):
                await self.poll(lease)
        except StoreUnavailable as error:
            log.warning("poller.store-unavailable", source=lease.source_id, reason=str(error))
        except TimeoutError:
            SOURCE_POLLS.labels("lease-ran-out").inc()
            log.warning("poller.lease-ran-out", source=lease.source_id)

    async def poll(self, lease: Lease) -> None:
        """Poll a source that we hold, and give it back."""
        record = await self._sources.get(lease.source_id)
        spec = SourceSpec(**record.spec) if record is not None else None
        if record is None or spec is None or spec.paused:
            await self._sources.give_back(lease, state=None, seconds=None)
            return
        host = parse_url(spec.url).host
        wait = await self._sources.enter_host(host, lease.token, seconds=self._lease_seconds)
        if wait:
            await self._sources.give_back(
                lease, state=None, seconds=min(wait, self.host_retry_seconds) * (1 + self.chance())
            )
            return
        try:
            state = state_of(record.state, spec)
            seconds = min(PAGES_SECONDS, self._lease_seconds / 2)
            polled = await self._polling.poll(lease.source_id, spec, state, seconds=seconds)
        finally:
            await self._sources.leave_host(host, lease.token, pause_seconds=self.host_pause_seconds)
        await self._finish(lease, spec, polled)

    async def _finish(self, lease: Lease, spec: SourceSpec, polled: Polled) -> None:
        state = polled.state
        seconds = next_poll(spec, state, asked_seconds=polled.asked_seconds, chance=self.chance())
        stored: dict[str, Any] = asdict(state)
        ours = await self._sources.give_back(lease, state=stored, seconds=seconds)
        SOURCE_POLLS.labels("failed" if state.error else "unchanged" if not state.accepted else "new").inc()
        log.info(
            "poller.polled",
            source=lease.source_id,
            status=state.status,
            error=state.error,
            items=state.items,
            accepted=state.accepted,
            next_seconds=seconds,
            given_back=ours,
        )
