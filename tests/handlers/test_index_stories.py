"""Copies and stories through the index handler: decided once, searchable first, announced once."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from typing import Any

import pytest

from services.index.adapters.grouping import Grouper
from services.index.adapters.write_queue import WriteLimits, WriteQueue
from services.index.handlers import Indexer
from shared.store import PublicationLog, keys
from shared.store.articles.redis import RedisArticleStore
from shared.store.index_jobs.pending_writes import SubmittedBatches
from shared.topology import ARTICLE_ENRICHED
from tests.unit.index.enriched import deliver, pending
from tests.unit.index.fake_index import FakeIndex
from tests.unit.index.reports import BLOCKADE, THIRD, VOTE, VOTE_AND_BLOCKADE, archive, arrive, stories
from tests.unit.index.test_grouping import FERRY, FERRY_ELSEWHERE, FILLER, GLACIER

pytestmark = pytest.mark.redis


@pytest.fixture
def index() -> FakeIndex:
    return FakeIndex()


@pytest.fixture
async def write_queue(redis_client: Any, index: FakeIndex) -> AsyncIterator[WriteQueue]:
    write_queue = WriteQueue(
        index, SubmittedBatches(redis_client), WriteLimits(gather=0.0, first_poll=0.01, last_poll=0.02)
    )
    yield write_queue
    await write_queue.aclose()


@pytest.fixture
def indexer(store: RedisArticleStore, write_queue: WriteQueue) -> Indexer:
    return Indexer(store, write_queue)


async def test_the_second_article_begins_a_story_that_both_are_found_under(
    redis_client: Any, store: RedisArticleStore, index: FakeIndex, indexer: Indexer
) -> None:
    await archive(redis_client, store, indexer)
    first = await arrive(redis_client, store, "a", FERRY)
    await indexer(await deliver(redis_client))
    assert await stories(redis_client) == []
    second = await arrive(redis_client, store, "b", FERRY_ELSEWHERE)
    await indexer(await deliver(redis_client))
    (created,) = await stories(redis_client)
    assert created.meta.type == "story.created"
    assert (created.article_id, created.story.articles) == (second.id, 2)
    assert created.story.lead.id == first.id
    assert index.visible[first.id].story == index.visible[second.id].story == created.story.id
    assert [article.story_id for article in await store.articles([first.id, second.id]) if article] == [
        created.story.id,
        created.story.id,
    ]
    entries = await PublicationLog(redis_client).read("0-0", count=1000)
    assert [entry.event.meta.type for entry in entries][-2:] == ["article.published", "story.created"]


async def test_an_article_stays_in_its_story_when_it_is_rewritten_whole(
    redis_client: Any, store: RedisArticleStore, index: FakeIndex, indexer: Indexer
) -> None:
    await archive(redis_client, store, indexer)
    idents = []
    for ident, texts in (("a", FERRY), ("b", FERRY_ELSEWHERE)):
        idents.append((await arrive(redis_client, store, ident, texts)).id)
    await indexer(await deliver(redis_client))
    (created,) = await stories(redis_client)
    for ident, texts in (("a", GLACIER), ("b", ["A baker in the hills sells forty loaves a day and wants no more."])):
        await arrive(redis_client, store, ident, texts, f"Another title of {ident}")
        await indexer(await deliver(redis_client))
    (story,) = await store.groups.stories([created.story.id])
    assert story is not None
    assert sorted(story.members) == sorted(idents)
    assert {index.visible[ident].story for ident in idents} == {created.story.id}


async def test_a_whole_story_in_one_batch_is_created_once_and_then_extended(
    redis_client: Any, store: RedisArticleStore, indexer: Indexer
) -> None:
    await archive(redis_client, store, indexer)
    for ident, texts in (("a", FERRY), ("b", FERRY_ELSEWHERE), ("c", THIRD), ("d", GLACIER)):
        await arrive(redis_client, store, ident, texts, f"Report {ident}")
    assert await indexer(await deliver(redis_client)) == {}
    told = await stories(redis_client)
    assert [event.meta.type for event in told] == ["story.created", "story.extended"]
    assert len({event.story.id for event in told}) == 1
    assert await pending(redis_client) == 0


async def test_a_batch_that_comes_again_makes_no_second_story(
    redis_client: Any, store: RedisArticleStore, index: FakeIndex, indexer: Indexer
) -> None:
    await archive(redis_client, store, indexer)
    await arrive(redis_client, store, "a", FERRY)
    await arrive(redis_client, store, "b", FERRY_ELSEWHERE)
    deliveries = await deliver(redis_client)
    # The process died after the decision and before anything was searchable.
    articles = [one for one in await store.articles([d.event.article.article_id for d in deliveries]) if one]
    await Grouper(store.groups).settle(articles)
    again = Indexer(store, indexer.write_queue)
    await again(deliveries)
    await again(deliveries)
    (created,) = await stories(redis_client)
    assert created.meta.type == "story.created"
    assert len({index.visible[one.id].story for one in articles}) == 1
    assert await redis_client.hget(keys.GROUPS, "documents") == str(len(FILLER) + 2).encode()


async def test_two_processes_that_decide_at_once_make_one_story(
    redis_client: Any, store: RedisArticleStore, indexer: Indexer
) -> None:
    await archive(redis_client, store, indexer)
    for ident, texts in (("a", FERRY), ("b", FERRY_ELSEWHERE), ("c", THIRD)):
        await arrive(redis_client, store, ident, texts, f"Report {ident}")
    deliveries = await deliver(redis_client)
    articles = [one for one in await store.articles([d.event.article.article_id for d in deliveries]) if one]
    await asyncio.gather(*(Grouper(store.groups).settle(articles[at:] + articles[:at]) for at in range(3)))
    settled = await store.groups.decisions([article.id for article in articles])
    assert len({one.story for one in settled if one}) == 1
    assert await redis_client.hget(keys.GROUPS, "documents") == str(len(FILLER) + 3).encode()


async def test_a_copy_is_marked_kept_and_in_no_story_event(
    redis_client: Any, store: RedisArticleStore, index: FakeIndex, indexer: Indexer
) -> None:
    await archive(redis_client, store, indexer)
    first = await arrive(redis_client, store, "a", FERRY)
    await indexer(await deliver(redis_client))
    copy = await arrive(redis_client, store, "b", (*FERRY, "Sign up for our letter."), "Boats are back")
    await indexer(await deliver(redis_client))
    assert index.visible[copy.id].duplicate_of == first.id
    assert await stories(redis_client) == []
    (record,) = await store.records([copy.id])
    assert record is not None
    assert record.state.value == "published"


async def test_an_article_that_leaves_leaves_its_story_and_its_oldest_copy_takes_its_place(
    redis_client: Any, store: RedisArticleStore, indexer: Indexer
) -> None:
    await archive(redis_client, store, indexer)
    first = await arrive(redis_client, store, "a", FERRY)
    second = await arrive(redis_client, store, "b", FERRY_ELSEWHERE)
    copies = [await arrive(redis_client, store, ident, FERRY, f"Copy {ident}") for ident in ("c", "d")]
    await indexer(await deliver(redis_client))
    assert set(await store.groups.leave(first.id)) == {copy.id for copy in copies}
    assert set(await store.groups.leave(first.id)) == {copy.id for copy in copies}  # until the removal is announced
    (article, heir, other) = await store.articles([second.id, *(copy.id for copy in copies)])
    assert article is not None
    assert heir is not None
    assert other is not None
    assert other.duplicate_of is not None
    assert (heir.duplicate_of, other.duplicate_of.article_id) == (None, heir.id)
    (story,) = await store.groups.stories([str(article.story_id)])
    assert story is not None
    assert list(story.members) == [second.id]


async def test_an_article_that_joins_two_stories_makes_one_of_them_under_the_older_id(
    redis_client: Any, store: RedisArticleStore, index: FakeIndex, indexer: Indexer
) -> None:
    await archive(redis_client, store, indexer)
    members = []
    for event, reports in (("vote", VOTE), ("blockade", BLOCKADE)):
        for number, texts in enumerate(reports):
            members.append(await arrive(redis_client, store, f"{event}-{number}", texts, f"{event} {number}"))
            await indexer(await deliver(redis_client))
    older, newer = await stories(redis_client)
    assert older.story.id != newer.story.id
    joins = await arrive(redis_client, store, "both", VOTE_AND_BLOCKADE, "Vote and blockade in Lindmouth")
    deliveries = await deliver(redis_client)
    await indexer(deliveries)
    await Indexer(store, indexer.write_queue)(deliveries)  # delivered again: told once all the same
    *before, merged = await stories(redis_client)
    assert [event.meta.type for event in before] == ["story.created", "story.created"]
    assert (merged.meta.type, merged.article_id) == ("story.merged", joins.id)
    assert (merged.story.id, merged.story.articles, merged.merged) == (older.story.id, 5, (newer.story.id,))
    ids = [article.id for article in (*members, joins)]
    assert {index.visible[ident].story for ident in ids} == {older.story.id}
    assert {article.story_id for article in await store.articles(ids) if article} == {older.story.id}
    kept, gone = await store.groups.stories([older.story.id, newer.story.id])
    assert kept is not None
    assert gone is not None
    assert (list(kept.members), gone.into) == (ids, older.story.id)
    assert not gone.members


@pytest.mark.parametrize("together", [True, False])
async def test_a_teaser_that_comes_before_its_full_text_ends_as_a_link_to_it(
    redis_client: Any, store: RedisArticleStore, index: FakeIndex, indexer: Indexer, together: bool
) -> None:
    await archive(redis_client, store, indexer)
    teaser = await arrive(redis_client, store, "a", FERRY[:1])
    if not together:
        await indexer(await deliver(redis_client))
        assert index.visible[teaser.id].duplicate_of is None
    whole = await arrive(redis_client, store, "b", FERRY)
    await indexer(await deliver(redis_client))
    assert index.visible[teaser.id].duplicate_of == whole.id
    assert index.visible[whole.id].duplicate_of is None
    assert await stories(redis_client) == []
    (linked,) = await store.articles([teaser.id])
    assert linked is not None
    assert linked.duplicate_of is not None
    assert (linked.duplicate_of.article_id, linked.duplicate_of.excerpt) == (whole.id, True)
    assert await store.groups.leave(whole.id) == [teaser.id]
    (freed,) = await store.articles([teaser.id])
    assert freed is not None
    assert freed.duplicate_of is None


async def test_a_full_text_takes_the_place_of_its_teaser_in_the_story(
    redis_client: Any, store: RedisArticleStore, index: FakeIndex, indexer: Indexer
) -> None:
    await archive(redis_client, store, indexer)
    teaser = await arrive(redis_client, store, "a", FERRY[:2])
    other = await arrive(redis_client, store, "b", FERRY_ELSEWHERE)
    await indexer(await deliver(redis_client))
    whole = await arrive(redis_client, store, "c", (*FERRY, *GLACIER))
    await indexer(await deliver(redis_client))
    created, extended = await stories(redis_client)
    assert (extended.meta.type, extended.story.id, extended.story.articles) == ("story.extended", created.story.id, 2)
    (story,) = await store.groups.stories([created.story.id])
    assert story is not None
    assert list(story.members) == [whole.id, other.id]
    assert {index.visible[one.id].story for one in (teaser, other, whole)} == {created.story.id}
    assert index.visible[teaser.id].duplicate_of == whole.id


async def test_a_copy_that_is_rewritten_is_no_copy_when_its_original_leaves(
    redis_client: Any, store: RedisArticleStore, indexer: Indexer
) -> None:
    await archive(redis_client, store, indexer)
    first = await arrive(redis_client, store, "a", FERRY)
    for ident in ("b", "c"):
        await arrive(redis_client, store, ident, FERRY)
    await indexer(await deliver(redis_client))
    rewritten = await arrive(redis_client, store, "b", GLACIER, "A lake")
    await indexer(await deliver(redis_client))
    changed = await store.groups.leave(first.id)
    assert rewritten.id not in changed
    assert len(changed) == 1


async def test_batches_in_hand_together_end_with_every_article_under_its_story(
    redis_client: Any, store: RedisArticleStore, index: FakeIndex, indexer: Indexer
) -> None:
    await archive(redis_client, store, indexer)
    for ident, texts in (("a", FERRY), ("b", FERRY_ELSEWHERE), ("c", THIRD)):
        await arrive(redis_client, store, ident, texts, f"Report {ident}")
    deliveries = await deliver(redis_client)
    await asyncio.gather(*(indexer([delivery]) for delivery in deliveries))
    ids = [delivery.event.article.article_id for delivery in deliveries]
    assert len({index.visible[ident].story for ident in ids}) == 1
    assert index.visible[ids[0]].story is not None
    assert [event.meta.type for event in await stories(redis_client)] == ["story.created", "story.extended"]


async def test_no_entry_is_left_behind(redis_client: Any, store: RedisArticleStore, indexer: Indexer) -> None:
    await archive(redis_client, store, indexer)
    assert (await redis_client.xpending(ARTICLE_ENRICHED.key, "index"))["pending"] == 0
