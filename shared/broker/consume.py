"""The life of a batch: read what can be read, hand it to the handler, and see that every entry comes to an end."""

from __future__ import annotations

import asyncio
import random
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Final, Generic, TypeVar

import structlog
from redis.exceptions import RedisError

from shared.broker.batch import Batch, Delivery, Handler, RawEntry, event_in, sort
from shared.broker.failures import (
    EXHAUSTED,
    Ceiling,
    Fault,
    HandlerOverdue,
    TooManyDead,
    fault_of,
)
from shared.broker.group import WorkGroup
from shared.broker.reading import Gate
from shared.errors import Permanent, StoreUnavailable
from shared.events import Event
from shared.observability import metrics
from shared.read_write_lock import ReadWriteLock

E = TypeVar("E", bound=Event)

MAX_DELIVERIES: Final = 5
"""An entry that failed this often is dead."""

_FAILED: Final = 10_000

log = structlog.get_logger(__name__)


@dataclass(frozen=True, slots=True)
class Pace:
    """How long things may take: `min_idle_ms` before an entry counts as abandoned, `handle_seconds` for one batch."""

    min_idle_ms: int
    handle_seconds: float

    def due_after(self, deliveries: int) -> int:
        """Milliseconds of idleness after which an entry with this delivery count is taken over."""
        return self.min_idle_ms << min(max(deliveries - 2, 0), 5)

    def idle_for(self, deliveries: int, retry_after: float | None) -> int:
        """The idle time to give an entry that failed politely, so that it is due after its back-off and not later.

        Its worker came back, so there is nothing to wait out: 1/15 of the take-over time, doubling, with jitter, or
        the callee's `retry_after`, but never longer than an abandoned entry would wait.
        """
        delay = self.min_idle_ms / 15 * 2 ** max(deliveries - 1, 0) * random.uniform(0.8, 1.2)
        wait = max(delay, (retry_after or 0.0) * 1000)
        return max(0, self.due_after(deliveries) - int(wait))


class Consumer(Generic[E]):
    """Handles batches of one stream: one at a time, or up to `parallel` together when the handler is re-entrant.

    Entries that may have killed a process are always handled while nothing else is.
    """

    def __init__(
        self,
        group: WorkGroup,
        handler: Handler[E],
        gate: Gate,
        pace: Pace,
        ceiling: Ceiling,
        *,
        parallel: int = 1,
    ) -> None:
        self.in_flight: set[str] = set()
        self.pace = pace
        self._group = group
        self._handler = handler
        self._gate = gate
        self._ceiling = ceiling
        self._lock = ReadWriteLock()
        self._parallel = parallel
        self._slots = asyncio.Semaphore(parallel)
        self._running: set[asyncio.Task[None]] = set()
        self._owed: dict[str, int] = {}
        self._failed: set[str] = set()
        self._model: type[E] = group.stream.event  # type: ignore[assignment]  # the topology is not generic

    def busy(self) -> frozenset[str]:
        """Entries in hand, and those whose delivery has yet to be taken back: nobody here may take them over."""
        return frozenset(self.in_flight).union(self._owed)

    def has_failed(self, entry_id: str) -> bool:
        """Whether its handling failed in this process, and was not the process's end."""
        return entry_id in self._failed

    async def consume(self, entries: Sequence[RawEntry]) -> None:
        """Bring every entry to an end, or leave it pending with the delivery count it deserves. Never raises.

        Returns when that is done or, where several batches may be in hand, as soon as it has begun; for suspects when
        it is done: no others are taken meanwhile, to wait in a process that these may end.
        """
        ids = {entry.entry_id for entry in entries}
        self.in_flight |= ids
        try:
            await self._slots.acquire()
        except BaseException:
            self.in_flight -= ids
            raise
        running = asyncio.create_task(self._run(entries, ids))
        self._running.add(running)
        running.add_done_callback(self._ended)
        if self._parallel == 1 or any(entry.attempt > 1 for entry in entries):
            await asyncio.wait([running])

    async def drained(self) -> None:
        """Return when no batch is in hand."""
        while self._running:
            await asyncio.wait(self._running)

    async def cut_off(self) -> None:
        """End what is still in hand; its entries stay pending."""
        for task in self._running:
            task.cancel()
        await asyncio.gather(*self._running, return_exceptions=True)

    async def _run(self, entries: Sequence[RawEntry], ids: set[str]) -> None:
        suspects = [entry for entry in entries if entry.attempt > 1]
        try:
            async with self._lock.exclusive() if suspects else self._lock.shared():
                if await self._noted(suspects):
                    await self._consume(sort(entries, self._model))
        finally:
            self.in_flight -= ids
            self._slots.release()

    def _ended(self, task: asyncio.Task[None]) -> None:
        self._running.discard(task)
        if not task.cancelled() and isinstance(error := task.exception(), Exception):
            self._gate.give_up(error)

    async def _noted(self, suspects: Sequence[RawEntry]) -> bool:
        """Note suspects as begun now, not when they were taken: one that only waited for its turn killed nobody."""
        if not suspects:
            return True
        try:
            await self._group.begun([entry.entry_id for entry in suspects])
        except StoreUnavailable as away:
            for entry in suspects:
                self._owed[entry.entry_id] = entry.attempt - 1
            self._gate.redis_failed(away)
            return False
        return True

    async def _consume(self, batch: Batch[E]) -> None:
        try:
            for bad in batch.unreadable:
                await self._guarded(bad.entry.entry_id, bad.entry.attempt, bad.error, None)
            if batch.deliveries:
                await self._settle(batch.deliveries, await self._handle(batch.deliveries))
        except TooManyDead as error:
            self._gate.give_up(error)

    # --- calling the handler ----------------------------------------------------------------------------------------

    async def _handle(self, deliveries: Sequence[Delivery[E]]) -> Mapping[str, Exception]:
        """What failed, by entry. A batch that fails as a whole by a defect is tried again entry by entry, at once."""
        error = await self._attempt(deliveries)
        if isinstance(error, Mapping):
            return error
        if len(deliveries) == 1 or fault_of(error) is not Fault.DEFECT:
            return {delivery.entry_id: error for delivery in deliveries}
        failures: dict[str, Exception] = {}
        for delivery in deliveries:
            alone = await self._attempt([delivery])
            failures |= dict(alone) if isinstance(alone, Mapping) else {delivery.entry_id: alone}
        return failures

    async def _attempt(self, deliveries: Sequence[Delivery[E]]) -> Mapping[str, Exception] | Exception:
        begun = time.perf_counter()
        timer = asyncio.timeout(self.pace.handle_seconds)
        try:
            async with timer:
                failures = await self._handler(deliveries)
        except Exception as error:  # whatever a handler does, its entries must come to an end
            if timer.expired() and isinstance(error, TimeoutError):
                return HandlerOverdue(f"not finished within {self.pace.handle_seconds:g} s")
            if fault_of(error) is Fault.DEFECT:
                log.exception("handler.defect", stage=self._group.group, entries=len(deliveries))
            return error
        finally:
            metrics.STAGE_SECONDS.labels(self._group.group).observe(time.perf_counter() - begun)
        return failures

    # --- what becomes of each entry ---------------------------------------------------------------------------------

    async def _settle(self, deliveries: Sequence[Delivery[E]], failures: Mapping[str, Exception]) -> None:
        fine = [delivery.entry_id for delivery in deliveries if delivery.entry_id not in failures]
        self._failed.difference_update(fine)
        self._ceiling.succeeded(len(fine))
        metrics.STAGE_TOTAL.labels(self._group.group, "done").inc(len(fine))
        again = [delivery.entry_id for delivery in deliveries if delivery.attempt > 1]
        if not any(fault_of(error) is Fault.INFRASTRUCTURE for error in failures.values()):
            self._gate.work.worked()
        for delivery in deliveries:
            if error := failures.get(delivery.entry_id):
                await self._guarded(delivery.entry_id, delivery.attempt, error, delivery.event)
        try:
            await self._group.finished(sorted(set(fine).intersection(again)))
        except StoreUnavailable as away:
            self._gate.redis_failed(away)

    async def _guarded(self, entry_id: str, attempt: int, error: Exception, event: Event | None) -> None:
        """Settle one failure; when Redis is away, remember that this delivery must not count."""
        try:
            await self._fail(entry_id, attempt, error, event)
        except StoreUnavailable as away:
            self._owed[entry_id] = attempt - 1
            self._gate.redis_failed(away)
        except RedisError as broken:
            # NOGROUP: the new group delivers it again. Anything else: it stays pending and comes back.
            log.warning("entry.unsettled", stage=self._group.group, entry_id=entry_id, reason=str(broken))

    async def _fail(self, entry_id: str, attempt: int, error: Exception, event: Event | None) -> None:
        fault = fault_of(error)
        metrics.STAGE_TOTAL.labels(self._group.group, fault.value).inc()
        if fault is Fault.INFRASTRUCTURE:
            self._pause(error)
            self._owed[entry_id] = attempt - 1
        elif isinstance(error, Permanent):
            await self.bury(entry_id, str(error), error.rule, attempt, event)
        elif attempt >= MAX_DELIVERIES:
            await self.bury(entry_id, f"{type(error).__name__}: {error}", EXHAUSTED, attempt, event)
        else:
            if len(self._failed) >= _FAILED:  # most were finished by others; the rest come back in company once
                self._failed.clear()
            self._failed.add(entry_id)
            retry_after = getattr(error, "retry_after", None)
            await self._group.defer([(entry_id, self.pace.idle_for(attempt, retry_after), attempt)])

    def _pause(self, error: Exception) -> None:
        if not self._gate.work.failing:
            log.warning("worker.paused", stage=self._group.group, kind=type(error).__name__, reason=str(error))
            metrics.INFRASTRUCTURE_PAUSES.labels(self._group.group).inc()
        self._gate.work.failed()

    async def repay(self) -> None:
        """Take back the deliveries that failed only because Redis or the engine was away; they are due at once."""
        if not self._owed:
            return
        owed = dict(self._owed)
        await self._group.defer([(entry_id, self.pace.due_after(count), count) for entry_id, count in owed.items()])
        for entry_id in owed:
            self._owed.pop(entry_id, None)

    async def bury(self, entry_id: str, reason: str, rule: str, attempts: int, event: Event | None = None) -> None:
        """Move an entry to the dead-letter stream. Raises TooManyDead, StoreUnavailable."""
        self._ceiling.burial(rule)
        try:
            buried = await self._group.bury(entry_id, (reason, rule), attempts, event)
        except RedisError as error:
            if event is None:
                raise
            # The article's own key is damaged: the entry must still come to an end.
            log.warning("bury.without-article", stage=self._group.group, entry_id=entry_id, reason=str(error))
            buried = await self._group.bury(entry_id, (reason, rule), attempts, None)
        self._failed.discard(entry_id)
        if buried:
            metrics.DEAD_TOTAL.labels(self._group.group, rule).inc()
            log.warning(
                "entry.dead", stage=self._group.group, entry_id=entry_id, rule=rule, reason=reason, attempts=attempts
            )

    async def bury_unhandled(self, entry_id: str, reason: str, rule: str, attempts: int) -> None:
        """Bury an entry that was not read by this process. Raises TooManyDead, StoreUnavailable."""
        event: Event | None = None
        try:
            event = event_in(await self._group.fields(entry_id), self._model)
        except Permanent as error:
            log.info("entry.unreadable", stage=self._group.group, entry_id=entry_id, reason=str(error))
        await self.bury(entry_id, reason, rule, attempts, event)
