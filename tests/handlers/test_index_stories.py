"""Copies and stories through the index handler: decided once, searchable first, announced once."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Sequence
from typing import Any

import pytest

from services.enrich.domain.fingerprint import fingerprint
from services.index.adapters.flow import Limits, WriteFlow
from services.index.adapters.grouping import Grouper
from services.index.handlers import Indexer
from shared.articles import Article
from shared.events import StoryChange
from shared.store import PublicationLog, keys
from shared.store.redis import RedisArticleStore
from shared.store.writes import TakenBatches
from shared.topology import ARTICLE_ENRICHED
from tests.unit.index.enriched import deliver, enrich, pending
from tests.unit.index.fake_index import FakeIndex
from tests.unit.index.test_grouping import FERRY, FERRY_ELSEWHERE, FILLER, GLACIER

pytestmark = pytest.mark.redis
THIRD = (
    (
        "Mayor Ines Okoro of Lindmouth signed the order for two electric boats, days after the harbour council voted "
        "to reopen the ferry line."
    ),
    "Piet Halloran of the dockers' union said the crews would be hired in Lindmouth.",
)


@pytest.fixture
def index() -> FakeIndex:
    return FakeIndex()


@pytest.fixture
async def flow(redis_client: Any, index: FakeIndex) -> AsyncIterator[WriteFlow]:
    flow = WriteFlow(index, TakenBatches(redis_client), Limits(gather=0.0, first_poll=0.01, last_poll=0.02))
    yield flow
    await flow.aclose()


@pytest.fixture
def indexer(store: RedisArticleStore, flow: WriteFlow) -> Indexer:
    return Indexer(store, flow)


async def arrive(
    client: Any, store: RedisArticleStore, ident: str, texts: Sequence[str], title: str = "Lindmouth ferry"
) -> Article:
    return await enrich(
        client,
        store,
        ident,
        text=title + "".join(texts),
        title=title,
        paragraphs=tuple(texts),
        fingerprint=fingerprint(title, texts, "en"),
    )


async def archive(client: Any, store: RedisArticleStore, indexer: Indexer) -> None:
    for number, texts in enumerate(FILLER):
        await arrive(client, store, f"filler-{number}", texts, f"Weather {number}")
    await indexer(await deliver(client))


async def stories(client: Any) -> list[StoryChange]:
    entries = await PublicationLog(client).read("0-0", count=1000)
    return [entry.event for entry in entries if isinstance(entry.event, StoryChange)]


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
    again = Indexer(store, indexer.flow)
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
    settled = await store.groups.settled([article.id for article in articles])
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
