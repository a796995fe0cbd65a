"""`EmbeddedIndex`: the search port on tantivy. Async outside; every engine call runs in a thread."""

from __future__ import annotations

from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from functools import partial
from pathlib import Path
from typing import Final

import orjson
import tantivy

from shared.errors import Permanent
from shared.search.embedded.boolean import StrictPage
from shared.search.embedded.engine_threads import EngineThreads
from shared.search.embedded.filters import live
from shared.search.embedded.generations import Generations, OneGeneration
from shared.search.embedded.query import PageQuery
from shared.search.embedded.reader import IndexReader, View, total_of
from shared.search.embedded.schema import engine_version
from shared.search.embedded.similar import TermWeights, similar_articles
from shared.search.embedded.suggest import suggestions
from shared.search.embedded.writer import IndexWriter
from shared.search.errors import QueueFull
from shared.search.port import (
    Cap,
    EnsureResult,
    FacetCounts,
    FacetField,
    IndexDoc,
    IndexSpec,
    IndexStats,
    SearchPage,
    SearchQuery,
    SimilarHit,
    SimilarQuery,
    Suggestion,
    WriteOutcome,
    WriteReceipt,
)

_READ_TIMEOUT: Final = 10.0  # seconds
_WRITE_TIMEOUT: Final = 120.0
_READ_THREADS: Final = 4
_READS_WAITING: Final = 256
"""Queue length: a few seconds of searches, so that a short stall is not reported as overload."""
_WRITES_WAITING: Final = 16
_PART: Final = 500  # documents listed per engine call


class EmbeddedIndex:
    """The port's `SearchIndex` on one directory. Any number of processes read; one, with `writer=True`, writes."""

    capabilities: frozenset[Cap] = frozenset({Cap.SYNC_VISIBILITY})

    def __init__(self, root: Path, *, writer: bool, generations: Generations | None = None) -> None:
        self._generations = generations or Generations(root)
        self._reader = IndexReader(self._generations)
        self._writer = IndexWriter(root) if writer else None
        self._weights = TermWeights()
        self._closed = False
        self._reads = EngineThreads(
            "search-read",
            threads=_READ_THREADS,
            timeout=_READ_TIMEOUT,
            backlog=_READS_WAITING,
            on_panic=self._reader.drop,
        )
        self._writes = EngineThreads(
            "search-write",
            threads=1,
            timeout=_WRITE_TIMEOUT,
            backlog=_WRITES_WAITING,
            full=QueueFull,
            on_panic=self._writer.reopen if self._writer else lambda: None,
        )

    @property
    def panics(self) -> int:
        """Engine panics since the start; each became SearchUnavailable and reopened the index."""
        return self._reads.panics + self._writes.panics

    # --- writing ----------------------------------------------------------------------------------------------------

    async def ensure(self, spec: IndexSpec) -> EnsureResult:
        """See the port. A reading process creates nothing: IndexMissing until the writer has created the index."""
        if self._writer is not None:
            return await self._writes.run(partial(self._writer.ensure, spec))
        current = await self._reads.run(self._generations.current)
        return EnsureResult.UNCHANGED if current.fits(spec) else EnsureResult.NEEDS_REINDEX

    async def upsert(self, docs: Sequence[IndexDoc], *, op_id: str) -> WriteReceipt:
        """Durable and visible when it returns; `outcomes` names rejected documents."""
        rejected = await self._writes.run(partial(self._writable().upsert, tuple(docs)))
        token = orjson.dumps(_printable(rejected)).decode() if rejected else ""
        return WriteReceipt(op_id, tuple(doc.id for doc in docs), token)

    async def delete(self, ids: Sequence[tuple[str, int]], *, op_id: str) -> WriteReceipt:
        """Durable and visible when it returns."""
        await self._writes.run(partial(self._writable().delete, tuple(ids)))
        return WriteReceipt(op_id, tuple(doc_id for doc_id, _ in ids))

    async def outcomes(self, receipts: Sequence[WriteReceipt]) -> Sequence[WriteOutcome]:
        """Decoded from the receipts: a write is committed before its receipt exists."""
        return [_outcome(receipt) for receipt in receipts]

    @asynccontextmanager
    async def reindex(self, spec: IndexSpec) -> AsyncIterator[EmbeddedStaging]:
        """See the port. Raises Permanent(rule="reindex-running") while another rebuild runs."""
        writer = self._writable()
        await self._writes.run(partial(writer.begin, spec))
        staging = EmbeddedStaging(writer, self._writes)
        try:
            yield staging
        finally:
            if not (staging.promoted or self._closed):  # closing abandons it as well
                await self._writes.run(writer.abandon, urgent=True)

    async def prune(self, *, older_than: float) -> int:
        """See the port; age is counted from the last commit."""
        return await self._writes.run(partial(self._writable().prune, older_than))

    # --- reading ----------------------------------------------------------------------------------------------------

    async def search(self, query: SearchQuery) -> SearchPage:
        """As the port says."""
        return await self._reads.run(lambda: self._reader.read(_page_query(query).page))

    async def similar(self, doc_id: str, query: SimilarQuery) -> Sequence[SimilarHit]:
        """As the port says."""

        def answer(view: View) -> tuple[SimilarHit, ...]:
            return similar_articles(view, self._weights, doc_id, query)

        return await self._reads.run(lambda: self._reader.read(answer))

    async def facets(self, query: SearchQuery, names: Sequence[FacetField]) -> FacetCounts:
        """As the port says."""
        return await self._reads.run(lambda: self._reader.read(partial(_page_query(query).counts, names=tuple(names))))

    async def suggest(self, prefix: str, *, limit: int = 8) -> Sequence[Suggestion]:
        """As the port says."""
        return await self._reads.run(lambda: self._reader.read(lambda view: suggestions(view, prefix, limit)))

    async def documents(self) -> AsyncIterator[tuple[str, int]]:
        """Every (id, rev) of one consistent state."""
        view, addresses = await self._reads.run(lambda: self._reader.read(_everything))
        for start in range(0, len(addresses), _PART):
            for found in await self._reads.run(partial(_identities, view, addresses[start : start + _PART])):
                yield found

    async def stats(self) -> IndexStats:
        """Raises IndexMissing before there is an index; no documents and no epoch while one awaits its rebuild."""
        if self._writer is not None and self._writer.needs_rebuild:
            return IndexStats(0, self._writes.active, "", "", engine_version())

        def count(view: View) -> tuple[View, int]:
            return view, total_of(view.searcher.search(live(), limit=1))

        view, documents = await self._reads.run(lambda: self._reader.read(count))
        return IndexStats(documents, self._writes.active, view.epoch, view.generation, engine_version())

    async def aclose(self) -> None:
        """Finish a running commit, then release the writer lock. Idempotent."""
        if self._closed:
            return
        self._closed = True
        if self._writer is not None:
            await self._writes.run(self._writer.close, urgent=True)
        self._reader.drop()
        self._writes.close()
        self._reads.close()

    def _writable(self) -> IndexWriter:
        if self._writer is None:
            raise Permanent("this process opened the index for reading only", rule="index-read-only")
        return self._writer


class EmbeddedStaging:
    """The generation being built. Searches and live writes continue."""

    def __init__(self, writer: IndexWriter, threads: EngineThreads) -> None:
        self.promoted = False
        self._writer = writer
        self._threads = threads

    async def write(self, docs: Sequence[IndexDoc]) -> None:
        """Raises Rejected with the ids that cannot be indexed; the others of the batch are written."""
        await self._threads.run(partial(self._writer.stage, tuple(docs)))

    async def count(self) -> int:
        """Articles in the new index."""
        return await self._threads.run(self._writer.staged)

    def reader(self) -> EmbeddedIndex:
        """The new generation for reading."""
        generation = self._writer.staging_generation
        return EmbeddedIndex(generation.path.parent, writer=False, generations=OneGeneration(generation))

    async def promote(self) -> None:
        """Swap. Raises SearchUnavailable, and swaps nothing, if a live write could not be mirrored."""
        await self._threads.run(self._writer.promote)
        self.promoted = True


def _page_query(query: SearchQuery) -> PageQuery:
    return PageQuery(query) if query.query is None else StrictPage(query)


def _everything(view: View) -> tuple[View, list[tantivy.DocAddress]]:
    hits = view.searcher.search(live(), limit=max(1, view.searcher.num_docs), count=False).hits
    return view, [at for _, at in hits]


def _identities(view: View, addresses: list[tantivy.DocAddress]) -> list[tuple[str, int]]:
    revs = view.searcher.fast_field_values("rev", addresses)
    return [
        (str(view.searcher.doc(at).get_first("id")), int(rev or 0)) for at, rev in zip(addresses, revs, strict=True)
    ]


def _outcome(receipt: WriteReceipt) -> WriteOutcome:
    rejected = tuple(orjson.loads(receipt.token)) if receipt.token else ()
    if not rejected:
        return WriteOutcome(receipt, "visible")
    return WriteOutcome(receipt, "rejected", f"{len(rejected)} documents cannot be indexed", rejected)


def _printable(ids: Sequence[str]) -> list[str]:
    return [doc_id.encode("utf-8", "replace").decode() for doc_id in ids]
