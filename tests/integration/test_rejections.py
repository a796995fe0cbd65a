"""`article.rejected`: told once to the key that posted the page and to admins, and to nobody else by any door."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator
from typing import Any

import httpx
import pytest

from shared.articles import CANARY_SOURCE, Submission
from shared.broker import Worker
from shared.broker.group import WorkGroup
from shared.clock import now
from shared.errors import Permanent
from shared.events import ArticleReceived, ArticleRef
from shared.observability.metrics import REJECTIONS as COUNTER
from shared.store import Credentials
from shared.store.articles.redis import RedisArticleStore
from shared.topology import ARTICLE_RECEIVED, PUBLICATIONS, REJECTIONS
from tests.integration.consuming import working
from tests.support.announcing import log, publication
from tests.support.builders import make_acceptance, wait_until
from tests.support.event_stream import Subscriber
from tests.support.rejecting import NDJSON, SECRET, auth, key, page, polled, reject
from tests.support.serving import asgi, new_app, running
from tests.support.store_commits import groups, next_entry
from tests.support.valkey import Valkey

pytestmark = [pytest.mark.redis, pytest.mark.timeout(60)]
BATCH = {"accept": "application/cloudevents-batch+json"}


@pytest.fixture
async def api(valkey: Valkey, redis_client: Any) -> AsyncIterator[httpx.AsyncClient]:
    await groups(redis_client)
    async with asgi(new_app(valkey.url, public_url="https://news.example")) as client:
        yield client


async def test_the_producer_learns_what_was_rejected_and_why(api: httpx.AsyncClient, redis_client: Any) -> None:
    mine, owner = await key(redis_client)
    item = page("tide", owner)
    ref = await reject(redis_client, item)
    (event,) = await polled(api, mine)
    assert event["type"] == "org.broadsheet.article.rejected.v1"
    assert event["subject"] == ref.article_id
    assert event["correlationid"] == item.event.meta.correlation_id
    assert event["causationid"] == item.event.meta.event_id
    received_at = event["data"].pop("received_at")
    assert received_at.startswith(now().strftime("%Y-%m-%dT%H:"))
    assert event["data"] == {
        "id": ref.article_id,
        "rev": 1,
        "source": "example-gazette",
        "external_id": "tide",
        "url": "https://gazette.example/tide",
        "stage": "enrich",
        "rule": "no-body",
        "detail": "no article text was found on the page",
    }
    assert SECRET not in json.dumps(event)
    assert owner not in json.dumps(event)
    schema = await api.get(event["dataschema"].removeprefix("https://news.example"))
    assert set(event["data"]) < set(schema.json()["properties"])


@pytest.mark.parametrize(
    "rule", ["max-deliveries", "process-killer", "sandbox-crash", "index-rejected", "invalid-event"]
)
async def test_the_message_of_an_internal_error_is_not_sent(
    api: httpx.AsyncClient, redis_client: Any, rule: str
) -> None:
    mine, owner = await key(redis_client)
    await reject(redis_client, page("tide", owner), rule=rule, reason=f"ValueError: invalid literal {SECRET!r}")
    (event,) = await polled(api, mine)
    assert event["data"]["rule"] == rule
    assert "harbour" not in json.dumps(event)


async def test_each_revision_is_told_once_however_often_it_is_delivered(
    api: httpx.AsyncClient, redis_client: Any
) -> None:
    mine, owner = await key(redis_client)
    before = COUNTER.labels("enrich", "no-body")._value.get()
    await reject(redis_client, page("tide", owner))
    dead = await redis_client.xrange(ARTICLE_RECEIVED.dead_key)
    again = await redis_client.xadd(ARTICLE_RECEIVED.key, {"__data__": dead[0][1][b"__data__"]})  # an operator's retry
    entry = await next_entry(redis_client, ARTICLE_RECEIVED.key, "enrich")
    assert entry.entry_id == again.decode()
    group = WorkGroup(redis_client, ARTICLE_RECEIVED, "enrich", "c")
    ref = ArticleRef(article_id=page("tide", owner).article_id, rev=1, kind=page("tide", owner).kind)
    event = ArticleReceived(meta=page("tide", owner).event.meta, article=ref)
    assert await group.dead_letter(entry.entry_id, ("still", "no-body"), 1, event, await group.original_of(event))
    assert len(await polled(api, mine)) == 1
    assert COUNTER.labels("enrich", "no-body")._value.get() == before + 1
    await reject(redis_client, make_acceptance(external_id="tide", text="another attempt", owner=owner))
    assert [event["data"]["rev"] for event in await polled(api, mine)] == [1, 2]


async def test_a_rejection_of_a_superseded_revision_is_not_told(api: httpx.AsyncClient, redis_client: Any) -> None:
    mine, owner = await key(redis_client)
    store = RedisArticleStore(redis_client)
    old = page("tide", owner)
    await store.accept([old])
    entry = await next_entry(redis_client, ARTICLE_RECEIVED.key, "enrich")
    await store.accept([make_acceptance(external_id="tide", text="the mended page", owner=owner)])
    group = WorkGroup(redis_client, ARTICLE_RECEIVED, "enrich", "c")
    await group.dead_letter(entry.entry_id, ("r", "no-body"), 1, old.event, await group.original_of(old.event))
    assert await polled(api, mine) == []


async def test_nobody_else_sees_it_by_any_door(valkey: Valkey, redis_client: Any) -> None:
    await groups(redis_client)
    mine, owner = await key(redis_client)
    other, _ = await key(redis_client, "ingest", "subscribe", "edit")
    subscriber, _ = await key(redis_client, "subscribe")
    admin, _ = await key(redis_client, "admin")
    async with running(new_app(valkey.url)) as url:
        everywhere = [
            Subscriber(url, params=params, headers=auth(made) if made else None, path=path)
            for path, made, params in (
                ("/v1/events", "", {}),
                ("/v1/events", "", {"since": "earliest"}),
                ("/v1/events", subscriber, {"since": "earliest"}),
                ("/v1/events", admin, {"since": "earliest", "topic": "*"}),
                ("/v1/rejections", other, {"since": "earliest"}),
            )
        ]
        allowed = [
            Subscriber(url, params={"since": "earliest"}, headers=auth(made), path="/v1/rejections")
            for made in (mine, admin)
        ]
        for one in (*everywhere, *allowed):
            await one.__aenter__()
        try:
            await wait_until(lambda: all(one.parser.events for one in (*everywhere, *allowed)))
            ref = await reject(redis_client, page("tide", owner))
            await log(redis_client, publication())
            await wait_until(lambda: all(one.ids for one in allowed), what="the producer and the admin")
            await wait_until(lambda: all(one.ids for one in everywhere[:4]), what="the publication after it")
            for one in everywhere:
                assert ref.article_id.encode() not in one.raw
                assert b"rejected" not in one.raw
            for one in allowed:
                assert len(one.ids) == 1
                assert ref.article_id.encode() in one.raw
        finally:
            for one in (*everywhere, *allowed):
                await one.__aexit__()
        async with httpx.AsyncClient(base_url=url) as client:
            for path in ("/v1/search", "/v1/tags", "/feeds/front.atom", "/feeds/front.json", "/sitemap.xml", "/"):
                answer = await client.get(path)
                assert ref.article_id not in answer.text, path
            for headers, status in (({}, 401), (auth("bsk_nope"), 401), (auth(subscriber), 403)):
                for accept in (NDJSON, BATCH, {"accept": "text/event-stream"}):
                    assert (await client.get("/v1/rejections", headers=headers | accept)).status_code == status
            wrong = await client.get("/v1/events", params={"type": "article.rejected"}, headers=NDJSON)
            assert (wrong.status_code, "/v1/rejections" in wrong.text) == (400, True)
            saved = {"q": "tide", "types": ["article.rejected"]}
            assert (await client.post("/v1/subscriptions", json=saved, headers=auth(other))).status_code == 400
    assert await redis_client.xlen(PUBLICATIONS.key) == 1


async def test_it_is_replayed_and_resumed_by_its_own_cursor(api: httpx.AsyncClient, redis_client: Any) -> None:
    mine, owner = await key(redis_client)
    _, other = await key(redis_client)
    for number in range(4):
        await reject(redis_client, page(f"p{number}", owner if number % 2 else other))
    answer = await api.get("/v1/rejections", headers=auth(mine) | BATCH)
    assert [event["data"]["external_id"] for event in answer.json()] == ["p1", "p3"]
    following = answer.headers["link"].partition(">")[0].removeprefix("<")
    assert following.startswith("/v1/rejections?lastEventId=")
    await reject(redis_client, page("p5", owner))
    again = await api.get(following, headers=auth(mine) | BATCH)
    assert [event["data"]["external_id"] for event in again.json()] == ["p5"]
    first = answer.json()[0]
    for position in (first["sequence"], first["id"]):
        resumed = await api.get("/v1/rejections", headers=auth(mine) | BATCH | {"last-event-id": position})
        assert [event["data"]["external_id"] for event in resumed.json()] == ["p3", "p5"]
    found = [({"source": "example-gazette"}, 3), ({"source": "elsewhere"}, 0), ({"since": "2999-01-01"}, 0)]
    for params, count in found:
        assert len(await polled(api, mine, **params)) == count
    for wrong in ({"q": "tide"}, {"type": "x"}, {"since": "yesterdayish"}, {"timeout": "99999999"}):
        bad = await api.get("/v1/rejections", params=wrong, headers=auth(mine) | NDJSON)
        assert (bad.status_code, next(iter(wrong)) in bad.text) == (400, True)


async def test_pages_without_a_known_key_are_for_admins_only(api: httpx.AsyncClient, redis_client: Any) -> None:
    mine, owner = await key(redis_client)
    admin, _ = await key(redis_client, "admin")
    await reject(redis_client, page("polled", "source:example-gazette"))
    await reject(redis_client, page("old", owner))
    await redis_client.hdel(f"{{p0}}:article:{page('older', owner).article_id}", "owner")
    assert [event["data"]["external_id"] for event in await polled(api, admin)] == ["polled", "old"]
    assert [event["data"]["external_id"] for event in await polled(api, mine)] == ["old"]


async def test_a_rejected_canary_is_marked(api: httpx.AsyncClient, redis_client: Any) -> None:
    mine, owner = await key(redis_client)
    submission = Submission(source=CANARY_SOURCE, external_id="c")
    await reject(
        redis_client, make_acceptance(source=CANARY_SOURCE, external_id="c", owner=owner, submission=submission)
    )
    (event,) = await polled(api, mine)
    assert event["domain"] == "canary"


async def test_a_damaged_original_is_told_too(api: httpx.AsyncClient, redis_client: Any) -> None:
    mine, owner = await key(redis_client)
    item = page("tide", owner)
    store = RedisArticleStore(redis_client)
    await store.accept([item])
    await redis_client.hset(f"{{p0}}:article:{item.article_id}", "raw_sha256", b"x" * 32)
    entry = await next_entry(redis_client, ARTICLE_RECEIVED.key, "enrich")
    group = WorkGroup(redis_client, ARTICLE_RECEIVED, "enrich", "c")
    original = await group.original_of(item.event)
    assert await group.dead_letter(entry.entry_id, ("damaged", "corrupt-record"), 1, item.event, original)
    (event,) = await polled(api, mine)
    assert (event["data"]["source"], event["data"]["rule"]) == (None, "corrupt-record")


async def test_a_worker_that_gives_up_tells_the_producer(valkey: Valkey, redis_client: Any) -> None:
    mine, owner = await key(redis_client)
    item = page("tide", owner)

    async def refuse(deliveries: Any) -> dict[str, Exception]:
        return {one.entry_id: Permanent("no article text was found on the page", rule="no-body") for one in deliveries}

    async with asgi(new_app(valkey.url)) as api, working(valkey.url, refuse) as (worker, _):
        assert isinstance(worker, Worker)
        await RedisArticleStore(redis_client).accept([item])

        async def told() -> bool:
            return bool(await redis_client.xlen(REJECTIONS.key))

        await wait_until(told, timeout=20)
        (event,) = await polled(api, mine)
        assert event["data"]["external_id"] == "tide"


async def test_a_poll_waits_for_the_first_rejection_and_a_revoked_key_hears_nothing(
    api: httpx.AsyncClient, redis_client: Any
) -> None:
    mine, owner = await key(redis_client)
    assert await polled(api, mine, timeout="50") == []
    await reject(redis_client, page("tide", owner))
    assert len(await polled(api, mine, timeout="5000")) == 1
    await Credentials(redis_client).revoke(owner)
    refused: list[int] = []

    async def denied() -> bool:
        refused.append((await api.get("/v1/rejections", headers=auth(mine) | NDJSON)).status_code)
        return refused[-1] == 401

    await wait_until(denied, timeout=10)


async def test_rejections_older_than_a_month_are_trimmed_and_say_so(
    valkey: Valkey, api: httpx.AsyncClient, redis_client: Any
) -> None:
    mine, owner = await key(redis_client)
    old = int(now().timestamp() * 1000) - 40 * 86_400_000
    async with redis_client.pipeline(transaction=False) as pipe:
        for number in range(300):  # trimming is by whole nodes of the stream
            pipe.xadd(REJECTIONS.key, {"__data__": b"{}"}, id=f"{old + number}-0")
        await pipe.execute()
    await reject(redis_client, page("tide", owner))
    assert await redis_client.xlen(REJECTIONS.key) < 300
    answer = await api.get("/v1/rejections", headers=auth(mine) | NDJSON | {"last-event-id": f"{old}-0"})
    assert answer.headers["mercure-last-event-id"] == "earliest"
    assert len(answer.text.splitlines()) == 1
