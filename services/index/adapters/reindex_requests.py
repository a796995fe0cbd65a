"""Polls Redis for reindex requests and runs them, concurrently with event handling."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager, nullcontext, suppress
from dataclasses import dataclass
from typing import Final

import structlog

from services.index.adapters.documents import DocumentOf, index_doc
from services.index.adapters.meaning import Learning
from services.index.adapters.rebuild import RebuildResult, run_reindex
from shared.clock import now
from shared.errors import BroadsheetError, Retryable, StoreUnavailable
from shared.observability import log_events
from shared.read_write_lock import ReadWriteLock
from shared.search.port import IndexSpec, SearchIndex
from shared.store import ArticleStore, Redis
from shared.store.index_jobs.reindex import (
    Phase,
    ReindexProgress,
    clear_incomplete,
    count_articles,
    open_request,
    record,
)
from shared.tasks import cancel_and_wait

log = structlog.get_logger(__name__)

_POLL_SECONDS: Final = 1.0
_REPORT_EVERY_SECONDS: Final = 0.5
_RENEW_EVERY_SECONDS: Final = 20.0
"""Renewal interval: training on a large archive, or verifying it, takes longer than the expiry of a request."""


@dataclass
class ReindexRequests:
    """Runs requested rebuilds; at most one at a time, across all processes."""

    client: Redis
    store: ArticleStore
    index: SearchIndex
    spec: IndexSpec
    writing: ReadWriteLock
    learning: Learning = nullcontext
    """Context entered around each rebuild, before its first write."""
    document_of: DocumentOf = index_doc

    async def serve(self) -> None:
        """Poll for requests until cancelled; retries while Redis is unavailable."""
        while True:
            try:
                request_id = await open_request(self.client)
                if request_id is not None:
                    await self.work_on(request_id)
            except Retryable as error:
                log.warning(log_events.STORE_UNAVAILABLE, component="reindex", reason=str(error))
            await asyncio.sleep(_POLL_SECONDS)

    async def work_on(self, request_id: str) -> RebuildResult | None:
        """Rebuild for this request and record progress; None if it failed, with the error in its record."""
        total = await count_articles(self.client)
        done = 0
        at: Phase = "scanning"
        clock = asyncio.get_running_loop().time
        reported_at = -_REPORT_EVERY_SECONDS

        async def report(phase: Phase, count: int) -> None:
            nonlocal done, at, reported_at
            done, at = count, phase
            if phase == "scanning" and clock() - reported_at < _REPORT_EVERY_SECONDS:
                return
            reported_at = clock()
            await record(self.client, _state(request_id, phase, count, total))

        log.info(log_events.REINDEX_STARTED, request=request_id, articles=total)
        await report("scanning", 0)  # training reads the whole archive, too
        try:
            async with self._renewed(lambda: _state(request_id, at, done, total)), self.learning():
                rebuilt = await run_reindex(
                    self.store,
                    self.index,
                    self.spec,
                    writing=self.writing,
                    report=report,
                    document_of=self.document_of,
                )
        except BroadsheetError as error:
            log.warning(log_events.REINDEX_FAILED, request=request_id, reason=str(error))
            await record(self.client, _state(request_id, "failed", done, total, error=str(error)))
            return None
        await clear_incomplete(self.client)
        await record(self.client, _state(request_id, "done", rebuilt.written, total, digest=rebuilt.digest))
        log.info(
            log_events.REINDEX_COMPLETED, request=request_id, documents=rebuilt.documents, seconds=rebuilt.took_seconds
        )
        return rebuilt

    @asynccontextmanager
    async def _renewed(self, state: Callable[[], ReindexProgress]) -> AsyncIterator[None]:
        async def renew() -> None:
            while True:
                await asyncio.sleep(_RENEW_EVERY_SECONDS)
                with suppress(StoreUnavailable):
                    await record(self.client, state())

        renewal = asyncio.create_task(renew())
        try:
            yield
        finally:
            await cancel_and_wait([renewal])


def _state(
    request_id: str, phase: Phase, done: int, total: int, *, error: str = "", digest: str = ""
) -> ReindexProgress:
    return ReindexProgress(request_id, phase, done, total, error, now(), digest)
