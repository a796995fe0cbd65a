"""Reclaims entries whose worker died: first in chunks, then one by one, and dead-letters those that kill processes.

An entry that was in flight when its process died is a suspect: it may have killed the process. Suspects are
redelivered in chunks, while nothing else is in flight; after a random kill that is enough. Entries of a chunk whose
process died too are redelivered one by one. A process killer therefore costs one batch, one chunk and two single
deliveries before it is dead-lettered. A death in a batch or chunk proves little about any one entry, so a good entry is
dead-lettered only if two processes happen to die exactly while it is handled alone.
"""

from __future__ import annotations

import asyncio
import random
from collections.abc import Awaitable, Callable, Sequence
from typing import Any, Final

import structlog
from redis.exceptions import RedisError

from shared.broker.consume import MAX_DELIVERIES, Consumer
from shared.broker.failures import MAX_DELIVERIES_EXCEEDED, PROCESS_KILLER, DeadLetterRateExceeded
from shared.broker.group import PendingEntry, WorkGroup
from shared.broker.reading import ReadGate
from shared.errors import StoreUnavailable
from shared.observability import log_events, metrics

MAX_DEATHS: Final = 4
"""Process deaths after which an entry is dead-lettered: two in a batch or chunk, two while it was handled alone."""

_CHUNK_ENTRIES: Final = 50

Feed = Callable[[Sequence[tuple[bytes, dict[bytes, bytes]]], Sequence[int]], Awaitable[Any]]
"""Passes claimed entries and their attempt numbers to the handler of new ones."""

log = structlog.get_logger(__name__)


class Reclaimer:
    """Claims abandoned entries of its group and passes them to its consumer."""

    def __init__(self, group: WorkGroup, consumer: Consumer[Any], gate: ReadGate, feed: Feed) -> None:
        self._group = group
        self._consumer = consumer
        self._gate = gate
        self._feed = feed
        self._interval = min(1.0, consumer.timing.min_idle_ms / 4000)

    async def run(self) -> None:
        """Run until the gate closes; survives every error of Redis."""
        while await self._gate.wait_open():
            try:
                due = await self.run_once()
            except StoreUnavailable as unavailable:
                self._gate.redis_failed(unavailable)
                continue
            except DeadLetterRateExceeded as error:
                self._gate.fail(error)
                return
            except RedisError as error:
                await self._handle_error(error)
                due = 0
            await self._sleep(0.01 if due else random.uniform(0.5, 1.0) * self._interval)

    async def run_once(self) -> int:
        """One round: dead-letter entries without attempts left, redeliver the others; the number that was due."""
        await self._consumer.restore_delivery_counts()
        min_idle_ms = self._consumer.timing.min_idle_ms
        unclaimable = self._consumer.unclaimable_ids()
        rows = [row for row in await self._group.idle_entries(min_idle_ms) if self._is_due(row, unclaimable)]
        starts = await self._group.start_counts([row.entry_id for row in rows])
        redeliverable: list[tuple[PendingEntry, bool]] = []
        for row, count in zip(rows, starts, strict=True):
            if not await self._dead_letter_if_exhausted(row, count):
                redeliverable.append((row, count > 0 or self._consumer.has_failed(row.entry_id)))
        for chunk in _chunks(redeliverable):
            if not await self._gate.wait_open():
                break
            await self._redeliver(chunk)
        return len(rows)

    def _is_due(self, row: PendingEntry, unclaimable: frozenset[str]) -> bool:
        # Checked before and after reading the rows: an entry may have been in flight and deferred meanwhile.
        ours = row.entry_id in unclaimable or row.entry_id in self._consumer.unclaimable_ids()
        return not ours and row.idle_ms >= self._consumer.timing.reclaim_after_ms(row.deliveries)

    async def _dead_letter_if_exhausted(self, row: PendingEntry, starts: int) -> bool:
        # The first delivery records no start, but its process died as well: one death more than starts.
        if starts >= MAX_DEATHS - 1:
            reason = f"{starts + 1} processes died while they handled it"
            await self._consumer.dead_letter_unread(row.entry_id, reason, PROCESS_KILLER, row.deliveries)
            return True
        if row.deliveries - starts >= MAX_DELIVERIES:  # starts count as deaths, not as failures
            reason = f"delivered {row.deliveries} times and never finished"
            await self._consumer.dead_letter_unread(row.entry_id, reason, MAX_DELIVERIES_EXCEEDED, row.deliveries)
            return True
        return False

    async def _redeliver(self, chunk: Sequence[PendingEntry]) -> None:
        attempts = {row.entry_id: row.deliveries + 1 for row in chunk}
        claimed = await self._group.claim(list(attempts), self._consumer.timing.min_idle_ms)
        if not claimed:
            return
        metrics.RECLAIMED.labels(self._group.group).inc(len(claimed))
        metrics.REDELIVERIES.labels(self._group.group).inc(len(claimed))
        await self._feed(claimed, [attempts[entry_id.decode()] for entry_id, _ in claimed])

    async def _handle_error(self, error: RedisError) -> None:
        if "NOGROUP" not in str(error):
            log.error(log_events.RECLAIM_FAILED, kind=type(error).__name__, reason=str(error))
            return
        log.warning(log_events.GROUP_RECREATED, reason=str(error))
        try:
            await self._group.ensure_exists()
        except StoreUnavailable as unavailable:
            self._gate.redis_failed(unavailable)

    async def _sleep(self, seconds: float) -> None:
        # In slices, so that a shutdown does not wait.
        while seconds > 0 and not self._gate.closed:
            await asyncio.sleep(min(seconds, 0.25))
            seconds -= 0.25


def _chunks(rows: Sequence[tuple[PendingEntry, bool]]) -> list[list[PendingEntry]]:
    """Entries that are redelivered together, from (entry, whether its process died or its handler failed again).

    Entries without a counted delivery are no suspects and get chunks of their own.
    """
    uncounted = [row for row, _ in rows if row.deliveries == 0]
    first_time = [row for row, repeated in rows if row.deliveries > 0 and not repeated]
    alone = [[row] for row, repeated in rows if row.deliveries > 0 and repeated]
    return [*_split(uncounted), *_split(first_time), *alone]


def _split(rows: Sequence[PendingEntry]) -> list[list[PendingEntry]]:
    return [list(rows[at : at + _CHUNK_ENTRIES]) for at in range(0, len(rows), _CHUNK_ENTRIES)]
