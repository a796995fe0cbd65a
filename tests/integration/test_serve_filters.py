"""What of the public log a subscriber gets: filters, saved searches, and nothing of what was retracted."""

from __future__ import annotations

import json
from typing import Any

import httpx
import pytest

from shared.articles import ArticleState, Tag
from shared.store import Credentials
from shared.store.subscriptions.registry import Subscriptions
from tests.support.announcing import announce, log, publication, story_change, withdrawal
from tests.support.builders import make_article, wait_until
from tests.support.event_stream import Subscriber
from tests.support.serving import asgi, new_app, publish, running, set_state
from tests.support.valkey import Valkey

pytestmark = pytest.mark.redis
BATCH = {"Accept": "application/cloudevents-batch+json"}


async def batch(
    client: httpx.AsyncClient, headers: dict[str, str] | None = None, **params: Any
) -> list[dict[str, Any]]:
    answer = await client.get("/v1/events", params=params, headers=BATCH | (headers or {}))
    assert answer.status_code == 200, answer.text
    return answer.json()


def sequences(events: list[dict[str, Any]]) -> list[str]:
    return [event["sequence"] for event in events]


async def test_every_filter(valkey: Valkey, redis_client: Any) -> None:
    ferry = (await announce(redis_client, external_id="ferry", title="Ferry line reopens"))[0]
    tram = (
        await announce(
            redis_client,
            external_id="tram",
            title="Tram stops for a week",
            dek="",
            summary="",
            tags=(Tag(slug="rails", label="Rails"),),
            section="traffic",
            source="evening-post",
            language="de",
        )
    )[0]
    gone = await log(redis_client, withdrawal(external_id="ferry"))
    story = await log(redis_client, story_change(external_id="ferry"))
    ident = make_article(external_id="ferry").id
    async with asgi(new_app(valkey.url)) as client:
        for params, wanted in [
            ({}, [ferry, tram, gone, story]),
            ({"type": "article.published"}, [ferry, tram, gone]),
            ({"type": "article.retracted"}, [gone]),
            ({"type": "article.withdrawn"}, []),
            ({"type": "org.broadsheet.article.retracted.v1,story.created"}, [gone, story]),
            ({"tag": "rails"}, [tram]),
            ({"section": "-traffic"}, [ferry, gone, story]),
            ({"source": "evening-post"}, [tram]),
            ({"lang": "de"}, [tram]),
            ({"q": "tram OR stoat"}, [tram, gone]),
            ({"q": "tag:rails week"}, [tram]),
            ({"q": "ferry", "lang": "en"}, [ferry, gone, story]),
            ({"topic": "/v1/streams/rails"}, [tram]),
            ({"match": f"https://news.example/v1/articles/{ident}"}, [ferry, gone, story]),
            ({"topic": ["/streams/rails", f"/articles/{ident}/slug"]}, [ferry, tram, gone, story]),
            ({"topic": "*"}, [ferry, tram, gone, story]),
        ]:
            assert sequences(await batch(client, **params)) == wanted, params


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("type", "article.exploded"),
        ("type", ""),
        ("q", '"open'),
        ("q", ""),
        ("q", "x" * 5000),
        ("topic", "https://news.example/authors/x"),
        ("topic", ""),
        ("match", "/v1/articles/short"),
        ("subscription", "nonsense"),
        ("timeout", "1e9"),
        ("timeout", "-1"),
        ("timeout", "30001"),
        ("nonsense", "1"),
    ],
)
async def test_a_bad_filter_is_a_400_that_names_it(valkey: Valkey, redis_client: Any, name: str, value: str) -> None:
    async with asgi(new_app(valkey.url)) as client:
        answer = await client.get("/v1/events", params={name: value}, headers=BATCH)
        assert (answer.status_code, answer.json()["field"]) == (400, name)


async def test_a_query_sees_the_body_that_search_sees(valkey: Valkey, redis_client: Any) -> None:
    article, log_id = await publish(redis_client, paragraphs=("A heron nests under the pier.",))
    await announce(redis_client, external_id="other", paragraphs=("Nothing of the kind.",))
    assert "heron" not in f"{article.title} {article.dek} {article.summary}"
    async with asgi(new_app(valkey.url)) as client:
        assert sequences(await batch(client, q="heron")) == [log_id]
    async with running(new_app(valkey.url)) as url, Subscriber(url, params={"q": "heron"}) as live:
        await wait_until(lambda: live.parser.events)
        _, new = await publish(redis_client, external_id="a2", paragraphs=("Another heron.",))
        await wait_until(lambda: live.ids == [new])


async def test_a_retracted_article_replays_as_one_tombstone(valkey: Valkey, redis_client: Any) -> None:
    article, _ = await publish(redis_client, title="A secret nobody may read")
    story = await log(redis_client, story_change(title="A secret nobody may read"))
    kept = (await announce(redis_client, external_id="other"))[0]
    await set_state(redis_client, article.id, ArticleState.RETRACTED, "The quote was invented.")
    gone = await log(redis_client, withdrawal())
    async with asgi(new_app(valkey.url)) as client:
        answer = await client.get("/v1/events", headers=BATCH)
        events = answer.json()
    assert sequences(events) == [story, kept, gone]
    assert "secret" not in answer.text
    old = events[-1]
    assert old["type"] == "org.broadsheet.article.retracted.v1"
    assert old["dataschema"].endswith("/v1/schemas/article.retracted.v1")
    assert (old["data"]["id"], old["data"]["reason"]) == (article.id, "The quote was invented.")
    assert [tag["slug"] for tag in old["data"]["tags"]] == ["transport", "city-news"]
    async with running(new_app(valkey.url)) as url, Subscriber(url, params={"since": "earliest"}) as client:
        await wait_until(lambda: len(client.ids) == 3)
        assert client.ids == [story, kept, gone]
        assert b"secret" not in client.raw


async def test_a_withdrawn_article_keeps_its_past(valkey: Valkey, redis_client: Any) -> None:
    article, _ = await publish(redis_client)
    await set_state(redis_client, article.id, ArticleState.WITHDRAWN)
    async with asgi(new_app(valkey.url)) as client:
        assert (await batch(client))[0]["data"]["title"] == article.title


async def test_a_saved_search_is_followed_with_its_key(valkey: Valkey, redis_client: Any) -> None:
    mine, owner = await Credentials(redis_client).create("mine", frozenset({"subscribe"}))
    other, _ = await Credentials(redis_client).create("other", frozenset({"subscribe"}))
    made = await Subscriptions(redis_client).create(
        owner.key_id, "tram", types=("article.published",), sink=None, broad=False
    )
    await announce(redis_client, external_id="ferry")
    tram = (await announce(redis_client, external_id="tram", title="Tram stops"))[0]
    await log(redis_client, publication(kind="article.updated", external_id="tram", title="Tram stops"))
    gone = await log(redis_client, withdrawal(external_id="tram"))
    async with asgi(new_app(valkey.url)) as client:
        key = {"Authorization": f"Bearer {mine}"}
        assert sequences(await batch(client, key, subscription=made.id)) == [tram, gone]
        assert sequences(await batch(client, key, subscription=made.id, type="article.retracted")) == [gone]
        assert await batch(client, key, subscription=made.id, type="article.updated") == []
        for headers, status in [({}, 401), ({"Authorization": f"Bearer {other}"}, 404)]:
            answer = await client.get("/v1/events", params={"subscription": made.id}, headers=BATCH | headers)
            assert answer.status_code == status


async def test_a_live_saved_search(valkey: Valkey, redis_client: Any) -> None:
    key, owner = await Credentials(redis_client).create("mine", frozenset({"subscribe"}))
    made = await Subscriptions(redis_client).create(owner.key_id, "tram", types=(), sink=None, broad=False)
    headers = {"Authorization": f"Bearer {key}"}
    async with (
        running(new_app(valkey.url)) as url,
        Subscriber(url, params={"subscription": made.id}, headers=headers) as live,
    ):
        await wait_until(lambda: live.parser.events)
        await announce(redis_client, external_id="ferry")
        (tram,) = await announce(redis_client, external_id="tram", title="Tram stops")
        await wait_until(lambda: live.ids == [tram])
        assert json.loads(live.parser.events[-1].data)["data"]["title"] == "Tram stops"
