"""The WebSub hub: callbacks are asked, leases end, feeds are brought whole and signed, denials are told."""

from __future__ import annotations

import hashlib
import hmac
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any
from urllib.parse import parse_qs, urlsplit

import httpx
import pytest

from shared.store.webhooks.websub import WebSubRequest, subscriber_id
from tests.support.announcing import announce
from tests.support.fakes import FakeSearchIndex
from tests.support.fetching import Asked, RequestContext, http, origin
from tests.support.notifying import SOURCE, Notify, notifying
from tests.support.serving import asgi, new_app
from tests.support.valkey import Valkey

pytestmark = pytest.mark.redis
TOPIC = f"{SOURCE}/feeds/search.atom?q=ferry"
SECRET = "between the two of us"


def echo(asked: Asked) -> bytes:
    """A callback that means it."""
    query = parse_qs(urlsplit(asked.path).query)
    return http(body=query.get("hub.challenge", [""])[0].encode()) if asked.method == "GET" else http()


class Feed:
    """serve's feed in these tests: any content, with an ETag."""

    def __init__(self) -> None:
        self.text = b"<feed>1</feed>"

    def __call__(self, asked: Asked) -> bytes:
        if not asked.path.startswith("/feeds/search.atom"):
            return http("404 Not Found")
        tag = f'"{hashlib.sha256(self.text).hexdigest()[:8]}"'
        if asked.headers.get("if-none-match") == tag:
            return http("304 Not Modified")
        return http(body=self.text, ETag=tag, Content_Type="application/atom+xml; charset=utf-8")


@asynccontextmanager
async def hub(redis_client: Any, callback: Any = echo) -> AsyncIterator[tuple[Notify, Feed, RequestContext]]:
    feed = Feed()
    async with (
        origin(feed) as served,
        notifying(redis_client, serve_url=served.url("")) as notify,
        origin(callback) as asked,
    ):
        yield notify, feed, asked


async def ask(notify: Notify, callback: str, *, mode: str = "subscribe", topic: str = TOPIC, lease: int = 3_600) -> str:
    """A request as serve keeps it; the follower's id."""
    ident = subscriber_id(callback, topic)
    sealed = notify.cipher.encrypt_bytes(SECRET.encode(), owner=ident)
    assert await notify.websub.submit(
        WebSubRequest(mode, callback, topic, lease, sealed), now_ms=notify.sender.now_ms()
    )
    await notify.send()
    return ident


async def change(redis_client: Any, notify: Notify, feed: Feed, text: bytes) -> None:
    """The log moves, and the feed with it."""
    feed.text = text
    await announce(redis_client)
    await notify.topic_poller.step()
    await notify.send()


async def test_a_callback_that_echoes_the_challenge_gets_the_whole_feed_signed(redis_client: Any) -> None:
    async with hub(redis_client) as (notify, feed, callback):
        await ask(notify, callback.url("/cb?mine=1"))
        query = parse_qs(urlsplit(callback.asked[0].path).query)
        assert query["mine"] == ["1"]
        assert (query["hub.mode"], query["hub.topic"], query["hub.lease_seconds"]) == (["subscribe"], [TOPIC], ["3600"])
        assert len(query["hub.challenge"][0]) >= 40
        await change(redis_client, notify, feed, b"<feed>2</feed>")
        _, got = callback.asked
        assert (got.method, got.path, got.body) == ("POST", "/cb?mine=1", b"<feed>2</feed>")
        assert got.headers["content-type"] == "application/atom+xml; charset=utf-8"
        assert got.headers["link"] == f'<{SOURCE}/v1/websub>; rel="hub", <{TOPIC}>; rel="self"'
        signed = hmac.new(SECRET.encode(), got.body, hashlib.sha256).hexdigest()
        assert got.headers["x-hub-signature"] == f"sha256={signed}"
        await announce(redis_client)  # an event that leaves this feed as it is
        await notify.topic_poller.step()
        await notify.send()
        assert len(callback.asked) == 2


async def test_a_callback_that_does_not_echo_follows_nothing(redis_client: Any) -> None:
    for answer in (http(body=b"yes"), http("404 Not Found"), http("302 Found", Location="/cb")):
        async with hub(redis_client, lambda _, answer=answer: answer) as (notify, feed, callback):
            await ask(notify, callback.url())
            await change(redis_client, notify, feed, answer[:20])
            assert [asked.method for asked in callback.asked] == ["GET"]
            assert await notify.websub.topics() == []


async def test_a_feed_that_is_not_there_is_denied(redis_client: Any) -> None:
    async with hub(redis_client) as (notify, _, callback):
        await ask(notify, callback.url(), topic=f"{SOURCE}/feeds/stories/none.atom")
        query = parse_qs(urlsplit(callback.asked[0].path).query)
        assert (len(callback.asked), query["hub.mode"]) == (1, ["denied"])
        assert query["hub.reason"]


async def test_a_lease_ends_and_can_be_renewed_before(redis_client: Any) -> None:
    async with hub(redis_client) as (notify, feed, callback):
        await ask(notify, callback.url())
        notify.clock.move(seconds=3_000)
        await ask(notify, callback.url())
        notify.clock.move(seconds=3_000)
        await change(redis_client, notify, feed, b"2")
        assert [asked.method for asked in callback.asked] == ["GET", "GET", "POST"]
        notify.clock.move(seconds=700)
        await change(redis_client, notify, feed, b"3")
        assert len(callback.asked) == 3
        assert await notify.websub.topics() == []


async def test_only_the_callback_itself_can_end_its_subscription(redis_client: Any) -> None:
    willing = [True]

    def answer(asked: Asked) -> bytes:
        return echo(asked) if willing[0] or asked.method == "POST" else http("404 Not Found")

    async with hub(redis_client, answer) as (notify, feed, callback):
        await ask(notify, callback.url())
        willing[0] = False
        await ask(notify, callback.url(), mode="unsubscribe")
        await change(redis_client, notify, feed, b"2")
        assert [asked.method for asked in callback.asked] == ["GET", "GET", "POST"]
        willing[0] = True
        await ask(notify, callback.url(), mode="unsubscribe")
        await change(redis_client, notify, feed, b"3")
        assert [asked.method for asked in callback.asked] == ["GET", "GET", "POST", "GET"]


async def test_a_delivery_that_fails_is_tried_again_with_the_newest_content_and_keeps_the_lease(
    redis_client: Any,
) -> None:
    broken = [True]

    def answer(asked: Asked) -> bytes:
        return http("500 Oops") if asked.method == "POST" and broken[0] else echo(asked)

    async with hub(redis_client, answer) as (notify, feed, callback):
        await ask(notify, callback.url(), lease=86_400)
        await change(redis_client, notify, feed, b"2")
        await change(redis_client, notify, feed, b"3")
        broken[0] = False
        notify.clock.move(seconds=10)
        await notify.send()
        bodies = [asked.body for asked in callback.asked if asked.method == "POST"]
        assert bodies == [b"2", b"3", b"3"], "the old content is not sent once there is newer"


async def test_a_death_between_storing_and_telling_tells_everybody_in_the_end(redis_client: Any) -> None:
    async with hub(redis_client) as (notify, feed, callback):
        await ask(notify, callback.url())

        async def dies(*_: Any, **__: Any) -> None:
            raise RuntimeError("killed")

        told, notify.topic_poller._queue_for_subscribers = notify.topic_poller._queue_for_subscribers, dies  # type: ignore[method-assign]
        with pytest.raises(RuntimeError):
            await change(redis_client, notify, feed, b"2")
        notify.topic_poller._queue_for_subscribers = told  # type: ignore[method-assign]
        await notify.topic_poller.step()
        await notify.send()
        assert callback.asked[-1].body == b"2"


@pytest.mark.parametrize(
    ("form", "field"),
    [
        ({}, "hub.mode"),
        ({"hub.mode": "publish"}, "hub.mode"),
        ({"hub.callback": ""}, "hub.callback"),
        ({"hub.callback": "https://a.example/" + "x" * 2_000}, "hub.callback"),
        ({"hub.callback": "ftp://a.example/"}, "hub.callback"),
        ({"hub.callback": "http://127.0.0.1/"}, "hub.callback"),
        ({"hub.callback": "http://169.254.169.254/"}, "hub.callback"),
        ({"hub.callback": "http://localhost/"}, "hub.callback"),
        ({"hub.callback": "https://u:p@a.example/"}, "hub.callback"),
        ({"hub.topic": "https://elsewhere.example/feeds/front.atom"}, "hub.topic"),
        ({"hub.topic": "http://127.0.0.1:8000/v1/search"}, "hub.topic"),
        ({"hub.topic": "http://127.0.0.1:8000/feeds/subscriptions/sub_1.atom"}, "hub.topic"),
        ({"hub.topic": "http://127.0.0.1:8000/feeds/front.exe"}, "hub.topic"),
        ({"hub.secret": "s" * 200}, "hub.secret"),
        ({"hub.lease_seconds": "-1"}, "hub.lease_seconds"),
        ({"hub.lease_seconds": "for ever"}, "hub.lease_seconds"),
    ],
)
async def test_a_request_that_cannot_be_names_the_field(
    valkey: Valkey, redis_client: Any, form: dict[str, str], field: str
) -> None:
    good = {
        "hub.mode": "subscribe",
        "hub.callback": "https://reader.example.org/cb",
        "hub.topic": "http://127.0.0.1:8000/feeds/front.atom",
    }
    async with asgi(new_app(valkey.url, FakeSearchIndex())) as client:
        refused = await client.post("/v1/websub", data=good | form if form else {"x": "y"})
        assert refused.status_code == 400, refused.text
        assert refused.json()["errors"][0]["field"] == field
        assert await redis_client.scard("{p0}:webhook-followers") == 0
        taken = await client.post("/v1/websub", data=good)
        assert (taken.status_code, taken.content) == (202, b"")
        assert await redis_client.scard("{p0}:webhook-followers") == 1


async def test_only_a_form_is_taken(valkey: Valkey, redis_client: Any) -> None:
    async with asgi(new_app(valkey.url, FakeSearchIndex())) as client:
        assert (await client.post("/v1/websub", json={})).status_code == 415
        form = {"content-type": "application/x-www-form-urlencoded"}
        for body in (b"\xff=%ff", b"&".join(b"a=%d" % n for n in range(50)), b"hub.mode=a&hub.mode=b"):
            answer: httpx.Response = await client.post("/v1/websub", content=body, headers=form)
            assert answer.status_code == 400
