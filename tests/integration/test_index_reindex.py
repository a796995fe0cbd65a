"""Rebuilding the index on request: whole, verified, refused twice, and with no live write lost."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import pytest

from services.index.adapters import reindex_requests
from services.index.adapters.documents import SPEC
from services.index.adapters.rebuild import RebuildIncomplete, run_reindex
from services.index.adapters.reindex_requests import ReindexRequests
from services.index.adapters.startup import prepare_index
from services.index.adapters.write_queue import WriteLimits, WriteQueue
from services.index.handlers import Indexer
from shared.articles import Article
from shared.search.port import EnsureResult
from shared.store import keys
from shared.store.articles.redis import RedisArticleStore
from shared.store.index_jobs.pending_writes import SubmittedBatches
from shared.store.index_jobs.reindex import OPEN_SECONDS, ReindexBusy, open_request, progress, request_reindex
from shared.tasks import cancel_and_wait
from tests.support.builders import wait_until
from tests.unit.index.enriched import deliver, enrich
from tests.unit.index.fake_index import FakeIndex

pytestmark = pytest.mark.redis


@pytest.fixture
def index() -> FakeIndex:
    return FakeIndex()


@pytest.fixture
async def indexer(redis_client: Any, store: RedisArticleStore, index: FakeIndex) -> AsyncIterator[Indexer]:
    write_queue = WriteQueue(index, SubmittedBatches(redis_client), WriteLimits(gather=0.0, first_poll=0.01))
    yield Indexer(store, write_queue)
    await write_queue.aclose()


async def published(client: Any, store: RedisArticleStore, indexer: Indexer, count: int) -> list[Article]:
    articles = [await enrich(client, store, f"a{number}") for number in range(count)]
    assert await indexer(await deliver(client)) == {}
    return articles


async def silent(phase: str, done: int) -> None:
    """A report that nobody reads."""


async def test_a_rebuild_holds_every_published_article(
    redis_client: Any, store: RedisArticleStore, index: FakeIndex, indexer: Indexer
) -> None:
    articles = await published(redis_client, store, indexer, 25)
    await enrich(redis_client, store, "waits")  # enriched, not yet announced: it comes by its entry
    index.visible.clear()
    rebuilt = await run_reindex(store, index, SPEC, writing=indexer.writing, report=silent)
    assert rebuilt.documents == rebuilt.written == 25
    assert set(index.visible) == {article.id for article in articles}


async def test_a_rebuild_that_lost_documents_is_not_swapped_in(
    redis_client: Any, store: RedisArticleStore, index: FakeIndex, indexer: Indexer
) -> None:
    await published(redis_client, store, indexer, 3)
    index.lose_while_staging = 1
    with pytest.raises(RebuildIncomplete):
        await run_reindex(store, index, SPEC, writing=indexer.writing, report=silent)
    assert index.generation == 0


async def test_a_rebuild_that_holds_something_else_is_not_swapped_in(
    redis_client: Any, store: RedisArticleStore, index: FakeIndex, indexer: Indexer
) -> None:
    articles = await published(redis_client, store, indexer, 3)
    index.change_while_staging = {articles[1].id: "Not what was written"}
    with pytest.raises(RebuildIncomplete, match=articles[1].id):
        await run_reindex(store, index, SPEC, writing=indexer.writing, report=silent)
    assert index.generation == 0


async def test_an_update_during_the_scan_is_no_difference(
    redis_client: Any, store: RedisArticleStore, index: FakeIndex, indexer: Indexer
) -> None:
    await published(redis_client, store, indexer, 3)
    await enrich(redis_client, store, "a1", text="Another text", title="Another title")

    async def report(phase: str, done: int) -> None:
        if phase == "verifying":
            assert await indexer(await deliver(redis_client)) == {}

    before = await run_reindex(store, index, SPEC, writing=indexer.writing, report=report)
    after = await run_reindex(store, index, SPEC, writing=indexer.writing, report=silent)
    assert before.digest == after.digest
    assert index.generation == 2


async def test_a_damaged_article_does_not_stop_a_rebuild(
    redis_client: Any, store: RedisArticleStore, index: FakeIndex, indexer: Indexer
) -> None:
    articles = await published(redis_client, store, indexer, 3)
    await redis_client.hset(keys.article(articles[0].id), "doc", b"damaged")
    await run_reindex(store, index, SPEC, writing=indexer.writing, report=silent)
    assert set(index.visible) == {articles[1].id, articles[2].id}


@pytest.mark.parametrize("late", [False, True])
async def test_a_refused_article_does_not_stop_a_rebuild(
    redis_client: Any, store: RedisArticleStore, index: FakeIndex, indexer: Indexer, late: bool
) -> None:
    articles = await published(redis_client, store, indexer, 3)
    index.refuse, index.refuses_staged_late = {articles[0].id}, late
    rebuilt = await run_reindex(store, index, SPEC, writing=indexer.writing, report=silent)
    assert rebuilt.written == 2
    assert set(index.visible) == {articles[1].id, articles[2].id}


async def test_an_article_announced_during_the_scan_is_in_the_new_index(
    redis_client: Any, store: RedisArticleStore, index: FakeIndex, indexer: Indexer
) -> None:
    await published(redis_client, store, indexer, 3)
    late = await enrich(redis_client, store, "late")

    async def report(phase: str, done: int) -> None:
        if phase == "verifying":
            assert await indexer(await deliver(redis_client)) == {}

    await run_reindex(store, index, SPEC, writing=indexer.writing, report=report)
    assert late.id in index.visible
    assert len(index.visible) == 4


@pytest.fixture
async def serving(
    redis_client: Any, store: RedisArticleStore, index: FakeIndex, indexer: Indexer
) -> AsyncIterator[None]:
    requests = ReindexRequests(redis_client, store, index, SPEC, indexer.writing)
    task = asyncio.create_task(requests.serve())
    yield
    await cancel_and_wait([task])


async def finished(client: Any, request_id: str) -> Any:
    async def look() -> Any:
        state = await progress(client, request_id)
        return state if state and state.finished else None

    return await wait_until(look, what="the reindex")


async def test_a_request_is_served_and_its_progress_can_be_read(
    redis_client: Any, store: RedisArticleStore, index: FakeIndex, indexer: Indexer, serving: None
) -> None:
    await published(redis_client, store, indexer, 7)
    state = await finished(redis_client, await request_reindex(redis_client))
    assert (state.phase, state.done, state.total, state.error) == ("done", 7, 7, "")
    assert index.generation == 1
    assert await open_request(redis_client) is None


async def test_a_failed_request_says_why_and_frees_the_lock(
    redis_client: Any, store: RedisArticleStore, index: FakeIndex, indexer: Indexer, serving: None
) -> None:
    await published(redis_client, store, indexer, 2)
    index.lose_while_staging = 1
    state = await finished(redis_client, await request_reindex(redis_client))
    assert state.phase == "failed"
    assert "1 documents, 2 were written" in state.error
    index.lose_while_staging = 0
    assert (await finished(redis_client, await request_reindex(redis_client))).phase == "done"


async def test_a_request_stays_open_however_long_learning_takes(
    redis_client: Any,
    store: RedisArticleStore,
    index: FakeIndex,
    indexer: Indexer,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(reindex_requests, "_RENEW_EVERY_SECONDS", 0.01)
    request_id = await request_reindex(redis_client)
    begun, over = asyncio.Event(), asyncio.Event()

    @asynccontextmanager
    async def learning() -> AsyncIterator[None]:
        begun.set()
        await over.wait()  # as on a large archive: not one report meanwhile
        yield

    working = asyncio.create_task(
        ReindexRequests(redis_client, store, index, SPEC, indexer.writing, learning).work_on(request_id)
    )
    await begun.wait()
    await redis_client.expire(keys.lock("reindex"), 2)

    async def renewed() -> bool:
        return bool(await redis_client.ttl(keys.lock("reindex")) > OPEN_SECONDS - 5)

    await wait_until(renewed, timeout=2, what="a renewal before the request would have ended")
    with pytest.raises(ReindexBusy):
        await request_reindex(redis_client)
    over.set()
    assert await working is not None
    assert await open_request(redis_client) is None


async def test_two_reindexers_at_once_are_refused(redis_client: Any) -> None:
    first = await request_reindex(redis_client)
    with pytest.raises(ReindexBusy) as refused:
        await request_reindex(redis_client)
    assert refused.value.request_id == first
    state = await progress(redis_client, first)
    assert state is not None
    assert state.phase == "requested"
    assert 0 < await redis_client.ttl(keys.lock("reindex")) <= 120
    assert await progress(redis_client, "unknown") is None


@pytest.mark.parametrize("ensured", [EnsureResult.NEEDS_REINDEX, EnsureResult.CREATED, EnsureResult.UNCHANGED])
async def test_an_empty_or_outdated_index_is_rebuilt_at_start(
    redis_client: Any, store: RedisArticleStore, index: FakeIndex, indexer: Indexer, ensured: EnsureResult
) -> None:
    await published(redis_client, store, indexer, 5)
    if ensured is not EnsureResult.NEEDS_REINDEX:
        index.visible.clear()
    index.ensured = ensured
    await prepare_index(redis_client, store, index, SPEC, writing=indexer.writing, within=2.0)
    assert index.generation == 1
    assert len(index.visible) == 5


async def test_a_whole_index_is_left_alone_at_start(
    redis_client: Any, store: RedisArticleStore, index: FakeIndex, indexer: Indexer
) -> None:
    await published(redis_client, store, indexer, 2)
    await prepare_index(redis_client, store, index, SPEC, writing=indexer.writing, within=2.0)
    assert index.generation == 0


async def test_the_start_waits_for_an_engine_that_is_away(
    redis_client: Any, store: RedisArticleStore, index: FakeIndex, indexer: Indexer
) -> None:
    await published(redis_client, store, indexer, 2)
    index.visible.clear()
    index.away = True
    starting = asyncio.create_task(
        prepare_index(redis_client, store, index, SPEC, writing=indexer.writing, within=20.0)
    )
    await wait_until(lambda: index.calls_while_away > 0, what="a first attempt")
    assert not starting.done()
    index.away = False
    await starting
    assert len(index.visible) == 2
