"""Rebuilding the index from the store: beside the live index, while live writes go on, swapped in when it is whole."""

from __future__ import annotations

import time
from collections.abc import Awaitable, Callable
from dataclasses import dataclass

import structlog

from services.index.adapters.documents import index_doc
from shared.articles import Article, ArticleState
from shared.errors import Retryable
from shared.search.errors import Rejected
from shared.search.port import IndexSpec, SearchIndex, Staging
from shared.store import ArticleStore
from shared.store.reindex import Phase
from shared.turns import Turns

log = structlog.get_logger(__name__)

Report = Callable[[Phase, int], Awaitable[None]]
"""Called with the phase (`scanning`, `verifying`, `promoting`) and the number of documents written so far."""


class RebuildIncomplete(Retryable):
    """The new index holds fewer documents than were written to it; it was thrown away."""


@dataclass(frozen=True, slots=True)
class Rebuilt:
    """A finished rebuild: documents from the store, documents in the new index, seconds it took."""

    written: int
    documents: int
    took_seconds: float


async def run_reindex(
    store: ArticleStore, index: SearchIndex, spec: IndexSpec, *, writing: Turns, report: Report
) -> Rebuilt:
    """Write every published article of the store into a new generation, verify it, and swap it in.

    `writing` is the lock that live writes hold from upsert to announcement. Beginning under it means that each live
    write is either announced before the scan reads its state, or begins after and reaches both generations.
    Raises `RebuildIncomplete` when counts differ, `StoreUnavailable` or `SearchUnavailable`; the live index is
    untouched then.
    """
    started = time.monotonic()
    staged = index.reindex(spec)
    async with writing.alone():
        staging = await staged.__aenter__()
    try:
        rebuilt = await _rebuild(store, staging, writing, report, started)
    except BaseException as error:
        await staged.__aexit__(type(error), error, error.__traceback__)
        raise
    await staged.__aexit__(None, None, None)
    return rebuilt


async def _rebuild(store: ArticleStore, staging: Staging, writing: Turns, report: Report, started: float) -> Rebuilt:
    seen: set[str] = set()
    await report("scanning", 0)
    async for batch in store.scan():
        published = await _published(store, batch)
        if published:
            refused = await _write(staging, published)
            seen.update(article.id for article in published if article.id not in refused)
            await report("scanning", len(seen))
    await report("verifying", len(seen))
    async with writing.alone():
        documents = await staging.count()
        if documents < len(seen):  # more is right: live writes reach the new generation too
            raise RebuildIncomplete(f"the new index holds {documents} documents, {len(seen)} were written")
        await report("promoting", len(seen))
        await staging.promote()
    return Rebuilt(len(seen), documents, time.monotonic() - started)


async def _write(staging: Staging, articles: list[Article]) -> frozenset[str]:
    """Write a batch; the ids that the engine refuses. One bad article never costs a rebuild its others."""
    try:
        await staging.write([index_doc(article) for article in articles])
    except Rejected as error:
        log.warning("reindex.refused", articles=error.ids, reason=str(error))
        return frozenset(error.ids)
    return frozenset()


async def _published(store: ArticleStore, batch: list[Article]) -> list[Article]:
    """Those the public may see. An article that waits to be announced has its entry on the stream, so it follows."""
    records = await store.records([article.id for article in batch])
    return [
        article
        for article, record in zip(batch, records, strict=True)
        if record is not None and record.state is ArticleState.PUBLISHED
    ]
