"""A new index process asks about what its predecessor sent, and sends none of it again."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest

from services.index.adapters.write_queue import WriteLimits, WriteQueue
from services.index.handlers import Indexer
from shared.search.errors import IndexMissing, QueueFull, SearchUnavailable
from shared.store import keys
from shared.store.articles.redis import RedisArticleStore
from shared.store.index_jobs.pending_writes import SubmittedBatches
from shared.store.lease import Lease, LeaseLost, LeaseTaken
from tests.support.builders import make_index_doc, wait_until
from tests.unit.index.enriched import deliver, enrich, pending
from tests.unit.index.fake_index import FakeIndex

pytestmark = pytest.mark.redis

QUICK = WriteLimits(gather=0.0, first_poll=0.01, last_poll=0.02, visible_within=0.3)
PATIENT = WriteLimits(gather=0.0, first_poll=0.01, last_poll=0.02)


async def test_what_was_sent_before_a_crash_is_asked_about_and_not_sent_again(
    redis_client: Any, store: RedisArticleStore
) -> None:
    index = FakeIndex()
    index.polls_until_visible = 10_000
    articles = [await enrich(redis_client, store, f"a{number}") for number in range(30)]
    deliveries = await deliver(redis_client)
    killed = WriteQueue(index, SubmittedBatches(redis_client), QUICK)
    with pytest.raises(SearchUnavailable):
        await Indexer(store, killed)(deliveries)
    await killed.aclose()  # as by SIGKILL: its record stays
    assert len(index.writes) == await redis_client.hlen(keys.INDEX_WRITES) == 1

    successor = WriteQueue(index, SubmittedBatches(redis_client), QUICK)
    await successor.start()
    assert successor.is_full is False
    index.finish()
    assert await Indexer(store, successor)(deliveries) == {}
    assert len(index.writes) == 1
    assert set(index.visible) == {article.id for article in articles}
    assert await pending(redis_client) == 0
    assert await redis_client.hlen(keys.INDEX_WRITES) == 0
    await successor.aclose()


async def test_another_text_under_the_same_revision_is_sent(redis_client: Any) -> None:
    index = FakeIndex()
    index.polls_until_visible = 10_000
    killed = WriteQueue(index, SubmittedBatches(redis_client), QUICK)
    with pytest.raises(SearchUnavailable):
        await killed.write([make_index_doc(title="One")])
    await killed.aclose()
    index.finish()
    successor = WriteQueue(index, SubmittedBatches(redis_client), QUICK)
    await successor.start()
    assert await successor.write([make_index_doc(title="Other")]) == {}
    assert len(index.writes) == 2
    await successor.aclose()


async def test_a_damaged_record_is_dropped(redis_client: Any) -> None:
    await redis_client.hset(keys.INDEX_WRITES, "x", b"not json")
    assert await SubmittedBatches(redis_client).all() == []
    assert await redis_client.hlen(keys.INDEX_WRITES) == 0


async def test_reading_is_held_back_while_the_engine_does_not_keep_up(redis_client: Any) -> None:
    index = FakeIndex()
    index.polls_until_visible = 10_000
    write_queue = WriteQueue(index, SubmittedBatches(redis_client), PATIENT)
    writing: list[asyncio.Task[Any]] = []
    for number in range(QUICK.unfinished):
        assert not write_queue.is_full
        writing.append(asyncio.create_task(write_queue.write([make_index_doc(external_id=f"a{number}")])))
        await wait_until(lambda number=number: len(index.writes) == number + 1, what="the batch to be sent")
    assert write_queue.is_full
    writing.append(asyncio.create_task(write_queue.write([make_index_doc(external_id="late")])))
    index.finish()
    await asyncio.gather(*writing)
    assert not write_queue.is_full
    assert len(index.visible) == QUICK.unfinished + 1
    await write_queue.aclose()


async def test_one_question_asks_about_many_batches_and_one_write_holds_many_handlers(redis_client: Any) -> None:
    index = FakeIndex()
    write_queue = WriteQueue(index, SubmittedBatches(redis_client), WriteLimits(gather=0.1, first_poll=0.01))
    await write_queue.write([make_index_doc(external_id="first")])
    handlers = [write_queue.write([make_index_doc(external_id=f"a{number}")]) for number in range(20)]
    assert await asyncio.gather(*handlers) == [{}] * 20
    assert [len(ids) for _, ids in index.writes] == [1, 20]
    await write_queue.aclose()


@pytest.mark.parametrize("error", [QueueFull("no_space_left_on_device", retry_after=0.02), IndexMissing("gone")])
async def test_a_full_engine_is_waited_for_and_a_missing_index_is_reported(redis_client: Any, error: Exception) -> None:
    index = FakeIndex()
    index.refuse_writes = error
    write_queue = WriteQueue(index, SubmittedBatches(redis_client), PATIENT)
    writing = asyncio.create_task(write_queue.write([make_index_doc()]))
    if isinstance(error, QueueFull):
        await wait_until(lambda: write_queue.is_full, what="the brake")
        assert not writing.done()
        index.refuse_writes = None
        assert await writing == {}
        assert not write_queue.is_full
    else:
        with pytest.raises(IndexMissing):
            await writing
        assert write_queue.on_missing.is_set()
    await write_queue.aclose()


async def test_a_full_engine_that_goes_away_holds_nothing_up_for_ever(redis_client: Any) -> None:
    index = FakeIndex()
    index.refuse_writes = QueueFull("a refused batch is being taken apart", retry_after=0.02)
    write_queue = WriteQueue(index, SubmittedBatches(redis_client), PATIENT)
    writing = asyncio.create_task(write_queue.write([make_index_doc()]))
    await wait_until(lambda: write_queue.is_full, what="the brake")
    index.refuse_writes = SearchUnavailable("away")
    with pytest.raises(SearchUnavailable):
        await writing
    assert not write_queue.is_full  # else nothing would be read again, and nothing written that could find out
    index.refuse_writes = None
    assert await write_queue.write([make_index_doc()]) == {}
    await write_queue.aclose()


async def test_a_batch_that_is_decided_part_by_part_is_asked_about_without_long_pauses(redis_client: Any) -> None:
    index = FakeIndex()
    index.polls_until_visible, index.tells_steps = 40, True
    limits = WriteLimits(gather=0.0, first_poll=0.001, last_poll=30.0, visible_within=20.0)
    write_queue = WriteQueue(index, SubmittedBatches(redis_client), limits)
    assert await write_queue.write([make_index_doc()]) == {}  # pauses that double would take longer than it may
    await write_queue.aclose()


async def test_a_batch_that_the_engine_forgot_is_sent_again(redis_client: Any) -> None:
    index = FakeIndex()
    index.lose = 1
    write_queue = WriteQueue(index, SubmittedBatches(redis_client), QUICK)
    with pytest.raises(SearchUnavailable):
        await write_queue.write([make_index_doc()])
    assert await write_queue.write([make_index_doc()]) == {}
    assert len(index.writes) == 2
    await write_queue.aclose()


async def test_one_process_at_a_time_holds_a_lease(redis_client: Any) -> None:
    first, second = (Lease(redis_client, "tests", label=name, seconds=0.5) for name in ("first", "second"))
    await first.acquire()
    await first.acquire()  # renewed
    with pytest.raises(LeaseTaken, match="first holds tests"):
        await second.acquire()
    await first.release()
    await second.acquire()
    await first.release()  # not ours: nothing happens
    with pytest.raises(LeaseLost):
        await first.keep_renewed()
