"""The WebSub hub when something is not as it should be: serve away, feeds gone, callbacks dead or never asked."""

from __future__ import annotations

import asyncio
from typing import Any
from urllib.parse import parse_qs, urlsplit

import pytest

from shared.store import keys
from shared.store.webhooks.deliveries import BREAKER_FAILURES
from shared.store.webhooks.websub import WebSub, WebSubRequest, subscriber_id
from tests.integration.test_websub import TOPIC, Feed, ask, change, echo, hub
from tests.support.announcing import announce
from tests.support.fetching import Asked, http, origin
from tests.support.notifying import notifying

pytestmark = pytest.mark.redis


async def test_a_serve_that_is_away_denies_nothing(redis_client: Any) -> None:
    away = [True]
    feed = Feed()

    def serve(asked: Asked) -> bytes:
        return http("503 Service Unavailable", Retry_After="1") if away[0] else feed(asked)

    async with (
        origin(serve) as served,
        notifying(redis_client, serve_url=served.url("")) as notify,
        origin(echo) as callback,
    ):
        await ask(notify, callback.url())
        assert callback.asked == [], "nobody can say now whether there is such a feed"
        away[0] = False
        notify.clock.move(seconds=7)
        await notify.send()
        query = parse_qs(urlsplit(callback.asked[0].path).query)
        assert query["hub.mode"] == ["subscribe"]
        assert await notify.websub.topics() == [TOPIC]


@pytest.mark.parametrize("gone", [http("404 Not Found"), http("301 Moved", Location="/feeds/stories/b.atom")])
async def test_a_followed_feed_that_is_gone_does_not_hold_the_hub_up(redis_client: Any, gone: bytes) -> None:
    there = [True]
    feed = Feed()

    def serve(asked: Asked) -> bytes:
        return feed(asked) if there[0] else gone

    async with (
        origin(serve) as served,
        notifying(redis_client, serve_url=served.url("")) as notify,
        origin(echo) as callback,
    ):
        await ask(notify, callback.url())
        there[0] = False
        await announce(redis_client)
        assert await notify.topic_poller.step()
        asked = len(served.asked)
        assert await notify.topic_poller.step()
        assert len(served.asked) == asked, "the log did not move, so nothing is asked for again"
        there[0] = True
        await change(redis_client, notify, feed, b"back")
        assert callback.asked[-1].body == b"back"


async def test_content_that_was_overtaken_says_nothing_about_the_callback(redis_client: Any) -> None:
    """A busy feed must not make a dead callback look alive: its breaker opens all the same."""

    def dead(asked: Asked) -> bytes:
        return echo(asked) if asked.method == "GET" else http("500 Oops")

    async with hub(redis_client, dead) as (notify, feed, callback):
        ident = await ask(notify, callback.url(), lease=86_400)
        for number in range(12):
            notify.clock.move(seconds=6)
            await change(redis_client, notify, feed, b"%d" % number)
        found = await notify.endpoints.get(ident)
        assert found is not None
        assert found.failures >= BREAKER_FAILURES
        assert len(callback.asked) < 12, "an open breaker lets fewer requests out than there were changes"


async def test_a_callback_that_denies_what_it_never_asked_for_leaves_nothing_behind(redis_client: Any) -> None:
    """Anybody may post requests in the name of others: they must not fill the hub."""
    for mode in ("subscribe", "unsubscribe"):
        async with hub(redis_client, lambda _: http("404 Not Found")) as (notify, _, callback):
            ident = await ask(notify, callback.url(), mode=mode)
            assert len(callback.asked) == 1
            assert await redis_client.scard(keys.WEBSUB_SUBSCRIBERS) == 0
            assert await notify.endpoints.get(ident) is None


async def test_a_lease_that_ran_out_makes_room_also_where_the_feed_never_changes(redis_client: Any) -> None:
    async with hub(redis_client) as (notify, _, callback):
        await ask(notify, callback.url("/short"), lease=600)
        await ask(notify, callback.url("/long"), lease=86_400)
        await notify.topic_poller.sweep()
        assert await redis_client.scard(keys.WEBSUB_SUBSCRIBERS) == 2
        notify.clock.move(seconds=700)
        await notify.topic_poller.sweep()
        assert await notify.websub.subscribers(TOPIC) == [subscriber_id(callback.url("/long"), TOPIC)]
        assert await redis_client.scard(keys.WEBSUB_SUBSCRIBERS) == 1
        notify.clock.move(seconds=90_000)
        await notify.topic_poller.sweep()
        assert await notify.websub.topics() == []
        assert await redis_client.keys("{p0}:webhook-topic-*") == []


async def test_the_last_one_that_goes_does_not_take_the_feed_from_one_that_comes(redis_client: Any) -> None:
    store = WebSub(redis_client)
    for number in range(50):
        topic = f"{TOPIC}{number}"
        goes, comes = (WebSubRequest("subscribe", f"https://{who}.example/", topic, 600) for who in ("goes", "comes"))
        for request in (goes, comes):
            assert await store.submit(request, now_ms=1)
        await store.confirm(goes, until_ms=10**13)
        leaving = await store.subscriber(goes.subscriber_id)
        assert leaving is not None
        await asyncio.gather(store.delete(leaving), store.confirm(comes, until_ms=10**13))
        assert topic in await store.topics()
