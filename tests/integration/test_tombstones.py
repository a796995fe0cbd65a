"""A removed article's tombstone reaches exactly the subscribers whose filter matched it: once, on every transport."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import httpx
import orjson
import pytest

from services.index.adapters.documents import SPEC
from services.index.adapters.write_queue import WriteLimits, WriteQueue
from services.index.handlers import Indexer
from services.serve.app import create_app
from shared.query import parse
from shared.query.percolator import is_broad
from shared.search import open_index
from shared.settings import BaseServiceSettings
from shared.store import Credentials
from shared.store.articles.lifecycle import Verb
from shared.store.articles.redis import RedisArticleStore
from shared.store.index_jobs.pending_writes import SubmittedBatches
from shared.store.subscriptions.registry import new_id
from tests.support.announcing import log, withdrawal
from tests.support.builders import NOON, wait_until
from tests.support.event_stream import Subscriber
from tests.support.fetching import http, origin
from tests.support.notifying import Notify, notifying
from tests.support.serving import asgi, running, serve_settings
from tests.support.taking_back import Way
from tests.support.valkey import Valkey

pytestmark = [pytest.mark.redis, pytest.mark.timeout(120)]
NDJSON = {"accept": "application/x-ndjson"}
BATCH = {"accept": "application/cloudevents-batch+json"}


@dataclass
class Newsroom:
    """Publishes articles through the real index and removes them; `index_url` is for serve."""

    way: Way
    index_url: str
    retracted: dict[str, str] = field(default_factory=dict)

    async def publish(self, name: str, body: str) -> str:
        ident = (await self.way.post(f"Report {name}\n{body}", name)).article_id
        await self.way.drain()
        return ident

    async def remove(self, ident: str, verb: Verb) -> None:
        assert (await self.way.act(verb, ident)).status == "accepted"
        await self.way.drain()


@asynccontextmanager
async def newsroom(client: Any, directory: Path) -> AsyncIterator[Newsroom]:
    url = f"embedded:{directory / 'index'}"
    engine = open_index(BaseServiceSettings(BROADSHEET_INDEX_URL=url), writer=True)
    write_queue = WriteQueue(engine, SubmittedBatches(client), WriteLimits(gather=0.0))
    await engine.ensure(SPEC)
    store = RedisArticleStore(client)
    way = Way(client, store, Indexer(store, write_queue))
    await way.open()
    try:
        yield Newsroom(way, url)
    finally:
        await write_queue.aclose()
        await engine.aclose()


OWN = ("A heron nests under the pier.", "Two herons and one heron were counted.", "The heron left on Monday.")
FOREIGN = ("The tram is late again.", "Bakers open at five.", "A stork, no wading bird of another kind.")


async def remove_all(room: Newsroom) -> tuple[list[str], list[str]]:
    """Retract two and withdraw one of each kind of article; their ids, own and foreign."""
    own = [await room.publish(f"own{number}", text) for number, text in enumerate(OWN)]
    foreign = [await room.publish(f"foreign{number}", text) for number, text in enumerate(FOREIGN)]
    for ids in (own, foreign):
        for ident, verb in zip(ids, (Verb.RETRACT, Verb.WITHDRAW, Verb.RETRACT), strict=True):
            await room.remove(ident, verb)
    return own, foreign


def tombstones(events: list[dict[str, Any]]) -> list[str]:
    """Article ids of the tombstones among CloudEvents; their event ids must differ."""
    found = [event for event in events if event["type"].split(".")[-2] in {"withdrawn", "retracted"}]
    assert len({event["id"] for event in found}) == len(found)
    return [event["data"]["id"] for event in found]


def app_of(valkey: Valkey, room: Newsroom, **fields: Any) -> Any:
    return create_app(serve_settings(valkey.url, BROADSHEET_INDEX_URL=room.index_url, **fields))


QUERIES = [
    {"q": "heron"},
    {"q": "heron", "type": "article.published"},
    {"q": "heron", "type": "article.updated,story.created"},
    {"q": '"heron nests" OR "heron were" OR "heron left"'},
    {"q": "heron -tram", "type": "org.broadsheet.article.published.v1"},
    {"q": "heron since:2020-01-01"},
    {"q": "(heron OR egret) -baker"},
]


@pytest.mark.parametrize("headers", [BATCH, NDJSON], ids=["batch", "ndjson"])
async def test_polls_deliver_own_tombstones_once(
    valkey: Valkey, redis_client: Any, tmp_path: Path, headers: dict[str, str]
) -> None:
    async with newsroom(redis_client, tmp_path) as room, asgi(app_of(valkey, room)) as api:
        own, _ = await remove_all(room)
        for params in QUERIES:
            answer = await api.get("/v1/events", params=params, headers=headers)
            events = answer.json() if headers is BATCH else [json.loads(line) for line in answer.text.splitlines()]
            assert tombstones(events) == own, params
            retracted = {own[0], own[2]}
            assert not [e for e in events if e["data"]["id"] in retracted and "published" in e["type"]], params


async def test_streams_deliver_own_tombstones_live_and_on_replay(
    valkey: Valkey, redis_client: Any, tmp_path: Path
) -> None:
    async with newsroom(redis_client, tmp_path) as room, running(app_of(valkey, room)) as url:
        live = [Subscriber(url, params=params) for params in QUERIES]
        for one in live:
            await one.__aenter__()
        try:
            await wait_until(lambda: all(one.parser.events for one in live))
            own, _ = await remove_all(room)
            for params, one in zip(QUERIES, live, strict=True):
                await wait_until(lambda one=one: len(tombstones(received(one))) >= len(own), what=str(params))
                assert tombstones(received(one)) == own, params
            first = {event["id"] for event in received(live[0]) if "retracted" in event["type"]}
            for params in QUERIES:
                async with Subscriber(url, params=params | {"since": "earliest"}) as late:
                    await wait_until(lambda late=late: len(tombstones(received(late))) >= len(own))
                    assert tombstones(received(late)) == own, params
                    assert {event["id"] for event in received(late) if "retracted" in event["type"]} == first
        finally:
            for one in live:
                await one.__aexit__()


def received(one: Subscriber) -> list[dict[str, Any]]:
    return [json.loads(event.data) for event in one.parser.events if event.event == "message"]


async def test_topics_of_the_mercure_protocol_get_the_tombstone(
    valkey: Valkey, redis_client: Any, tmp_path: Path
) -> None:
    async with newsroom(redis_client, tmp_path) as room, asgi(app_of(valkey, room)) as api:
        own, foreign = await remove_all(room)
        for names in ({"topic": f"/v1/articles/{own[0]}"}, {"match": f"https://news.example/articles/{own[0]}"}):
            answer = await api.get("/v1/events", params=names | {"type": "article.published"}, headers=BATCH)
            assert tombstones(answer.json()) == [own[0]]
        answer = await api.get("/v1/events", params={"topic": "/v1/streams/transport"}, headers=BATCH)
        assert sorted(tombstones(answer.json())) == sorted(own + foreign)


async def test_a_saved_search_over_the_stream_gets_its_tombstones(
    valkey: Valkey, redis_client: Any, tmp_path: Path
) -> None:
    key, owner = await Credentials(redis_client).create("mine", frozenset({"subscribe"}))
    async with newsroom(redis_client, tmp_path) as room, notifying(redis_client) as notify:
        one = await notify.subscriptions.create(
            owner.key_id, "heron", types=("article.published",), sink=None, broad=False
        )
        async with asgi(app_of(valkey, room)) as api:
            own, _ = await remove_all(room)
            auth = BATCH | {"x-api-key": key}
            for params in ({}, {"type": "article.published"}, {"type": "article.retracted,article.withdrawn"}):
                answer = await api.get("/v1/events", params=params | {"subscription": one.id}, headers=auth)
                assert tombstones(answer.json()) == own, params


@pytest.mark.parametrize(
    ("q", "types"),
    [
        ("heron", ("article.published",)),
        ("heron -tram", ("article.published", "story.created")),
        ("heron OR egret", ()),
        ('"heron nests" OR "one heron" OR "heron left"', ("article.updated", "article.published")),
    ],
)
async def test_webhooks_that_were_sent_an_article_hear_of_its_removal(
    redis_client: Any, tmp_path: Path, q: str, types: tuple[str, ...]
) -> None:
    async with (
        newsroom(redis_client, tmp_path) as room,
        notifying(redis_client) as notify,
        origin(lambda _: http("200 OK")) as hook,
    ):
        subscription = await subscribe(notify, hook.url(), q, types)
        own, _ = await remove_all(room)
        await notify.read()
        await notify.send()
        events = [orjson.loads(asked.body) for asked in hook.asked]
        assert sorted(tombstones(events)) == sorted(own)
        ids = {asked.headers["webhook-id"] for asked in hook.asked}
        await notify.webhooks.replay(await notify.state(subscription), after="0-0", until=None)
        while await notify.replay_worker.step():
            await notify.send()
        await notify.send()
        assert {asked.headers["webhook-id"] for asked in hook.asked} == ids, "a replay repeats ids, it adds none"


async def subscribe(notify: Notify, sink: str, q: str, types: tuple[str, ...]) -> Any:
    fresh = new_id()
    await notify.webhooks.create(fresh, sink)
    broad = is_broad(parse(q, now=NOON))
    one = await notify.subscriptions.create("k", q, types=types, sink=sink, broad=broad, id_=fresh)
    (ping,) = await notify.deliveries.recent(fresh, limit=1)
    await notify.client.zrem(f"{{p0}}:webhook-due:{fresh}", ping.id)
    await notify.client.hset(f"{{p0}}:webhook-endpoint:{fresh}", mapping={"status": "active", "verified": 1})
    return one


async def test_a_tombstone_without_term_filter_passes_words_and_obeys_fields(
    valkey: Valkey, redis_client: Any, tmp_path: Path
) -> None:
    """Of an older version. A removal that is missed is worse than one too many: its words count as "may match"."""
    async with (
        newsroom(redis_client, tmp_path) as room,
        notifying(redis_client) as notify,
        origin(lambda _: http("200 OK")) as hook,
        asgi(app_of(valkey, room)) as api,
    ):
        expected = {
            "heron": True,
            '"a heron" -tram': True,
            "tag:transport": True,
            "heron tag:cooking": False,
            "heron lang:de": False,
        }
        for q in expected:
            await subscribe(notify, hook.url(), q, ("article.published",))
        old = withdrawal()
        await log(redis_client, old)
        for q, passes in expected.items():
            answer = await api.get("/v1/events", params={"q": q, "type": "article.published"}, headers=BATCH)
            assert tombstones(answer.json()) == [old.article.id] * passes, q
        await notify.read()
        await notify.send()
        assert len(hook.asked) == sum(expected.values())


async def test_who_received_a_withdrawal_hears_that_the_article_is_back(
    valkey: Valkey, redis_client: Any, tmp_path: Path
) -> None:
    async with (
        newsroom(redis_client, tmp_path) as room,
        notifying(redis_client) as notify,
        origin(lambda _: http("200 OK")) as hook,
        asgi(app_of(valkey, room)) as api,
    ):
        await subscribe(notify, hook.url(), "heron", ("article.published",))
        ident = await room.publish("own", OWN[0])
        await room.remove(ident, Verb.WITHDRAW)
        await room.remove(ident, Verb.RESTORE)
        story = ["published", "withdrawn", "restored"]
        for params, expected in (
            ({"type": "article.published"}, story),
            ({"type": "article.withdrawn,article.retracted"}, ["withdrawn"]),
            ({"type": "story.created"}, []),
            ({"type": "article.published", "q": "tram"}, []),
        ):
            answer = await api.get("/v1/events", params={"q": "heron"} | params, headers=NDJSON)
            kinds = [json.loads(line)["type"].split(".")[-2] for line in answer.text.splitlines()]
            assert kinds == expected, params
        await notify.read()
        await notify.send()
        assert sorted(orjson.loads(asked.body)["type"].split(".")[-2] for asked in hook.asked) == sorted(story)


@pytest.mark.parametrize("form", ["atom", "json"])
async def test_feeds_of_a_search_list_only_their_own_tombstones(
    valkey: Valkey, redis_client: Any, tmp_path: Path, form: str
) -> None:
    async with newsroom(redis_client, tmp_path) as room, asgi(app_of(valkey, room)) as api:
        await api.get(f"/feeds/search.{form}", params={"q": "heron"})  # reads the log before the removals
        own, foreign = await remove_all(room)
        feed = await api.get(f"/feeds/search.{form}", params={"q": "heron"})
        assert [ident in deleted(feed, form) for ident in own + foreign] == [True] * 3 + [False] * 3
        async with asgi(app_of(valkey, room)) as fresh:  # and a process that starts afterwards
            again = await fresh.get(f"/feeds/search.{form}", params={"q": "heron -tram", "match": "strict"})
            assert [ident in deleted(again, form) for ident in own + foreign] == [True] * 3 + [False] * 3


def deleted(feed: httpx.Response, form: str) -> str:
    assert feed.status_code == 200
    if form == "json":
        return json.dumps(feed.json()["_news"]["deleted"])
    return "".join(part.partition(">")[0] for part in feed.text.split("deleted-entry ")[1:])
