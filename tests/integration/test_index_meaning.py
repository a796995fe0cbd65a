"""Vectors on the way into the index: learned before a rebuild, kept when it ends well, taken back when it does not."""

from __future__ import annotations

from collections.abc import AsyncIterator, Sequence
from typing import Any

import pytest

from services.index.adapters.documents import with_vectors
from services.index.adapters.meaning import MODEL, LsaEmbedder, NoEmbedder
from shared.articles import Article, ArticleState
from shared.search.lsa import LsaModel
from shared.search.port import IndexSpec
from shared.store.index_jobs.models import Models
from tests.support.builders import make_article
from tests.unit.index.fake_index import FakeIndex
from tests.unit.shared.test_lsa import archive

pytestmark = pytest.mark.redis


class Archive:
    """What an embedder reads of a store: every article, published."""

    def __init__(self, size: int) -> None:
        signatures = archive(size)
        self.articles = [make_article(external_id=f"a{n}", signature=row) for n, row in enumerate(signatures)]

    async def scan(self) -> AsyncIterator[list[Article]]:
        yield self.articles

    async def records(self, ids: Sequence[str]) -> list[Any]:
        class Published:
            state = ArticleState.PUBLISHED

        return [Published() for _ in ids]


@pytest.fixture
def models(redis_client: Any) -> Models:
    return Models(redis_client)


async def rebuild(index: FakeIndex, embedder: LsaEmbedder | NoEmbedder, articles: Sequence[Article]) -> None:
    document_of = with_vectors(embedder.vector)
    async with embedder.relearned(), index.reindex(IndexSpec()) as staging:
        await staging.write([document_of(article) for article in articles])
        await staging.promote()


async def test_a_rebuild_learns_and_what_comes_later_is_placed_alike(models: Models) -> None:
    store, engine = Archive(300), FakeIndex()
    embedder = LsaEmbedder(store, models)  # type: ignore[arg-type]
    document_of = with_vectors(embedder.vector)
    first = store.articles[0]
    assert document_of(first).vector is None, "nothing is learned yet"
    await rebuild(engine, embedder, store.articles)
    vector = engine.visible[first.id].vector
    assert vector is not None
    assert document_of(first).vector == vector

    data = await models.load(MODEL)
    assert data is not None
    assert await models.version(MODEL) == LsaModel.from_bytes(data).version
    after_restart = LsaEmbedder(store, models)  # type: ignore[arg-type]
    await after_restart.load()
    assert after_restart.vector(first.signature) == vector


async def test_a_failed_rebuild_leaves_the_model_that_the_index_was_built_with(models: Models) -> None:
    store = Archive(300)
    embedder = LsaEmbedder(store, models)  # type: ignore[arg-type]
    await rebuild(FakeIndex(), embedder, store.articles)
    signature, saved = store.articles[0].signature, await models.version(MODEL)
    before = embedder.vector(signature)
    store.articles = Archive(320).articles
    with pytest.raises(RuntimeError):
        async with embedder.relearned():
            raise RuntimeError("the engine is away")
    assert embedder.vector(signature) == before
    assert await models.version(MODEL) == saved


async def test_none_forgets_and_a_damaged_model_counts_as_none(models: Models) -> None:
    store = Archive(300)
    embedder = LsaEmbedder(store, models)  # type: ignore[arg-type]
    await models.save(MODEL, "x", b"damaged")
    await embedder.load()
    assert embedder.vector(store.articles[0].signature) is None
    none, engine = NoEmbedder(models), FakeIndex()
    await rebuild(engine, none, store.articles)
    assert engine.visible[store.articles[0].id].vector is None
    assert await models.load(MODEL) is None
