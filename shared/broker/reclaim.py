"""Entries whose worker never came back: taken over, together once, then one by one, and not for ever.

Whatever came back from a dead process may be what killed it. What a dead process had in hand is handled in chunks of
its own, while nothing else is: after a random kill that is all there is to it. What came back from a dead chunk too is
handled alone: a killer costs one batch, one chunk, then two processes of its own, and is dead. A death in company says
little about any one entry, so an innocent is buried only if two processes die by chance just while it is alone.
"""

from __future__ import annotations

import asyncio
import random
from collections.abc import Awaitable, Callable, Sequence
from typing import Any, Final

import structlog
from redis.exceptions import RedisError

from shared.broker.consume import MAX_DELIVERIES, Consumer
from shared.broker.failures import EXHAUSTED, KILLER, TooManyDead
from shared.broker.group import PendingEntry, WorkGroup
from shared.broker.reading import Gate
from shared.errors import StoreUnavailable
from shared.observability import metrics

MAX_DEATHS: Final = 4
"""An entry that took this many processes with it is dead: two in company, two while it was alone."""

_CHUNK: Final = 50

Feed = Callable[[Sequence[tuple[bytes, dict[bytes, bytes]]], Sequence[int]], Awaitable[Any]]
"""Hands claimed entries and their attempt numbers to the same handler as new ones."""

log = structlog.get_logger(__name__)


class Reclaimer:
    """Looks for abandoned entries of its group and feeds them to its consumer."""

    def __init__(self, group: WorkGroup, consumer: Consumer[Any], gate: Gate, feed: Feed) -> None:
        self._group = group
        self._consumer = consumer
        self._gate = gate
        self._feed = feed
        self._interval = min(1.0, consumer.pace.min_idle_ms / 4000)

    async def run(self) -> None:
        """Go on until the gate closes; survives everything that Redis does."""
        while await self._gate.admit():
            try:
                taken = await self.once()
            except StoreUnavailable as away:
                self._gate.redis_failed(away)
                continue
            except TooManyDead as error:
                self._gate.give_up(error)
                return
            except RedisError as error:
                await self._broken(error)
                taken = 0
            await self._rest(0.01 if taken else random.uniform(0.5, 1.0) * self._interval)

    async def once(self) -> int:
        """One round: bury what has had its chances, redeliver what is due; answers how many entries were due."""
        await self._consumer.repay()
        min_idle_ms = self._consumer.pace.min_idle_ms
        busy = self._consumer.busy()
        rows = [row for row in await self._group.idle(min_idle_ms) if self._due(row, busy)]
        starts = await self._group.starts([row.entry_id for row in rows])
        alive: list[tuple[PendingEntry, bool]] = []
        for row, count in zip(rows, starts, strict=True):
            if not await self._buried(row, count):
                alive.append((row, count > 0 or self._consumer.has_failed(row.entry_id)))
        for chunk in _chunks(alive):
            if not await self._gate.admit():
                break
            await self._redeliver(chunk)
        return len(rows)

    def _due(self, row: PendingEntry, busy: frozenset[str]) -> bool:
        # Asked before and after: what was in hand meanwhile may have been given back with another count.
        ours = row.entry_id in busy or row.entry_id in self._consumer.busy()
        return not ours and row.idle_ms >= self._consumer.pace.due_after(row.deliveries)

    async def _buried(self, row: PendingEntry, starts: int) -> bool:
        # The first delivery is not noted, and that process never came back either: hence one more than the starts.
        if starts >= MAX_DEATHS - 1:
            reason = f"took {starts + 1} processes with it"
            await self._consumer.bury_unhandled(row.entry_id, reason, KILLER, row.deliveries)
            return True
        if row.deliveries - starts >= MAX_DELIVERIES:  # a start that ended its process counts as a death, not here
            reason = f"delivered {row.deliveries} times and never finished"
            await self._consumer.bury_unhandled(row.entry_id, reason, EXHAUSTED, row.deliveries)
            return True
        return False

    async def _redeliver(self, chunk: Sequence[PendingEntry]) -> None:
        attempts = {row.entry_id: row.deliveries + 1 for row in chunk}
        won = await self._group.take(list(attempts), self._consumer.pace.min_idle_ms)
        if not won:
            return
        metrics.RECLAIMED.labels(self._group.group).inc(len(won))
        metrics.REDELIVERIES.labels(self._group.group).inc(len(won))
        await self._feed(won, [attempts[entry_id.decode()] for entry_id, _ in won])

    async def _broken(self, error: RedisError) -> None:
        if "NOGROUP" not in str(error):
            log.error("reclaim.failed", stage=self._group.group, kind=type(error).__name__, reason=str(error))
            return
        log.warning("group.vanished", stage=self._group.group, reason=str(error))
        try:
            await self._group.ensure()
        except StoreUnavailable as away:
            self._gate.redis_failed(away)

    async def _rest(self, seconds: float) -> None:
        # In slices, so that leaving never waits for us.
        while seconds > 0 and not self._gate.closed:
            await asyncio.sleep(min(seconds, 0.25))
            seconds -= 0.25


def _chunks(rows: Sequence[tuple[PendingEntry, bool]]) -> list[list[PendingEntry]]:
    """What is redelivered together, of (entry, whether there is more against it than one dead batch).

    Entries without a counted delivery are nobody's suspects, and go with their like.
    """
    given_back = [row for row, _ in rows if row.deliveries == 0]
    left_behind = [row for row, accused in rows if row.deliveries > 0 and not accused]
    alone = [[row] for row, accused in rows if row.deliveries > 0 and accused]
    return [*_pieces(given_back), *_pieces(left_behind), *alone]


def _pieces(rows: Sequence[PendingEntry]) -> list[list[PendingEntry]]:
    return [list(rows[at : at + _CHUNK]) for at in range(0, len(rows), _CHUNK)]
