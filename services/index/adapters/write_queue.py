"""Queue of live index writes: batches documents, sends them, polls the engine and resolves each document.

Handlers submit documents and wait; one batch may serve several handlers. An engine may accept a batch now and make it
visible later, or fail all of it because of one document. A batch the engine accepted is polled, never sent again while
the engine knows it: its record is in Redis, so that after a restart a redelivered document joins it.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Final

import structlog

from services.index.adapters.write_batches import (
    DocumentRejection,
    InFlightBatch,
    PendingDocument,
    PendingDocuments,
    Result,
    operation_id,
)
from shared.errors import Retryable, StoreUnavailable
from shared.observability import log_events, metrics
from shared.search.digest import content_hash
from shared.search.errors import IndexMissing, QueueFull, Rejected, SearchUnavailable
from shared.search.port import Cap, IndexDoc, SearchIndex, WriteOutcome, WriteReceipt
from shared.store.index_jobs.pending_writes import SubmittedBatch, SubmittedBatches
from shared.tasks import cancel_and_wait

log = structlog.get_logger(__name__)

VISIBLE_WITHIN_SECONDS: Final = 60.0


@dataclass(frozen=True, slots=True)
class WriteLimits:
    """Batch limits, batches in flight, and how often the engine is polled. Sizes in bytes, times in seconds."""

    documents: int = 500
    size: int = 8_000_000
    gather: float = 0.25
    unfinished: int = 4
    oldest: float = 10.0
    first_poll: float = 0.1
    last_poll: float = 0.5
    visible_within: float = VISIBLE_WITHIN_SECONDS
    """Longest wait of a handler; its entries are then redelivered and join the batch in flight."""


@dataclass
class WriteQueue:
    """The only live writer. Call `start` before the first write; batches in flight survive `aclose` in Redis."""

    index: SearchIndex
    submitted: SubmittedBatches
    limits: WriteLimits = field(default_factory=WriteLimits)
    on_missing: asyncio.Event = field(default_factory=asyncio.Event)
    """Set when the engine reports that its index is missing."""
    _pending: PendingDocuments = field(default_factory=PendingDocuments)
    _in_flight: list[InFlightBatch] = field(default_factory=list)
    _resumed: dict[str, InFlightBatch] = field(default_factory=dict)
    _wake: asyncio.Event = field(default_factory=asyncio.Event)
    _poll: asyncio.Event = field(default_factory=asyncio.Event)
    tasks: list[asyncio.Task[None]] = field(default_factory=list)
    _flushed_at: float = float("-inf")
    _engine_full: bool = False
    _poll_failed: bool = False

    @property
    def is_full(self) -> bool:
        """Back-pressure: whether the consumer has to stop reading until the engine catches up."""
        if self._engine_full or len(self._pending) >= self.limits.unfinished * self.limits.documents:
            return True
        oldest = min((sent.at for sent in self._in_flight), default=time.monotonic())
        return len(self._in_flight) >= self.limits.unfinished or time.monotonic() - oldest > self.limits.oldest

    def max_parallel_batches(self, entries: int) -> int:
        """Handlers, of this many entries each, that keep the engine busy."""
        batches = 1 if Cap.SYNC_VISIBILITY in self.index.capabilities else self.limits.unfinished
        return max(1, batches * self.limits.documents // entries)

    async def start(self) -> None:
        """Resume the batches of an earlier process, then begin. Raises StoreUnavailable."""
        for batch in await self.submitted.all():
            receipt = WriteReceipt(batch.op_id, tuple(row[0] for row in batch.documents), batch.token)
            sent = InFlightBatch(receipt, batch)
            self._in_flight.append(sent)
            self._resumed |= dict.fromkeys(sent.ids, sent)
        if self._in_flight:
            log.info(log_events.INDEX_WRITES_RESUMED, batches=len(self._in_flight), documents=len(self._resumed))
        self.begin()

    def begin(self) -> None:
        """Start the send and poll loops."""
        if not self.tasks:
            self.tasks = [asyncio.create_task(self._send_loop()), asyncio.create_task(self._poll_loop())]

    async def aclose(self) -> None:
        """Stop sending and polling."""
        await cancel_and_wait(self.tasks)
        self._pending.fail_all(SearchUnavailable("the index service stops"))
        for sent in self._in_flight:
            sent.resolve_rest(SearchUnavailable("the index service stops"))

    async def write(self, docs: Sequence[IndexDoc]) -> Mapping[str, DocumentRejection]:
        """Return once all accepted documents are searchable: {id: rejection} of the others.

        Raises Retryable: SearchUnavailable, QueueFull or IndexMissing.
        """
        self.begin()
        results = [self._enqueue(doc) for doc in docs]
        self._wake.set()
        if not results:
            return {}
        _, late = await asyncio.wait(results, timeout=self.limits.visible_within)
        if late:
            raise SearchUnavailable(f"{len(late)} documents are not decided in {self.limits.visible_within:g} s")
        found = [result.result() for result in results]
        for result in found:
            if isinstance(result, Exception):
                raise result
        return {
            doc.id: result for doc, result in zip(docs, found, strict=True) if isinstance(result, DocumentRejection)
        }

    # --- joining batches in flight ---------------------------------------------------------------------------------

    def _enqueue(self, doc: IndexDoc) -> asyncio.Future[Result]:
        """The future of this document: joined to a pending or sent one of the same or a newer revision, if any."""
        digest = content_hash(doc)
        for sent in (*reversed(self._in_flight), *filter(None, [self._resumed.pop(doc.id, None)])):
            if sent.covers(doc, digest):
                return sent.result_of(doc.id)
        return self._pending.add(doc, digest)

    # --- sending ----------------------------------------------------------------------------------------------------

    async def _send_loop(self) -> None:
        while True:
            await self._wake.wait()
            self._wake.clear()
            while self._pending:
                if (pause := self._seconds_until_due()) > 0:
                    await self._wait_for_work(pause)
                else:
                    await self._send()

    async def _wait_for_work(self, seconds: float) -> None:
        try:
            async with asyncio.timeout(seconds):
                await self._wake.wait()
            self._wake.clear()
        except TimeoutError:
            return

    def _seconds_until_due(self) -> float:
        """Seconds until the next batch is due; a lone document is sent at once."""
        limits = self.limits
        if self._pending.has_split_batches:
            return 0.0
        if len(self._in_flight) >= limits.unfinished:
            return limits.last_poll
        if len(self._pending) >= limits.documents or self._pending.size >= limits.size:
            return 0.0
        now = time.monotonic()
        since = self._flushed_at if not self._in_flight else max(self._flushed_at, self._pending.opened_at)
        return since + limits.gather - now

    async def _send(self) -> None:
        self._flushed_at = time.monotonic()
        batch = self._pending.take(self.limits.documents, self.limits.size)
        try:
            await self._submit(batch)
        except QueueFull as full:  # back to the front of the queue; the handlers wait and reading pauses
            if not self._engine_full:
                log.warning(log_events.INDEX_QUEUE_FULL, reason=str(full), documents=len(batch))
            self._engine_full = True
            self._pending.put_back(batch)
            await asyncio.sleep(full.retry_after or self.limits.last_poll)
            return
        except Retryable as error:
            self._note_missing(error)
            for item in batch:
                item.resolve(error)
        except BaseException:  # a defect ends the process: release the waiting handlers
            for item in batch:
                item.resolve(SearchUnavailable("the index service stops"))
            raise
        self._engine_full = (
            False  # also when it is away: nothing waits for room then, and no entry would come back and ask
        )

    async def _submit(self, batch: Sequence[PendingDocument]) -> None:
        docs = [item.doc for item in batch]
        op_id = operation_id(docs)
        try:
            receipt = await self.index.upsert(docs, op_id=op_id)
        except Rejected as error:
            receipt = WriteReceipt(op_id, tuple(doc.id for doc in docs))
            self._decide(InFlightBatch.of(receipt, batch), WriteOutcome(receipt, "rejected", str(error), error.ids))
            return
        sent = InFlightBatch.of(receipt, batch)
        self._in_flight.append(sent)
        if Cap.SYNC_VISIBILITY not in self.index.capabilities:
            await self._record(sent)
        self._poll.set()

    def _note_missing(self, error: Retryable) -> None:
        if isinstance(error, IndexMissing):
            self.on_missing.set()

    async def _record(self, sent: InFlightBatch) -> None:
        """Record the batch in Redis. Without a record a restart sends it again, which is idempotent: never fatal."""
        try:
            await self.submitted.record(sent.batch)
        except StoreUnavailable as error:
            log.warning(log_events.INDEX_WRITE_NOT_RECORDED, reason=str(error))

    # --- polling --------------------------------------------------------------------------------------------------

    async def _poll_loop(self) -> None:
        pause = 0.0 if Cap.SYNC_VISIBILITY in self.index.capabilities else self.limits.first_poll
        first = pause
        while True:
            if not self._in_flight:
                self._poll.clear()
                await self._poll.wait()
                pause = first
            await asyncio.sleep(pause)
            progressed = await self._poll_outcomes()
            pause = first if progressed else min(max(2 * pause, 0.01), self.limits.last_poll)

    async def _poll_outcomes(self) -> bool:
        """Poll all batches in flight once; whether anything was decided, if only about a part of a batch."""
        polled = list(self._in_flight)
        try:
            outcomes = await self.index.outcomes([sent.receipt for sent in polled])
        except Retryable as error:
            if not self._poll_failed:
                log.warning(log_events.INDEX_TASK_POLL_FAILED, reason=str(error), batches=len(polled))
            self._poll_failed = True
            self._note_missing(error)
            return False
        self._poll_failed = False
        moved = any(outcome.steps > sent.steps for sent, outcome in zip(polled, outcomes, strict=True))
        done = [sent for sent, outcome in zip(polled, outcomes, strict=True) if self._decide(sent, outcome)]
        self._in_flight = [sent for sent in self._in_flight if sent not in done]
        self._wake.set()
        await self._forget([sent.batch for sent in done])
        return moved or bool(done)

    def _decide(self, sent: InFlightBatch, outcome: WriteOutcome) -> bool:
        """Resolve what the outcome decides; whether the batch is finished."""
        if outcome.status == "pending":
            sent.resolve(outcome.visible_ids, None)
            sent.steps = outcome.steps
            return False
        metrics.INDEX_TASKS.labels(outcome.status).inc()
        if outcome.status == "lost":
            log.warning(log_events.INDEX_BATCH_LOST, op_id=outcome.receipt.op_id, documents=len(sent.batch.documents))
            sent.resolve_rest(SearchUnavailable(outcome.reason))
            return True
        if outcome.status == "rejected" and not outcome.rejected_ids:
            self._pending.split(sent.items, outcome.reason)
            return True
        reasons = outcome.reasons or (outcome.reason or "the search engine refused it",) * len(outcome.rejected_ids)
        for ident, reason in zip(outcome.rejected_ids, reasons, strict=True):
            sent.resolve([ident], DocumentRejection(reason))
        sent.resolve_rest(None)
        return True

    async def _forget(self, batches: Sequence[SubmittedBatch]) -> None:
        try:
            await self.submitted.delete(batches)
        except StoreUnavailable as error:
            log.warning(log_events.INDEX_WRITE_RECORD_NOT_DELETED, reason=str(error))
