"""Processes one batch: decode, call the handler, then acknowledge, defer or dead-letter each entry."""

from __future__ import annotations

import asyncio
import random
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final, Generic, TypeVar

import structlog
from redis.exceptions import RedisError

from shared.broker.batch import Batch, Delivery, Handler, RawEntry, decode_batch, decode_event
from shared.broker.failures import (
    MAX_DELIVERIES_EXCEEDED,
    DeadLetterLimit,
    DeadLetterRateExceeded,
    FailureKind,
    HandlerTimeout,
    classify,
)
from shared.broker.group import WorkGroup
from shared.broker.reading import ReadGate
from shared.errors import Permanent, StoreUnavailable
from shared.events import Event
from shared.observability import log_events, metrics
from shared.read_write_lock import ReadWriteLock
from shared.store.articles.port import Original

E = TypeVar("E", bound=Event)

MAX_DELIVERIES: Final = 5
"""An entry that failed this often is dead-lettered."""

_MAX_REMEMBERED_FAILURES: Final = 10_000

log = structlog.get_logger(__name__)


@dataclass(frozen=True, slots=True)
class RetryTiming:
    """`min_idle_ms`: idle time after which an entry counts as abandoned. `handle_seconds`: time limit of one batch."""

    min_idle_ms: int
    handle_seconds: float

    def reclaim_after_ms(self, deliveries: int) -> int:
        """Idle time in ms after which an entry with this delivery count is reclaimed."""
        return self.min_idle_ms << min(max(deliveries - 2, 0), 5)

    def deferred_idle_ms(self, deliveries: int, retry_after: float | None) -> int:
        """The idle time to set on an entry whose handler reported a failure, so that it is due after its back-off.

        The worker is alive, so the take-over time need not pass: the back-off is 1/15 of it, doubling, with jitter, or
        the callee's `retry_after` in seconds, but never longer than an abandoned entry would wait.
        """
        delay = self.min_idle_ms / 15 * 2 ** max(deliveries - 1, 0) * random.uniform(0.8, 1.2)
        wait = max(delay, (retry_after or 0.0) * 1000)
        return max(0, self.reclaim_after_ms(deliveries) - int(wait))


class Consumer(Generic[E]):
    """Handles batches of one stream, up to `parallel` at once when the handler is re-entrant.

    Suspects (entries that may have killed a process) are handled while nothing else is in flight.
    """

    def __init__(
        self,
        group: WorkGroup,
        handler: Handler[E],
        gate: ReadGate,
        timing: RetryTiming,
        limit: DeadLetterLimit,
        *,
        parallel: int = 1,
    ) -> None:
        self.in_flight: set[str] = set()
        self.timing = timing
        self._group = group
        self._handler = handler
        self._gate = gate
        self._limit = limit
        self._lock = ReadWriteLock()
        self._parallel = parallel
        self._slots = asyncio.Semaphore(parallel)
        self._running: set[asyncio.Task[None]] = set()
        self._uncounted: dict[str, int] = {}
        """Entry id -> the delivery count to restore: their last delivery failed because of infrastructure."""
        self._failed: set[str] = set()
        self._model: type[E] = group.stream.event  # type: ignore[assignment]  # the topology is not generic

    def unclaimable_ids(self) -> frozenset[str]:
        """Ids this consumer must not reclaim: entries in flight, and entries whose delivery count must be corrected."""
        return frozenset(self.in_flight).union(self._uncounted)

    def has_failed(self, entry_id: str) -> bool:
        """Whether the handler reported this entry as failed in this process, so that it did not kill the process."""
        return entry_id in self._failed

    async def consume(self, entries: Sequence[RawEntry]) -> None:
        """Acknowledge, defer or dead-letter every entry, or leave it pending. Never raises.

        With `parallel` > 1 it returns as soon as the batch has started; for suspects it returns when they are done, so
        that nothing else is read into a process that they may kill.
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
        running.add_done_callback(self._finished)
        if self._parallel == 1 or any(entry.attempt > 1 for entry in entries):
            await asyncio.wait([running])

    async def wait_drained(self) -> None:
        """Return when no batch is in flight."""
        while self._running:
            await asyncio.wait(self._running)

    async def cancel_in_flight(self) -> None:
        """Cancel the batches in flight; their entries stay pending."""
        for task in self._running:
            task.cancel()
        await asyncio.gather(*self._running, return_exceptions=True)

    async def _run(self, entries: Sequence[RawEntry], ids: set[str]) -> None:
        suspects = [entry for entry in entries if entry.attempt > 1]
        try:
            async with self._lock.exclusive() if suspects else self._lock.shared():
                if await self._record_starts(suspects):
                    await self._consume(decode_batch(entries, self._model))
        finally:
            self.in_flight -= ids
            self._slots.release()

    def _finished(self, task: asyncio.Task[None]) -> None:
        self._running.discard(task)
        if not task.cancelled() and isinstance(error := task.exception(), Exception):
            self._gate.fail(error)

    async def _record_starts(self, suspects: Sequence[RawEntry]) -> bool:
        """Record the start of suspect entries right before they run.

        An entry that was only queued when the process died is not the cause. False when Redis is unavailable.
        """
        if not suspects:
            return True
        try:
            await self._group.record_starts([entry.entry_id for entry in suspects])
        except StoreUnavailable as error:
            for entry in suspects:
                self._uncounted[entry.entry_id] = entry.attempt - 1
            self._gate.redis_failed(error)
            return False
        return True

    async def _consume(self, batch: Batch[E]) -> None:
        try:
            for unreadable in batch.unreadable:
                await self._settle_failure(unreadable.entry.entry_id, unreadable.entry.attempt, unreadable.error, None)
            if batch.deliveries:
                await self._settle(batch.deliveries, await self._handle(batch.deliveries))
        except DeadLetterRateExceeded as error:
            self._gate.fail(error)

    # --- calling the handler ----------------------------------------------------------------------------------------

    async def _handle(self, deliveries: Sequence[Delivery[E]]) -> Mapping[str, Exception]:
        """Errors by entry id. A batch that fails as a whole with a defect is retried entry by entry, at once."""
        result = await self._attempt(deliveries)
        if isinstance(result, Mapping):
            return result
        if len(deliveries) == 1 or classify(result) is not FailureKind.DEFECT:
            return {delivery.entry_id: result for delivery in deliveries}
        failures: dict[str, Exception] = {}
        for delivery in deliveries:
            with delivery.log_context():
                single = await self._attempt([delivery])
            failures |= dict(single) if isinstance(single, Mapping) else {delivery.entry_id: single}
        return failures

    async def _attempt(self, deliveries: Sequence[Delivery[E]]) -> Mapping[str, Exception] | Exception:
        started = time.perf_counter()
        timer = asyncio.timeout(self.timing.handle_seconds)
        try:
            async with timer:
                failures = await self._handler(deliveries)
        except Exception as error:  # whatever a handler raises, its entries must be settled
            if timer.expired() and isinstance(error, TimeoutError):
                return HandlerTimeout(f"not finished within {self.timing.handle_seconds:g} s")
            if classify(error) is FailureKind.DEFECT:
                log.exception(log_events.HANDLER_FAILED, entries=len(deliveries))
            return error
        finally:
            metrics.STAGE_SECONDS.labels(self._group.group).observe(time.perf_counter() - started)
        return failures

    # --- settling entries -------------------------------------------------------------------------------------------

    async def _settle(self, deliveries: Sequence[Delivery[E]], failures: Mapping[str, Exception]) -> None:
        succeeded = [delivery.entry_id for delivery in deliveries if delivery.entry_id not in failures]
        self._failed.difference_update(succeeded)
        self._limit.record_success(len(succeeded))
        metrics.STAGE_TOTAL.labels(self._group.group, "done").inc(len(succeeded))
        redelivered = [delivery.entry_id for delivery in deliveries if delivery.attempt > 1]
        if not any(classify(error) is FailureKind.INFRASTRUCTURE for error in failures.values()):
            self._gate.dependencies.succeeded()
        for delivery in deliveries:
            if error := failures.get(delivery.entry_id):
                await self._settle_failure(delivery.entry_id, delivery.attempt, error, delivery.event)
        try:
            await self._group.clear_starts(sorted(set(succeeded).intersection(redelivered)))
        except StoreUnavailable as error:
            self._gate.redis_failed(error)

    async def _settle_failure(self, entry_id: str, attempt: int, error: Exception, event: Event | None) -> None:
        """Defer or dead-letter one entry; while Redis is unavailable, remember that this delivery must not count."""
        try:
            await self._defer_or_dead_letter(entry_id, attempt, error, event)
        except StoreUnavailable as unavailable:
            self._uncounted[entry_id] = attempt - 1
            self._gate.redis_failed(unavailable)
        except RedisError as refused:
            # NOGROUP: the new group delivers it again. Anything else: it stays pending and is redelivered.
            log.warning(log_events.ENTRY_NOT_SETTLED, entry_id=entry_id, reason=str(refused))

    async def _defer_or_dead_letter(self, entry_id: str, attempt: int, error: Exception, event: Event | None) -> None:
        kind = classify(error)
        metrics.STAGE_TOTAL.labels(self._group.group, kind.value).inc()
        if kind is FailureKind.INFRASTRUCTURE:
            self._pause(error)
            self._uncounted[entry_id] = attempt - 1
        elif isinstance(error, Permanent):
            await self.dead_letter(entry_id, str(error), error.rule, attempt, event)
        elif attempt >= MAX_DELIVERIES:
            reason = f"{type(error).__name__}: {error}"
            await self.dead_letter(entry_id, reason, MAX_DELIVERIES_EXCEEDED, attempt, event)
        else:
            if len(self._failed) >= _MAX_REMEMBERED_FAILURES:
                self._failed.clear()  # most were finished by others; the rest are redelivered in a chunk once more
            self._failed.add(entry_id)
            idle_ms = self.timing.deferred_idle_ms(attempt, getattr(error, "retry_after", None))
            await self._group.defer([(entry_id, idle_ms, attempt)])

    def _pause(self, error: Exception) -> None:
        if not self._gate.dependencies.is_failing:
            log.warning(log_events.WORKER_PAUSED, kind=type(error).__name__, reason=str(error))
            metrics.INFRASTRUCTURE_PAUSES.labels(self._group.group).inc()
        self._gate.dependencies.failed()

    async def restore_delivery_counts(self) -> None:
        """Do not count deliveries that failed because of infrastructure; their entries are due immediately."""
        if not self._uncounted:
            return
        counts = dict(self._uncounted)
        await self._group.defer([(entry_id, self.timing.reclaim_after_ms(n), n) for entry_id, n in counts.items()])
        for entry_id in counts:
            self._uncounted.pop(entry_id, None)

    async def dead_letter(
        self, entry_id: str, reason: str, rule: str, attempts: int, event: Event | None = None
    ) -> None:
        """Move an entry to the dead-letter stream. Raises DeadLetterRateExceeded, StoreUnavailable."""
        self._limit.record_dead_letter(rule)
        keys: dict[str, Any] = {"entry_id": entry_id, **(event.log_keys() if event else {})}
        original = await self._group.original_of(event)
        try:
            moved = await self._group.dead_letter(entry_id, (reason, rule), attempts, event, original)
        except RedisError as error:
            if event is None:
                raise
            # The article's own key is damaged: the entry must still leave the stream.
            log.warning(log_events.DEAD_LETTER_ARTICLE_KEY_CORRUPT, **keys, reason=str(error))
            moved = await self._group.dead_letter(entry_id, (reason, rule), attempts, None)
        self._failed.discard(entry_id)
        if moved:
            metrics.DEAD_TOTAL.labels(self._group.group, rule).inc()
            source = original.submission.source if isinstance(original, Original) else None
            log.warning(
                log_events.ENTRY_DEAD_LETTERED, **keys, source=source, rule=rule, reason=reason, attempt=attempts
            )

    async def dead_letter_unread(self, entry_id: str, reason: str, rule: str, attempts: int) -> None:
        """Dead-letter an entry that this process has not read. Raises DeadLetterRateExceeded, StoreUnavailable."""
        event: Event | None = None
        try:
            event = decode_event(await self._group.read_fields(entry_id), self._model)
        except Permanent as error:
            log.info(log_events.ENTRY_UNREADABLE, entry_id=entry_id, reason=str(error))
        await self.dead_letter(entry_id, reason, rule, attempts, event)
