"""`MeiliIndex`: the search port on a Meilisearch server."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager, suppress

from shared.errors import Permanent
from shared.search.errors import SearchUnavailable
from shared.search.meilisearch import admin
from shared.search.meilisearch.boolean import StrictPage
from shared.search.meilisearch.client import MeiliClient
from shared.search.meilisearch.filters import LIVE
from shared.search.meilisearch.query import PageQuery
from shared.search.meilisearch.similar import TermCounts, similar_articles
from shared.search.meilisearch.suggest import suggestions
from shared.search.meilisearch.writer import IndexWriter
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


class MeiliIndex:
    """The port's `SearchIndex` on the index `uid` of a server. One process may write."""

    capabilities: frozenset[Cap] = frozenset({Cap.HYBRID})

    def __init__(self, client: MeiliClient, *, uid: str = "articles", writer: bool) -> None:
        self._client = client
        self._uid = uid
        self._writer = IndexWriter(client, uid) if writer else None
        self._version = ""
        self._counts = TermCounts()

    # --- writing ----------------------------------------------------------------------------------------------------

    async def ensure(self, spec: IndexSpec) -> EnsureResult:
        """See the port. A reading process creates nothing: IndexMissing until the writer has created the index.

        Raises Permanent(rule="unsupported-server") if the server's version is not the pinned one.
        """
        await self._checked_version()
        if self._writer is not None:
            return await self._writer.ensure(spec)
        return await admin.compare(self._client, self._uid, spec, patch=False)

    async def upsert(self, docs: Sequence[IndexDoc], *, op_id: str) -> WriteReceipt:
        """Durable when it returns, not visible: ask `outcomes`."""
        return await self._writable().upsert(docs, op_id)

    async def delete(self, ids: Sequence[tuple[str, int]], *, op_id: str) -> WriteReceipt:
        """Durable when it returns, not visible: ask `outcomes`."""
        return await self._writable().delete(ids, op_id)

    async def outcomes(self, receipts: Sequence[WriteReceipt]) -> Sequence[WriteOutcome]:
        """One request for all receipts."""
        return await self._writable().outcomes(receipts)

    @asynccontextmanager
    async def reindex(self, spec: IndexSpec) -> AsyncIterator[MeiliStaging]:
        """See the port. Raises Permanent(rule="reindex-running") while another rebuild runs."""
        writer = self._writable()
        await writer.begin(spec)
        staging = MeiliStaging(writer, self._client)
        try:
            yield staging
        finally:
            if not staging.promoted:
                with suppress(SearchUnavailable):  # leftovers are dropped after the next swap
                    await writer.abandon()

    async def prune(self, *, older_than: float) -> int:
        """See the port; age is counted from the last write to the index."""
        return await self._writable().prune(older_than)

    # --- reading ----------------------------------------------------------------------------------------------------

    async def search(self, query: SearchQuery) -> SearchPage:
        """As the port says."""
        return await _page_query(query).page(self._client, self._uid)

    async def similar(self, doc_id: str, query: SimilarQuery) -> Sequence[SimilarHit]:
        """As the port says."""
        return await similar_articles(self._client, self._uid, self._counts, doc_id, query)

    async def facets(self, query: SearchQuery, names: Sequence[FacetField]) -> FacetCounts:
        """As the port says."""
        return await _page_query(query).counts(self._client, self._uid, names)

    async def suggest(self, prefix: str, *, limit: int = 8) -> Sequence[Suggestion]:
        """As the port says."""
        return await suggestions(self._client, self._uid, prefix, limit)

    async def documents(self) -> AsyncIterator[tuple[str, int]]:
        """Every (id, rev), page by page; complete if nothing is deleted during the scan."""
        async for pair in admin.listed(self._client, self._uid, LIVE):
            yield pair

    async def stats(self) -> IndexStats:
        """Raises IndexMissing before there is an index."""
        version = await self._checked_version()
        queue = self._client.get("/tasks", indexUids=self._uid, statuses="enqueued,processing", limit=1)
        index, tasks = await asyncio.gather(self._client.get(f"/indexes/{self._uid}"), queue)
        documents = await admin.count(self._client, self._uid, LIVE)
        # Both times belong to the index, not to its name: a swap changes them.
        made, changed = str(index["createdAt"]), str(index["updatedAt"])
        return IndexStats(documents, int(tasks["total"]), f"{made}/{changed}", made, f"meilisearch {version}")

    async def aclose(self) -> None:
        """Close the connection; the server continues accepted writes."""
        await self._client.aclose()

    async def _checked_version(self) -> str:
        if not self._version:
            self._version = await admin.check_version(self._client)
        return self._version

    def _writable(self) -> IndexWriter:
        if self._writer is None:
            raise Permanent("this process opened the index for reading only", rule="index-read-only")
        return self._writer


def _page_query(query: SearchQuery) -> PageQuery | StrictPage:
    return PageQuery(query) if query.query is None else StrictPage(query)


class MeiliStaging:
    """The index being built. Searches and live writes continue."""

    def __init__(self, writer: IndexWriter, client: MeiliClient) -> None:
        self.promoted = False
        self._writer = writer
        self._client = client

    async def write(self, docs: Sequence[IndexDoc]) -> None:
        """Raises Rejected with the ids of rejected documents, in this call or a later one."""
        await self._writer.stage(docs)

    async def count(self) -> int:
        """Articles in the new index."""
        return await self._writer.staged()

    def reader(self) -> MeiliIndex:
        """The new index for reading; complete after `count`."""
        return MeiliIndex(self._client.twin(), uid=self._writer.staging_uid, writer=False)

    async def promote(self) -> None:
        """Swap. Raises SearchUnavailable, and swaps nothing, if a live write could not be mirrored."""
        await self._writer.promote()
        self.promoted = True
