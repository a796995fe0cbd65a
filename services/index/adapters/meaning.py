"""Embedders: models for article vectors, trained again on the archive at each rebuild."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from typing import Final, Literal, Protocol

import structlog

from shared.articles import ArticleState
from shared.observability import log_events
from shared.search.learning import MAX_SIGNATURES, learn
from shared.search.lsa import BadModel, LsaModel, Signature
from shared.store import ArticleStore
from shared.store.index_jobs.models import Models

log = structlog.get_logger(__name__)

MODEL: Final = "lsa"
"""Name of the saved model: read by this service after a restart, and by serve for query vectors."""


Learning = Callable[[], AbstractAsyncContextManager[None]]


class Embedder(Protocol):
    """Computes vectors of articles."""

    async def load(self) -> None:
        """Load the saved model. Raises StoreUnavailable."""
        ...

    def vector(self, signature: Signature) -> tuple[float, ...] | None:
        """The article's vector from the current model; None if there is none."""
        ...

    def relearned(self) -> AbstractAsyncContextManager[None]:
        """Train on the archive and use the new model inside the context; it is saved if the context succeeds."""
        ...


class NoEmbedder:
    """`none`: articles have no vectors; related articles are ranked by terms."""

    def __init__(self, models: Models) -> None:
        self._models = models

    async def load(self) -> None:
        """Nothing to load."""

    def vector(self, signature: Signature) -> None:
        """No vector."""

    @asynccontextmanager
    async def relearned(self) -> AsyncIterator[None]:
        """Delete a previously saved model."""
        yield
        await self._models.delete(MODEL)


class LsaEmbedder:
    """`lsa`: trained on the signatures of the published articles."""

    def __init__(self, store: ArticleStore, models: Models) -> None:
        self._store = store
        self._models = models
        self._model: LsaModel | None = None

    async def load(self) -> None:
        """Load the saved model; one of another format version is ignored."""
        data = await self._models.load(MODEL)
        try:
            self._model = None if data is None else await asyncio.to_thread(LsaModel.from_bytes, data)
        except BadModel as error:
            log.warning(log_events.EMBEDDER_UNUSABLE, reason=str(error))

    def vector(self, signature: Signature) -> tuple[float, ...] | None:
        """The vector; None until a model is trained."""
        return None if self._model is None else self._model.vector(signature)

    @asynccontextmanager
    async def relearned(self) -> AsyncIterator[None]:
        """Live writes during the rebuild use the new model too, because they go to the new index.

        If the rebuild fails, the old model is restored, since the live index has its vectors.
        """
        before, self._model = self._model, await self._learn()
        try:
            yield
        except BaseException:
            self._model = before
            raise
        if self._model is None:
            await self._models.delete(MODEL)
            return
        await self._models.save(MODEL, self._model.version, await asyncio.to_thread(self._model.to_bytes))
        log.info(log_events.EMBEDDER_TRAINED, version=self._model.version, terms=len(self._model.features))

    async def _learn(self) -> LsaModel | None:
        signatures: list[Signature] = []
        async for batch in self._store.scan():  # unordered, so the first ones are a random sample
            records = await self._store.records([article.id for article in batch])
            signatures += [
                article.signature
                for article, record in zip(batch, records, strict=True)
                if record is not None and record.state is ArticleState.PUBLISHED and article.duplicate_of is None
            ]
            if len(signatures) >= MAX_SIGNATURES:
                break
        return await asyncio.to_thread(learn, signatures[:MAX_SIGNATURES])


def embedder_of(name: Literal["none", "lsa"], store: ArticleStore, models: Models) -> Embedder:
    """The embedder selected by the setting."""
    return LsaEmbedder(store, models) if name == "lsa" else NoEmbedder(models)
