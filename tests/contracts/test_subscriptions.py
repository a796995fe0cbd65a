"""The store of saved searches on a real server, and processes that follow it."""

from __future__ import annotations

import asyncio
from datetime import timedelta
from typing import Any

import pytest

from shared.events import Publication
from shared.store.keys import SUBSCRIPTION_CHANGES
from shared.store.subscriptions.live import LiveSubscriptions
from shared.store.subscriptions.registry import Subscription, SubscriptionConflict, SubscriptionLimit, Subscriptions
from tests.support.builders import NOON, make_article, make_card

pytestmark = pytest.mark.redis

PUBLISHED = Publication(meta=Publication.meta_for(producer="index", now=NOON), card=make_card())


async def made(store: Subscriptions, q: str = "ferry", owner: str = "k1", **fields: Any) -> Subscription:
    values: dict[str, Any] = {"types": (), "sink": None, "broad": False}
    return await store.create(owner, q, **(values | fields))


async def test_what_was_saved_is_read(redis_client: Any) -> None:
    store = Subscriptions(redis_client)
    one = await made(store, 'a "b c"', types=("article.published",), sink="https://example.org/hook")
    assert await store.get(one.id) == one
    two = await made(store, "b")
    await made(store, "c", owner="k2")
    assert await store.owned("k1") == ([one, two], 2)
    assert await store.owned("k1", offset=1, limit=1) == ([two], 2)
    assert len([found async for found in store.everything()]) == 3
    assert await store.delete(one)
    assert not await store.delete(one)
    assert await store.get(one.id) is None
    assert await store.owned("k1") == ([two], 1)


async def test_an_owner_s_are_listed_in_the_order_of_their_making(
    redis_client: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    store = Subscriptions(redis_client)
    late = NOON + timedelta(microseconds=7)
    clock = iter([*[late] * 20, *[NOON] * 20])  # all within a microsecond, and then a clock that went back
    monkeypatch.setattr("shared.store.subscriptions.registry.now", lambda: next(clock))
    several = [await made(store, f"q{number}") for number in range(40)]
    assert await store.owned("k1") == (several, 40)
    assert await store.owned("k1", offset=15, limit=10) == (several[15:25], 40)


async def test_of_two_changes_at_once_one_is_refused(redis_client: Any) -> None:
    store = Subscriptions(redis_client)
    one = await made(store)
    changed = await store.replace(one, q="tunnel", types=(), sink=None, broad=False)
    assert changed.version == 2
    with pytest.raises(SubscriptionConflict):
        await store.replace(one, q="bridge", types=(), sink=None, broad=False)
    await store.delete(changed)
    with pytest.raises(SubscriptionConflict):
        await store.replace(changed, q="bridge", types=(), sink=None, broad=False)
    assert await store.get(one.id) is None


async def test_limits_hold_when_many_come_at_once(redis_client: Any) -> None:
    store = Subscriptions(redis_client, per_owner=5, total=8)
    answers = await asyncio.gather(*(made(store) for _ in range(20)), return_exceptions=True)
    refused = [answer for answer in answers if isinstance(answer, SubscriptionLimit)]
    assert len(refused) == 15
    assert {answer.rule for answer in refused} == {"owner-full"}
    for _ in range(3):
        await made(store, owner="k2")
    with pytest.raises(SubscriptionLimit) as full:
        await made(store, owner="k3")
    assert full.value.rule == "full"


async def test_broad_ones_are_bounded(redis_client: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("shared.store.subscriptions.registry.MAX_BROAD", 1)
    store = Subscriptions(redis_client)
    one = await made(store, "-a", broad=True)
    with pytest.raises(SubscriptionLimit) as refused:
        await made(store, "-b", broad=True)
    assert refused.value.rule == "too-many-broad"
    narrow = await store.replace(one, q="a", types=(), sink=None, broad=False)
    again = await store.replace(narrow, q="-a", types=(), sink=None, broad=True)
    await store.delete(again)
    await made(store, "-b", broad=True)


async def test_a_process_follows_changes_without_a_restart(redis_client: Any) -> None:
    store = Subscriptions(redis_client)
    early = await made(store)
    live = LiveSubscriptions(store)
    assert live.match(PUBLISHED) == []
    await live.refresh()
    assert live.match(PUBLISHED) == [early.id]
    late = await made(store, "boats", types=("article.published", "article.updated"))
    other = await made(store, "ferry", types=("article.withdrawn",))
    assert await live.refresh() == 2
    assert live.match(PUBLISHED) == [early.id]
    assert sorted(live.match(PUBLISHED, make_article())) == sorted([early.id, late.id])
    await store.replace(early, q="tunnel", types=(), sink=None, broad=False)
    await store.delete(late)
    await store.replace(other, q="harbour", types=(), sink=None, broad=False)
    await live.refresh()
    assert live.match(PUBLISHED, make_article()) == [other.id]
    assert await live.refresh(block_ms=10) == 0


async def test_a_process_that_missed_changes_loads_again(redis_client: Any) -> None:
    store = Subscriptions(redis_client)
    live = LiveSubscriptions(store)
    await live.refresh()
    one = await made(store)
    await made(store, "tunnel")
    await redis_client.xtrim(SUBSCRIPTION_CHANGES, maxlen=1, approximate=False)
    await live.refresh()
    assert len(live) == 2
    assert live.match(PUBLISHED) == [one.id]


async def test_a_process_may_care_for_some_only(redis_client: Any) -> None:
    store = Subscriptions(redis_client)
    live = LiveSubscriptions(store, wanted=lambda one: one.sink is not None)
    one = await made(store, sink="https://example.org/hook")
    await made(store)
    await live.refresh()
    assert live.match(PUBLISHED) == [one.id]
    await store.replace(one, q="ferry", types=(), sink=None, broad=False)
    await live.refresh()
    assert len(live) == 0


async def test_one_that_cannot_be_read_does_not_stop_the_others(redis_client: Any) -> None:
    store = Subscriptions(redis_client)
    await made(store, "newer:grammar")
    one = await made(store)
    live = LiveSubscriptions(store)
    await live.refresh()
    assert live.match(PUBLISHED) == [one.id]
