"""Polls due sources under a lease: bounded concurrency, one poll per host at a time."""

from __future__ import annotations

import asyncio
import random
from collections.abc import Callable
from dataclasses import asdict
from typing import Any, Final

import structlog

from services.ingest.adapters.source_poller import PollResult, SourcePoller
from services.ingest.domain.sources import SourceSpec, next_poll, read_poll_state
from shared.errors import StoreUnavailable
from shared.observability import log_events
from shared.observability.metrics import SOURCE_ITEMS, SOURCE_POLLS, SOURCE_PROBLEMS
from shared.store.articles.port import PollRef
from shared.store.sources import PollLease, SourceRecord, Sources
from shared.tasks import cancel_and_wait
from shared.urls import parse_url

LEASE_SECONDS: Final = 180.0
PAGES_SECONDS: Final = 120.0
"""No page fetch starts later than this into a poll, so that the poll ends within its lease."""
HOST_PAUSE_SECONDS: Final = 1.0
HOST_RETRY_SECONDS: Final = 2.0
"""Delay before a source whose host is busy is tried again."""
IDLE_SECONDS: Final = 1.0
STORE_RETRY_SECONDS: Final = 2.0
SOURCE_PROBLEM_KINDS: Final = ("dead", "nothing-published")
"""Label values of `broadsheet_source_problems_total`; each has an alert."""

log = structlog.get_logger(__name__)


class PollScheduler:
    """Polls at most `size` sources concurrently. Several schedulers, also in several processes, share the work.

    After a crash the lease of a source expires and it is polled again; items already accepted are then `unchanged`.
    """

    def __init__(
        self,
        sources: Sources,
        poller: SourcePoller,
        *,
        size: int,
        lease_seconds: float = LEASE_SECONDS,
        random_fraction: Callable[[], float] = random.random,
    ) -> None:
        self._sources = sources
        self._poller = poller
        self._size = size
        self._lease_seconds = lease_seconds
        self.host_pause_seconds = HOST_PAUSE_SECONDS
        self.host_retry_seconds = HOST_RETRY_SECONDS
        self.random_fraction = random_fraction
        self._running: set[asyncio.Task[None]] = set()
        for problem in SOURCE_PROBLEM_KINDS:
            SOURCE_PROBLEMS.labels(
                problem
            )  # exported from the start: `increase()` cannot see a series that begins at 1

    async def run(self) -> None:
        """Poll until cancelled; polls in progress are cancelled too."""
        try:
            while True:  # noqa: ASYNC110 - due times are in Redis, there is no event to wait for
                await asyncio.sleep(await self._step())
        finally:
            await cancel_and_wait(self._running)

    async def _step(self) -> float:
        """Start polls of due sources; returns the seconds until the next check."""
        free = self._size - len(self._running)
        if not free:
            await asyncio.wait(self._running, return_when=asyncio.FIRST_COMPLETED)
            return 0.0
        try:
            leases = await self._sources.acquire_due(limit=free, lease_seconds=self._lease_seconds)
        except StoreUnavailable as error:
            log.warning(log_events.STORE_UNAVAILABLE, component="source_polls", reason=str(error))
            return STORE_RETRY_SECONDS
        for lease in leases:
            task = asyncio.create_task(self._poll_within_lease(lease))
            self._running.add(task)
            task.add_done_callback(self._on_done)
        return 0.0 if len(leases) == free else IDLE_SECONDS

    def _on_done(self, task: asyncio.Task[None]) -> None:
        self._running.discard(task)
        if not task.cancelled() and (error := task.exception()) is not None:
            # A bug in one poll must not stop the others; this source is retried when its lease expires.
            SOURCE_POLLS.labels("defect").inc()
            log.error(log_events.SOURCE_POLL_FAILED, reason=repr(error), exc_info=error)

    async def _poll_within_lease(self, lease: PollLease) -> None:
        try:
            async with asyncio.timeout(self._lease_seconds):
                await self.poll(lease)
        except StoreUnavailable as error:
            log.warning(log_events.SOURCE_POLL_DEFERRED, source=lease.source_id, reason=str(error))
        except TimeoutError:
            SOURCE_POLLS.labels("lease-ran-out").inc()
            log.warning(log_events.SOURCE_LEASE_EXPIRED, source=lease.source_id)

    async def poll(self, lease: PollLease) -> None:
        """Poll a leased source and release the lease."""
        record = await self._sources.get(lease.source_id)
        spec = SourceSpec(**record.spec) if record is not None else None
        if record is None or spec is None or spec.paused:
            await self._sources.release(lease, state=None, seconds=None)
            return
        host = parse_url(spec.url).host
        wait = await self._sources.acquire_host(host, lease.token, seconds=self._lease_seconds)
        if wait:
            await self._sources.release(
                lease, state=None, seconds=min(wait, self.host_retry_seconds) * (1 + self.random_fraction())
            )
            return
        try:
            state = read_poll_state(record.state, spec)
            _count_problems(record)
            await self._sources.start_poll(PollRef(lease.source_id, state.polls_total + 1))
            seconds = min(PAGES_SECONDS, self._lease_seconds / 2)
            result = await self._poller.poll(lease.source_id, spec, state, seconds=seconds)
        finally:
            await self._sources.release_host(host, lease.token, pause_seconds=self.host_pause_seconds)
        await self._finish(lease, spec, result)

    async def _finish(self, lease: PollLease, spec: SourceSpec, result: PollResult) -> None:
        state = result.state
        seconds = next_poll(
            spec, state, requested_delay_seconds=result.requested_delay_seconds, random_fraction=self.random_fraction()
        )
        stored: dict[str, Any] = asdict(state)
        released = await self._sources.release(lease, state=stored, seconds=seconds)
        for outcome in ("accepted", "unchanged", "rejected", "repeated", "held_back"):
            SOURCE_ITEMS.labels(outcome).inc(getattr(state, outcome))
        SOURCE_POLLS.labels("failed" if state.error else "unchanged" if not state.accepted else "new").inc()
        log.info(
            log_events.SOURCE_POLLED,
            source=lease.source_id,
            status=state.status,
            reason=state.error,
            offered=state.items,
            accepted=state.accepted,
            seconds=seconds,
            released=released,
        )


def _count_problems(record: SourceRecord) -> None:
    """Count what became of the previous poll, before its counts are reset."""
    if int(record.counts.get("dead", 0)):
        SOURCE_PROBLEMS.labels("dead").inc()
    if record.state.get("accepted") and not int(record.counts.get("published", 0)):
        SOURCE_PROBLEMS.labels("nothing-published").inc()
