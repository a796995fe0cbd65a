"""The store of saved searches on a real server, and processes that follow it."""

from __future__ import annotations

import asyncio
from datetime import timedelta
from typing import Any

import pytest

from shared.articles import Article
from shared.events import Publication
from shared.query import article_facts, event_facts
from shared.store import PublicationLog
from shared.store.articles.redis import RedisArticleStore
from shared.store.keys import SUBSCRIPTION_CHANGES
from shared.store.log_reader import LogReader
from shared.store.subscriptions.matcher import MatcherUpdater
from shared.store.subscriptions.registry import Subscription, SubscriptionConflict, SubscriptionLimit, Subscriptions
from shared.store.webhooks.endpoints import Endpoint, Endpoints
from tests.support.builders import NOON, make_article, make_card
from tests.support.serving import publish

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
    assert await store.of_owner("k1") == ([one, two], 2)
    assert await store.of_owner("k1", offset=1, limit=1) == ([two], 2)
    assert len([found async for found in store.scan()]) == 3
    assert await store.delete(one)
    assert not await store.delete(one)
    assert await store.get(one.id) is None
    assert await store.of_owner("k1") == ([two], 1)


async def test_an_owner_s_are_listed_in_the_order_of_their_making(
    redis_client: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    store = Subscriptions(redis_client)
    late = NOON + timedelta(microseconds=7)
    clock = iter([*[late] * 20, *[NOON] * 20])  # all within a microsecond, and then a clock that went back
    monkeypatch.setattr("shared.store.subscriptions.registry.now", lambda: next(clock))
    several = [await made(store, f"q{number}") for number in range(40)]
    assert await store.of_owner("k1") == (several, 40)
    assert await store.of_owner("k1", offset=15, limit=10) == (several[15:25], 40)


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


def updater(client: Any) -> MatcherUpdater:
    publications = PublicationLog(client)
    reader = LogReader(publications, RedisArticleStore(client))
    return MatcherUpdater(Subscriptions(client), Endpoints(client), publications, reader)


async def followed(client: Any, q: str = "ferry", *, since: str = "0-0", **fields: Any) -> Subscription:
    """A subscription with an endpoint."""
    one = await made(Subscriptions(client), q, sink="https://example.org/hook", **fields)
    await Endpoints(client).put(Endpoint(one.id, "https://example.org/hook", sealed="", ping="", since=since))
    return one


def matched(live: MatcherUpdater, article: Article | None = None, *, cursor: str = "5-0") -> list[str]:
    return live.matcher.match(PUBLISHED.meta.type, cursor, event_facts(PUBLISHED, article))


async def test_a_process_follows_changes_without_a_restart(redis_client: Any) -> None:
    store, live = Subscriptions(redis_client), updater(redis_client)
    early = await followed(redis_client)
    assert matched(live) == []
    await live.refresh()
    assert matched(live) == [early.id]
    late = await followed(redis_client, "boats", types=("article.published", "article.updated"))
    other = await followed(redis_client, "ferry", types=("article.withdrawn",))
    await live.refresh()
    assert matched(live) == [early.id]
    assert matched(live, make_article()) == sorted([early.id, late.id])
    await store.replace(early, q="tunnel", types=(), sink=early.sink, broad=False)
    await store.delete(late)
    await store.replace(other, q="harbour", types=(), sink=other.sink, broad=False)
    await live.refresh()
    assert matched(live, make_article()) == [other.id]


async def test_events_from_before_a_subscription_are_not_for_it(redis_client: Any) -> None:
    live = updater(redis_client)
    one, two = await followed(redis_client, since="5-0"), await followed(redis_client, since="4-9")
    await live.refresh()
    assert live.matcher.earliest() == "4-9"
    assert (matched(live, cursor="5-0"), matched(live, cursor="5-1")) == ([two.id], sorted([one.id, two.id]))


async def test_a_process_that_missed_changes_loads_again(redis_client: Any) -> None:
    live = updater(redis_client)
    await live.refresh()
    one = await followed(redis_client)
    await followed(redis_client, "tunnel")
    await redis_client.xtrim(SUBSCRIPTION_CHANGES, maxlen=1, approximate=False)
    await live.refresh()
    assert len(live.matcher) == 2
    assert matched(live) == [one.id]


async def test_only_those_with_an_endpoint_are_matched(redis_client: Any) -> None:
    live = updater(redis_client)
    one = await followed(redis_client)
    await made(Subscriptions(redis_client))
    await made(Subscriptions(redis_client), sink="https://example.org/not-whole")
    await live.refresh()
    assert matched(live) == [one.id]
    await Subscriptions(redis_client).replace(one, q="ferry", types=(), sink=None, broad=False)
    await live.refresh()
    assert len(live.matcher) == 0


async def test_one_that_cannot_be_read_does_not_stop_the_others(redis_client: Any) -> None:
    await followed(redis_client, "newer:grammar")
    one = await followed(redis_client)
    live = updater(redis_client)
    await live.refresh()
    assert matched(live) == [one.id]


async def test_common_terms_are_learned_from_the_log(redis_client: Any) -> None:
    for number in range(20):
        text = f"Passengers and fox{number}."
        await publish(redis_client, external_id=f"l{number}", title=f"A ferry {number}", paragraphs=(text,))
    await followed(redis_client, "passengers fox3")
    live = updater(redis_client)
    await live.refresh()
    common = article_facts(make_article(title="A ferry", paragraphs=("Passengers and fox21.",)))
    assert live.matcher.candidates(common) == 0  # looked up by the rare word, although the common one is longer
    assert live.matcher.candidates(article_facts(make_article(paragraphs=("fox3",)))) == 1
