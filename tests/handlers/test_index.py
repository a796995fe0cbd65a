"""The index handler on a real store and an engine in memory: visible first, then announced, once, only the good."""

from __future__ import annotations

import asyncio
import math
from collections.abc import AsyncIterator
from dataclasses import replace
from typing import Any

import pytest

from services.index.adapters.write_queue import WriteLimits, WriteQueue
from services.index.handlers import Indexer
from shared.articles import Article
from shared.errors import CorruptRecord, Permanent
from shared.events import about
from shared.search.errors import SearchUnavailable
from shared.search.port import VECTOR_LENGTH, IndexDoc
from shared.store import PublicationLog, keys
from shared.store.articles.redis import RedisArticleStore
from shared.store.index_jobs.pending_writes import SubmittedBatches
from tests.support.builders import index_doc
from tests.unit.index.enriched import deliver, enrich, pending
from tests.unit.index.fake_index import FakeIndex

pytestmark = pytest.mark.redis

QUICK = WriteLimits(gather=0.0, first_poll=0.01, last_poll=0.02)


@pytest.fixture
def index() -> FakeIndex:
    return FakeIndex()


@pytest.fixture
async def write_queue(redis_client: Any, index: FakeIndex) -> AsyncIterator[WriteQueue]:
    write_queue = WriteQueue(index, SubmittedBatches(redis_client), QUICK)
    yield write_queue
    await write_queue.aclose()


@pytest.fixture
def indexer(store: RedisArticleStore, write_queue: WriteQueue) -> Indexer:
    return Indexer(store, write_queue)


async def announced(client: Any) -> list[tuple[str, int, str]]:
    entries = await PublicationLog(client).read("0-0", count=1000)
    return [(about(e.event).id, about(e.event).rev, e.event.meta.type) for e in entries]


async def test_a_new_article_becomes_visible_and_is_announced(
    redis_client: Any, store: RedisArticleStore, index: FakeIndex, indexer: Indexer
) -> None:
    article = await enrich(redis_client, store, "a1")
    assert await indexer(await deliver(redis_client)) == {}
    assert index.visible[article.id].rev == 1
    assert await announced(redis_client) == [(article.id, 1, "article.published")]
    assert await pending(redis_client) == 0
    (record,) = await store.records([article.id])
    assert record is not None
    assert (record.published_rev, record.state.value) == (1, "published")


async def test_an_update_is_announced_as_one(
    redis_client: Any, store: RedisArticleStore, index: FakeIndex, indexer: Indexer
) -> None:
    article = await enrich(redis_client, store, "a1")
    await indexer(await deliver(redis_client))
    await enrich(redis_client, store, "a1", text="Another text", title="Ferry line reopens a week early")
    await indexer(await deliver(redis_client))
    assert index.visible[article.id].title == "Ferry line reopens a week early"
    assert [entry[1:] for entry in await announced(redis_client)] == [(1, "article.published"), (2, "article.updated")]


async def test_two_revisions_in_one_batch_are_one_write_and_one_event(
    redis_client: Any, store: RedisArticleStore, index: FakeIndex, indexer: Indexer
) -> None:
    article = await enrich(redis_client, store, "a1")
    await enrich(redis_client, store, "a1", text="Another text")
    deliveries = await deliver(redis_client)
    assert len(deliveries) == 2
    assert await indexer(deliveries) == {}
    assert [ids for _, ids in index.writes] == [(article.id,)]
    assert await announced(redis_client) == [(article.id, 2, "article.published")]
    assert await pending(redis_client) == 0


async def test_an_entry_of_an_older_revision_is_only_acknowledged(
    redis_client: Any, store: RedisArticleStore, indexer: Indexer
) -> None:
    article = await enrich(redis_client, store, "a1")
    await enrich(redis_client, store, "a1", text="Another text")
    first, second = await deliver(redis_client)
    await indexer([second])
    assert await indexer([first]) == {}
    assert await announced(redis_client) == [(article.id, 2, "article.published")]
    assert await pending(redis_client) == 0


async def test_nothing_is_announced_before_it_is_visible(
    redis_client: Any, store: RedisArticleStore, index: FakeIndex, indexer: Indexer, write_queue: WriteQueue
) -> None:
    await enrich(redis_client, store, "a1")
    write_queue.limits = replace(QUICK, visible_within=0.3)
    index.polls_until_visible = 10_000
    with pytest.raises(SearchUnavailable):
        await indexer(await deliver(redis_client))
    assert await announced(redis_client) == []
    assert await pending(redis_client) == 1


async def test_an_engine_that_needs_time_is_waited_for(
    redis_client: Any, store: RedisArticleStore, index: FakeIndex, indexer: Indexer
) -> None:
    await enrich(redis_client, store, "a1")
    index.polls_until_visible = 3
    assert await indexer(await deliver(redis_client)) == {}
    assert len(await announced(redis_client)) == 1


async def test_while_the_engine_is_away_everything_stays_pending(
    redis_client: Any, store: RedisArticleStore, index: FakeIndex, indexer: Indexer
) -> None:
    await enrich(redis_client, store, "a1")
    deliveries = await deliver(redis_client)
    index.away = True
    with pytest.raises(SearchUnavailable):
        await indexer(deliveries)
    assert await pending(redis_client) == 1
    index.away = False
    assert await indexer(deliveries) == {}
    assert await pending(redis_client) == 0


@pytest.mark.parametrize(("names_them", "at_once"), [(True, False), (False, False), (True, True)])
async def test_a_refused_document_takes_no_neighbour_along(
    redis_client: Any,
    store: RedisArticleStore,
    index: FakeIndex,
    indexer: Indexer,
    names_them: bool,
    at_once: bool,
) -> None:
    articles = [await enrich(redis_client, store, f"a{number}") for number in range(9)]
    index.refuse = {articles[2].id, articles[7].id}
    index.names_the_refused, index.raises_at_once = names_them, at_once
    deliveries = await deliver(redis_client)
    failures = await indexer(deliveries)
    assert set(failures) == {d.entry_id for d in deliveries if d.event.article.article_id in index.refuse}
    assert all(isinstance(error, Permanent) and error.rule == "index-rejected" for error in failures.values())
    assert {ident for ident, _, _ in await announced(redis_client)} == {a.id for a in articles} - index.refuse
    assert await pending(redis_client) == 2  # the broker buries these


async def test_a_damaged_blob_takes_no_neighbour_along(
    redis_client: Any, store: RedisArticleStore, indexer: Indexer
) -> None:
    articles = [await enrich(redis_client, store, f"a{number}") for number in range(3)]
    await redis_client.hset(keys.article(articles[1].id), "doc", b"not what the hash says")
    failures = await indexer(await deliver(redis_client))
    (error,) = failures.values()
    assert isinstance(error, CorruptRecord)
    assert {ident for ident, _, _ in await announced(redis_client)} == {articles[0].id, articles[2].id}


async def test_a_missing_article_is_a_permanent_failure_of_its_entries_only(
    redis_client: Any, store: RedisArticleStore, indexer: Indexer
) -> None:
    gone = await enrich(redis_client, store, "a1")
    kept = await enrich(redis_client, store, "a2")
    await redis_client.delete(keys.article(gone.id))
    (error,) = (await indexer(await deliver(redis_client))).values()
    assert isinstance(error, Permanent)
    assert error.rule == "no-article"
    assert [ident for ident, _, _ in await announced(redis_client)] == [kept.id]


async def test_the_same_entries_handled_twice_at_once_give_one_event_each(
    redis_client: Any, store: RedisArticleStore, index: FakeIndex
) -> None:
    articles = [await enrich(redis_client, store, f"a{number}") for number in range(20)]
    deliveries = await deliver(redis_client)
    write_queues = [WriteQueue(index, SubmittedBatches(redis_client), QUICK) for _ in range(2)]
    rivals = [Indexer(store, write_queue) for write_queue in write_queues]  # two processes share no lock
    assert await asyncio.gather(*(rival(deliveries) for rival in rivals)) == [{}, {}]
    for write_queue in write_queues:
        await write_queue.aclose()
    log = await announced(redis_client)
    assert sorted(ident for ident, _, _ in log) == sorted(article.id for article in articles)
    assert await pending(redis_client) == 0


BAD: dict[str, dict[str, Any]] = {
    "id": {"id": "no primary key"},
    "vector: 2 numbers": {"vector": (1.0, 2.0)},
    "vector: a number": {"vector": (math.nan,) * VECTOR_LENGTH},
    "section": {"section": "x" * 469},
    "tags": {"tags": ("fine", "x" * 469)},
    "body": {"body": "x" * 60_001},
}


@pytest.mark.parametrize("named", BAD)
async def test_what_no_engine_takes_is_never_sent(
    redis_client: Any,
    store: RedisArticleStore,
    index: FakeIndex,
    indexer: Indexer,
    named: str,
) -> None:
    bad, good = await enrich(redis_client, store, "bad"), await enrich(redis_client, store, "good")

    def spoilt(article: Article) -> IndexDoc:
        doc = index_doc(article)
        return replace(doc, **BAD[named]) if article.id == bad.id else doc

    indexer.document_of = spoilt
    (error,) = (await indexer(await deliver(redis_client))).values()
    assert isinstance(error, Permanent)
    assert error.rule == "index-invalid"
    assert str(error).startswith(named)
    assert [ids for _, ids in index.writes] == [(good.id,)]
    assert [ident for ident, _, _ in await announced(redis_client)] == [good.id]
