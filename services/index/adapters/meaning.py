"""Vectors for what is indexed: the model in use, learned anew at each rebuild, and the index that adds them."""

from __future__ import annotations

import asyncio
import dataclasses
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from typing import Final, Literal, Protocol

import structlog

from shared.articles import ArticleState
from shared.search.learning import MOST, learn
from shared.search.lsa import BadModel, LsaModel, Signature
from shared.search.port import (
    EnsureResult,
    FacetCounts,
    FacetField,
    IndexDoc,
    IndexSpec,
    IndexStats,
    SearchIndex,
    SearchPage,
    SearchQuery,
    SimilarHit,
    SimilarQuery,
    Staging,
    Suggestion,
    WriteOutcome,
    WriteReceipt,
)
from shared.store import ArticleStore
from shared.store.index_jobs.models import Models

log = structlog.get_logger(__name__)

MODEL: Final = "lsa"
"""The name under which the model is saved, for this service after a restart and for queries in serve."""


Learning = Callable[[], AbstractAsyncContextManager[None]]


class Embedder(Protocol):
    """What gives an article its vector."""

    async def load(self) -> None:
        """Take up the saved model. Raises StoreUnavailable."""
        ...

    def vector(self, signature: Signature) -> tuple[float, ...] | None:
        """The article's vector by the model in use; None when there is none."""
        ...

    def relearned(self) -> AbstractAsyncContextManager[None]:
        """Learn from the archive first; what is inside uses the new model, which is kept if it ends well."""
        ...


class NoEmbedder:
    """`none`: articles have no vectors, and related ones go by their terms."""

    def __init__(self, models: Models) -> None:
        self._models = models

    async def load(self) -> None:
        """Nothing to take up."""

    def vector(self, signature: Signature) -> None:
        """No vector."""

    @asynccontextmanager
    async def relearned(self) -> AsyncIterator[None]:
        """A model of earlier days is forgotten with the vectors that it made."""
        yield
        await self._models.forget(MODEL)


class LsaEmbedder:
    """`lsa`: learned from the signatures of the published articles."""

    def __init__(self, store: ArticleStore, models: Models) -> None:
        self._store = store
        self._models = models
        self._model: LsaModel | None = None

    async def load(self) -> None:
        """Take up the saved model; one of another version of this program counts as none."""
        data = await self._models.load(MODEL)
        try:
            self._model = None if data is None else await asyncio.to_thread(LsaModel.from_bytes, data)
        except BadModel as error:
            log.warning("embedder.model_unusable", reason=str(error))

    def vector(self, signature: Signature) -> tuple[float, ...] | None:
        """None as long as nothing was learned."""
        return None if self._model is None else self._model.vector(signature)

    @asynccontextmanager
    async def relearned(self) -> AsyncIterator[None]:
        """Live writes meanwhile use the new model too: they reach the new index. When the rebuild fails, the old one
        is in use again, since the vectors of the index in use are its."""
        before, self._model = self._model, await self._learn()
        try:
            yield
        except BaseException:
            self._model = before
            raise
        if self._model is None:
            await self._models.forget(MODEL)
            return
        await self._models.save(MODEL, self._model.version, await asyncio.to_thread(self._model.to_bytes))
        log.info("embedder.learned", version=self._model.version, terms=len(self._model.features))

    async def _learn(self) -> LsaModel | None:
        signatures: list[Signature] = []
        async for batch in self._store.scan():  # in no order, so the first ones are a fair sample
            records = await self._store.records([article.id for article in batch])
            signatures += [
                article.signature
                for article, record in zip(batch, records, strict=True)
                if record is not None and record.state is ArticleState.PUBLISHED and article.duplicate_of is None
            ]
            if len(signatures) >= MOST:
                break
        return await asyncio.to_thread(learn, signatures[:MOST])


def embedder_of(name: Literal["none", "lsa"], store: ArticleStore, models: Models) -> Embedder:
    """The embedder that the setting names."""
    return LsaEmbedder(store, models) if name == "lsa" else NoEmbedder(models)


class MeaningIndex:
    """A SearchIndex whose documents get their vectors on the way in; everything else is the engine's."""

    def __init__(self, index: SearchIndex, embedder: Embedder) -> None:
        self.capabilities = index.capabilities
        self._index = index
        self._embedder = embedder

    def placed(self, docs: Sequence[IndexDoc]) -> list[IndexDoc]:
        """The documents with vectors."""
        return [dataclasses.replace(doc, vector=self._embedder.vector(doc.signature)) for doc in docs]

    async def upsert(self, docs: Sequence[IndexDoc], *, op_id: str) -> WriteReceipt:
        """As the port says."""
        return await self._index.upsert(self.placed(docs), op_id=op_id)

    @asynccontextmanager
    async def reindex(self, spec: IndexSpec) -> AsyncIterator[Staging]:
        """As the port says."""
        async with self._index.reindex(spec) as staging:
            yield _PlacedStaging(staging, self)

    async def ensure(self, spec: IndexSpec) -> EnsureResult:
        """As the port says."""
        return await self._index.ensure(spec)

    async def delete(self, ids: Sequence[tuple[str, int]], *, op_id: str) -> WriteReceipt:
        """As the port says."""
        return await self._index.delete(ids, op_id=op_id)

    async def outcomes(self, receipts: Sequence[WriteReceipt]) -> Sequence[WriteOutcome]:
        """As the port says."""
        return await self._index.outcomes(receipts)

    async def search(self, query: SearchQuery) -> SearchPage:
        """As the port says."""
        return await self._index.search(query)

    async def similar(self, doc_id: str, query: SimilarQuery) -> Sequence[SimilarHit]:
        """As the port says."""
        return await self._index.similar(doc_id, query)

    async def facets(self, query: SearchQuery, names: Sequence[FacetField]) -> FacetCounts:
        """As the port says."""
        return await self._index.facets(query, names)

    async def suggest(self, prefix: str, *, limit: int = 8) -> Sequence[Suggestion]:
        """As the port says."""
        return await self._index.suggest(prefix, limit=limit)

    async def prune(self, *, older_than: float) -> int:
        """As the port says."""
        return await self._index.prune(older_than=older_than)

    def documents(self) -> AsyncIterator[tuple[str, int]]:
        """As the port says."""
        return self._index.documents()

    async def stats(self) -> IndexStats:
        """As the port says."""
        return await self._index.stats()

    async def aclose(self) -> None:
        """As the port says."""
        await self._index.aclose()


class _PlacedStaging:
    def __init__(self, staging: Staging, index: MeaningIndex) -> None:
        self._staging = staging
        self._index = index

    async def write(self, docs: Sequence[IndexDoc]) -> None:
        await self._staging.write(self._index.placed(docs))

    async def count(self) -> int:
        return await self._staging.count()

    def reader(self) -> SearchIndex:
        return self._staging.reader()

    async def promote(self) -> None:
        await self._staging.promote()
