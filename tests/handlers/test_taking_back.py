"""Withdraw, retract, restore and correct through the handlers: removed first, then told, once, and never undone."""

from __future__ import annotations

from collections.abc import AsyncIterator
from typing import Any

import pytest

from services.index.adapters.write_queue import WriteLimits, WriteQueue
from services.index.handlers import Indexer
from shared.articles import ArticleState, Duplicate
from shared.errors import Retryable
from shared.events import Withdrawal, about
from shared.store import PublicationLog, keys
from shared.store.articles.lifecycle import Verb
from shared.store.articles.redis import RedisArticleStore
from shared.store.index_jobs.pending_writes import SubmittedBatches
from tests.support.taking_back import Way
from tests.unit.index.enriched import pending
from tests.unit.index.fake_index import FakeIndex

pytestmark = pytest.mark.redis


@pytest.fixture
def index() -> FakeIndex:
    return FakeIndex()


@pytest.fixture
async def way(redis_client: Any, store: RedisArticleStore, index: FakeIndex) -> AsyncIterator[Way]:
    write_queue = WriteQueue(
        index, SubmittedBatches(redis_client), WriteLimits(gather=0.0, first_poll=0.01, last_poll=0.02)
    )
    way = Way(redis_client, store, Indexer(store, write_queue))
    await way.open()
    yield way
    await write_queue.aclose()


async def told(client: Any) -> list[tuple[str, int]]:
    entries = await PublicationLog(client).read("0-0", count=1000)
    return [(e.event.meta.type.removeprefix("article."), about(e.event).rev) for e in entries]


async def state_of(store: RedisArticleStore, ident: str) -> ArticleState:
    (record,) = await store.records([ident])
    assert record is not None
    return record.state


async def test_a_withdrawn_article_is_removed_told_and_comes_back(
    way: Way, redis_client: Any, store: RedisArticleStore, index: FakeIndex
) -> None:
    ident = (await way.post("The ferry sails")).article_id
    await way.drain()
    assert (await way.act(Verb.WITHDRAW, ident)).status == "accepted"
    assert await state_of(store, ident) is ArticleState.WITHDRAWN
    await way.drain()
    assert index.visible == {}
    (tombstone,) = (await PublicationLog(redis_client).newest(1))[:1]
    assert isinstance(tombstone.event, Withdrawal)
    assert tombstone.event.article.reason == "It was wrong."
    assert tombstone.event.article.source == "example-gazette"
    assert tombstone.event.article.slug == ident, "a slug repeats the headline"
    assert "sails" not in tombstone.event.to_json().decode()
    assert (await way.act(Verb.RESTORE, ident)).status == "accepted"
    await way.drain()
    assert index.visible[ident].title == "The ferry sails"
    assert await told(redis_client) == [("published", 1), ("withdrawn", 2), ("restored", 3)]
    assert await state_of(store, ident) is ArticleState.PUBLISHED
    assert await pending(redis_client) == 0


async def test_a_retraction_erases_and_is_final(
    way: Way, redis_client: Any, store: RedisArticleStore, index: FakeIndex
) -> None:
    ident = (await way.post("The ferry sails")).article_id
    await way.drain()
    assert (await way.act(Verb.RETRACT, ident)).status == "accepted"
    held = await redis_client.hkeys(keys.article(ident))
    assert not {b"raw", b"doc", b"provenance", b"digest"} & set(held)
    await way.drain()
    assert await told(redis_client) == [("published", 1), ("retracted", 2)]
    for verb in Verb:
        outcome = await way.act(verb, ident)
        assert (outcome.status, outcome.state) == ("wrong-state", ArticleState.RETRACTED)
    assert (await way.post("The ferry sails again")).status == "retracted"
    assert (await way.post("The ferry sails")).status == "retracted"
    await way.drain()
    assert index.visible == {}
    assert await store.articles([ident]) == [None]


async def test_an_update_of_a_withdrawn_article_waits_for_its_restoration(
    way: Way, redis_client: Any, index: FakeIndex
) -> None:
    ident = (await way.post("The ferry sails")).article_id
    await way.drain()
    await way.act(Verb.WITHDRAW, ident)
    assert (await way.post("The ferry sails late")).status == "accepted"
    await way.drain()
    assert index.visible == {}
    await way.act(Verb.RESTORE, ident)
    await way.drain()
    assert index.visible[ident].title == "The ferry sails late"
    assert [kind for kind, _ in await told(redis_client)] == ["published", "withdrawn", "restored"]


@pytest.mark.parametrize("enriched", [False, True])
async def test_what_was_never_announced_is_taken_back_in_silence(
    way: Way, redis_client: Any, index: FakeIndex, enriched: bool
) -> None:
    ident = (await way.post("The ferry sails")).article_id
    if enriched:
        await way.enrich()
    await way.act(Verb.RETRACT, ident)
    await way.drain()
    assert (index.visible, await told(redis_client), await pending(redis_client)) == ({}, [], 0)


async def test_a_retraction_outranks_a_publication_under_way(way: Way, redis_client: Any, index: FakeIndex) -> None:
    ident = (await way.post("The ferry sails")).article_id
    await way.drain()
    await way.post("The ferry sails late")
    await way.enrich()
    await way.act(Verb.RETRACT, ident)
    await way.index()
    assert await told(redis_client) == [("published", 1), ("retracted", 3)]
    await way.drain()
    assert (await told(redis_client))[-1] == ("retracted", 3)
    assert index.visible == {}
    assert len(await told(redis_client)) == 2


async def test_an_entry_from_before_a_restoration_shows_nothing_old(
    way: Way, redis_client: Any, index: FakeIndex
) -> None:
    """Taken back and restored before it was first parsed: the withdrawal's entry finds no article, and is no fault."""
    ident = (await way.post("The ferry sails")).article_id
    await way.act(Verb.WITHDRAW, ident)
    await way.enrich()
    await way.act(Verb.RESTORE, ident)
    await way.index(twice=True)
    assert (index.visible, await told(redis_client)) == ({}, [])
    await way.drain()
    assert await told(redis_client) == [("published", 3)]
    assert index.visible[ident].rev == 3


async def test_a_correction_says_so(way: Way, redis_client: Any, index: FakeIndex) -> None:
    ident = (await way.post("The fery sails")).article_id
    await way.drain()
    await way.post("The ferry sails", correction="A word was misspelled.")
    await way.drain()
    assert await told(redis_client) == [("published", 1), ("corrected", 2)]
    assert index.visible[ident].card.correction == "A word was misspelled."


async def test_withdrawn_then_retracted_is_told_twice(way: Way, redis_client: Any) -> None:
    ident = (await way.post("The ferry sails")).article_id
    await way.drain()
    await way.act(Verb.WITHDRAW, ident)
    await way.drain()
    await way.act(Verb.RETRACT, ident)
    await way.drain()
    assert await told(redis_client) == [("published", 1), ("withdrawn", 2), ("retracted", 3)]


async def test_a_request_with_its_key_again_changes_nothing(way: Way) -> None:
    ident = (await way.post("The ferry sails")).article_id
    await way.drain()
    first = await way.act(Verb.WITHDRAW, ident, key="k1")
    again = await way.act(Verb.WITHDRAW, ident, key="k1")
    assert (first.status, again.status, first.rev, again.rev) == ("accepted", "replayed", 2, 2)
    assert (await way.act(Verb.RETRACT, ident, key="k1")).status == "key-reused"
    assert (await way.act(Verb.WITHDRAW, ident)).status == "wrong-state"
    assert (await way.act(Verb.RESTORE, "a" * 26)).status == "unknown"


async def test_nothing_is_told_while_the_engine_is_away(way: Way, redis_client: Any, index: FakeIndex) -> None:
    ident = (await way.post("The ferry sails")).article_id
    await way.drain()
    await way.act(Verb.RETRACT, ident)
    await way.enrich()
    index.away = True
    with pytest.raises(Retryable):
        await way.index()
    assert [kind for kind, _ in await told(redis_client)] == ["published"]
    index.away = False
    assert await pending(redis_client) == 1


async def test_the_copies_of_a_retracted_article_stand_for_themselves(
    way: Way, redis_client: Any, store: RedisArticleStore, index: FakeIndex
) -> None:
    first = (await way.post("The ferry sails")).article_id
    second = (await way.post("The ferry sails", external_id="a2")).article_id
    await way.drain()
    link = Duplicate(article_id=first, score=1.0).model_dump_json()
    await redis_client.hset(keys.article(second), "dup", link)
    await redis_client.sadd(keys.group_copies(first), second)
    await way.act(Verb.RETRACT, first)
    await way.drain()
    (copy,) = await store.articles([second])
    assert copy is not None
    assert copy.duplicate_of is None
    assert set(index.visible) == {second}
    assert index.visible[second].duplicate_of is None
    assert index.writes[-1][1] == (second,)
