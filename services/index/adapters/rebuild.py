"""Rebuilds the index from the store next to the live one, with live writes, verifies it and swaps it in."""

from __future__ import annotations

import time
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from dataclasses import dataclass
from typing import Final

import structlog

from services.index.adapters.documents import DocumentOf, index_doc
from shared.articles import Article, ArticleState, card_of
from shared.errors import Retryable
from shared.observability import log_events
from shared.read_write_lock import ReadWriteLock
from shared.search.digest import Rows, card_hash, digest_of, found_rows, index_rows
from shared.search.errors import Rejected
from shared.search.port import IndexSpec, SearchIndex, Staging
from shared.store import ArticleStore
from shared.store.index_jobs.reindex import Phase

log = structlog.get_logger(__name__)

_LOOKED_UP: Final = 100
BATCH: Final = 400
"""Articles per write; the last scan step may add a few."""

Report = Callable[[Phase, int], Awaitable[None]]
"""Called with the phase (`scanning`, `verifying`, `promoting`) and the number of documents written so far."""


class RebuildIncomplete(Retryable):
    """The new index differs from the store and was discarded."""


@dataclass(frozen=True, slots=True)
class RebuildResult:
    """A finished rebuild: documents from the store, documents in the new index, seconds it took.

    `digest` is the `shared.search.digest` of the verified documents; complete if there were no live writes.
    """

    written: int
    documents: int
    took_seconds: float
    digest: str


async def run_reindex(
    store: ArticleStore,
    index: SearchIndex,
    spec: IndexSpec,
    *,
    writing: ReadWriteLock,
    report: Report,
    document_of: DocumentOf = index_doc,
) -> RebuildResult:
    """Write every published article of the store into a new generation, verify it, and swap it in.

    `writing` is the lock that live writes hold shared from upsert to publication. The rebuild starts with it held
    exclusively, so each live write is either published before the scan, or starts later and goes to both generations.
    Raises `RebuildIncomplete` if counts or contents differ, `StoreUnavailable` or `SearchUnavailable`; the live index
    is then unchanged.
    """
    staged = index.reindex(spec)
    async with writing.exclusive():
        staging = await staged.__aenter__()
    try:
        rebuilt = await _rebuild(store, staging, writing, report, document_of)
    except BaseException as error:
        await staged.__aexit__(type(error), error, error.__traceback__)
        raise
    await staged.__aexit__(None, None, None)
    return rebuilt


async def _rebuild(
    store: ArticleStore, staging: Staging, writing: ReadWriteLock, report: Report, document_of: DocumentOf
) -> RebuildResult:
    started = time.monotonic()
    expected: dict[str, str] = {}
    await report("scanning", 0)
    async for published in _published_batches(store):
        expected |= {article.id: card_hash(card_of(article)) for article in published}
        try:
            await staging.write([document_of(article) for article in published])
        except Rejected as error:
            _drop_rejected(expected, error)
        await report("scanning", len(expected))
    await report("verifying", len(expected))
    await _count(staging, expected)  # wait until all writes have completed
    reader = staging.reader()
    try:
        rows = await index_rows(reader)
        mismatched = [ident for ident, shown in expected.items() if rows.get(ident, (0, ""))[1] != shown]
        async with writing.exclusive():
            gone = await _verified(store, reader, rows, mismatched)
            documents = await _count(staging, expected)
            if documents < len(expected) - gone:  # more is possible: live writes go to the new generation too
                raise RebuildIncomplete(f"the new index holds {documents} documents, {len(expected)} were written")
            await report("promoting", len(expected))
            await staging.promote()
    finally:
        await reader.aclose()
    digest = digest_of(rows).hex
    return RebuildResult(len(expected), documents, time.monotonic() - started, digest)


async def _verified(store: ArticleStore, reader: SearchIndex, rows: Rows, mismatched: Sequence[str]) -> int:
    """Compare mismatched articles with the store again, under the lock; returns how many are no longer published.

    A live write may have caused a difference; index and store then agree now. Raises RebuildIncomplete.
    """
    gone = 0
    for start in range(0, len(mismatched), _LOOKED_UP):
        part = mismatched[start : start + _LOOKED_UP]
        found = await found_rows(reader, part)
        now = {article.id: article for article in await _published(store, await _articles(store, part))}
        for ident in part:
            article = now.get(ident)
            gone += article is None
            if article is not None and found[ident] != card_hash(card_of(article)):
                raise RebuildIncomplete(f"the new index does not hold article {ident} as the store does")
            if article is None:
                rows.pop(ident, None)
            else:
                rows[ident] = (article.rev, found[ident])
    return gone


async def _published_batches(store: ArticleStore) -> AsyncIterator[list[Article]]:
    """Published articles in large batches: an engine's cost per batch is about that of its documents."""
    batch: list[Article] = []
    async for found in store.scan():
        batch += await _published(store, found)
        if len(batch) >= BATCH:
            yield batch
            batch = []
    if batch:
        yield batch


async def _articles(store: ArticleStore, ids: Sequence[str]) -> list[Article]:
    return [article for article in await store.articles(ids) if isinstance(article, Article)]


async def _count(staging: Staging, expected: dict[str, str]) -> int:
    while True:
        try:
            return await staging.count()
        except Rejected as error:
            _drop_rejected(expected, error)


def _drop_rejected(expected: dict[str, str], error: Rejected) -> None:
    """Documents the engine rejected, from this write or an earlier one. They do not fail the rebuild."""
    log.warning(log_events.REINDEX_DOCUMENTS_REJECTED, articles=error.ids, reason=str(error))
    for ident in error.ids:
        expected.pop(ident, None)


async def _published(store: ArticleStore, batch: list[Article]) -> list[Article]:
    """The published articles. Unpublished ones still have an entry on the stream."""
    records = await store.records([article.id for article in batch])
    return [
        article
        for article, record in zip(batch, records, strict=True)
        if record is not None and record.state is ArticleState.PUBLISHED
    ]
