"""Prepares the index before the first event: opens it, and rebuilds it if it is new or outdated."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from contextlib import nullcontext
from typing import Final, TypeVar

import structlog

from services.index.adapters.documents import DocumentOf, index_doc
from services.index.adapters.meaning import Learning
from services.index.adapters.rebuild import RebuildResult, run_reindex
from shared.backoff import Backoff
from shared.errors import Retryable
from shared.observability import log_events
from shared.read_write_lock import ReadWriteLock
from shared.search.errors import IndexMissing, SearchUnavailable
from shared.search.port import EnsureResult, IndexSpec, SearchIndex
from shared.store import ArticleStore, Redis
from shared.store.index_jobs.reindex import Phase, clear_incomplete, count_articles, is_incomplete

log = structlog.get_logger(__name__)

Result = TypeVar("Result")
_LONGEST_PAUSE_SECONDS: Final = 5.0
_LOG_EVERY: Final = 2_000


async def prepare_index(
    client: Redis,
    store: ArticleStore,
    index: SearchIndex,
    spec: IndexSpec,
    *,
    writing: ReadWriteLock,
    within: float,
    learning: Learning = nullcontext,
    document_of: DocumentOf = index_doc,
) -> None:
    """Open or rebuild the index. Raises the last Retryable if Redis or the engine is unavailable for `within` s."""
    found = await retry_until_deadline(lambda: _ensure(client, index, spec), within=within)
    documents = 0
    if found is not None:
        stats = await retry_until_deadline(index.stats, within=within)
        documents = stats.documents
        log.info(log_events.INDEX_OPENED, result=found.value, documents=documents, engine=stats.engine)
    rebuild_pending = found in (None, EnsureResult.NEEDS_REINDEX)
    rebuild_pending |= await retry_until_deadline(lambda: is_incomplete(client), within=within)
    if not rebuild_pending and documents > 0:
        return
    articles = await retry_until_deadline(lambda: count_articles(client), within=within)
    if articles == 0 and not rebuild_pending:
        return
    log.info(log_events.INDEX_REBUILD_STARTED, articles=articles, result=found.value if found else "missing")
    logged = 0

    async def report(phase: Phase, done: int) -> None:
        nonlocal logged
        if phase != "scanning" or done - logged >= _LOG_EVERY:
            logged = done
            log.info(log_events.INDEX_REBUILD_PROGRESSED, phase=phase, done=done, total=articles)

    async def rebuild() -> RebuildResult:
        async with learning():
            return await run_reindex(store, index, spec, writing=writing, report=report, document_of=document_of)

    rebuilt = await retry_until_deadline(rebuild, within=within)
    await retry_until_deadline(lambda: clear_incomplete(client), within=within)
    log.info(log_events.INDEX_REBUILT, documents=rebuilt.documents, seconds=round(rebuilt.took_seconds, 3))


async def _ensure(client: Redis, index: SearchIndex, spec: IndexSpec) -> EnsureResult | None:
    """The result of `ensure`; None if there are articles but no index.

    Then no empty index is created: until the rebuild is complete, searches answer 503 instead of "no results".
    """
    try:
        await index.stats()
    except IndexMissing:
        if await count_articles(client):
            return None
    except SearchUnavailable:  # reported or retried by `ensure`
        pass
    return await index.ensure(spec)


async def retry_until_deadline(action: Callable[[], Awaitable[Result]], *, within: float) -> Result:
    """The action's result; Retryable is retried with exponential back-off for at most `within` seconds."""
    clock = asyncio.get_running_loop().time
    deadline, backoff = clock() + within, Backoff(longest=_LONGEST_PAUSE_SECONDS)
    while True:
        try:
            return await action()
        except Retryable as error:
            pause = backoff.failed()
            if clock() + pause > deadline:
                raise
            log.warning(log_events.INDEX_UNAVAILABLE, reason=str(error), seconds=round(pause, 3))
        await asyncio.sleep(pause)
