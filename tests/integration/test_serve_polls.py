"""NDJSON and CloudEvents batches: the same log, asked for piece by piece."""

from __future__ import annotations

import asyncio
import json
from typing import Any

import httpx
import pytest

from shared.store import Credentials
from shared.topology import PUBLICATIONS
from tests.support.announcing import announce
from tests.support.builders import wait_until
from tests.support.serving import asgi, new_app, running
from tests.support.valkey import Valkey

pytestmark = pytest.mark.redis
NDJSON = {"Accept": "application/x-ndjson"}
BATCH = {"Accept": "application/cloudevents-batch+json"}


def lines(answer: httpx.Response) -> list[dict[str, Any]]:
    return [json.loads(line) for line in answer.text.splitlines()]


@pytest.mark.parametrize("resume_by", ["id", "sequence"])
async def test_paging_through_the_log_as_http_feeds_has_it(valkey: Valkey, redis_client: Any, resume_by: str) -> None:
    ids = await announce(redis_client, 230)
    async with asgi(new_app(valkey.url)) as client:
        seen: list[str] = []
        params: dict[str, str] = {}
        sizes = []
        while True:
            answer = await client.get("/v1/events", headers=BATCH, params=params)
            assert answer.headers["content-type"] == "application/cloudevents-batch+json"
            events = answer.json()
            sizes.append(len(events))
            if not events:
                break
            seen += [event["sequence"] for event in events]
            params = {"lastEventId": events[-1][resume_by]}
    assert seen == ids
    assert sizes == [100, 100, 30, 0]


async def test_following_the_next_links_of_a_filter(valkey: Valkey, redis_client: Any) -> None:
    await announce(redis_client, 150)
    async with asgi(new_app(valkey.url)) as client:
        answer = await client.get("/v1/events?tag=sport", headers=NDJSON)
        assert (answer.status_code, answer.text) == (200, "")
        assert answer.headers["content-type"] == "application/x-ndjson"
        (new,) = await announce(redis_client, 1, tags=({"slug": "sport", "label": "Sport"},))
        answer = await client.get(answer.links["next"]["url"], headers=NDJSON)
        assert [event["sequence"] for event in lines(answer)] == [new]
        assert "Accept" in answer.headers["vary"]
        assert answer.headers["cache-control"] == "no-store"


async def test_a_long_poll_ends_with_the_first_event(valkey: Valkey, redis_client: Any) -> None:
    (old,) = await announce(redis_client)
    app = new_app(valkey.url)
    async with running(app) as url, httpx.AsyncClient(timeout=20) as client:
        params = {"lastEventId": old, "timeout": "15000"}
        polling = asyncio.create_task(client.get(f"{url}/v1/events", headers=NDJSON, params=params))
        await wait_until(lambda: app.state.services.connection_limiter.open == 1)
        (new,) = await announce(redis_client)
        assert [event["sequence"] for event in lines(await polling)] == [new]
        assert app.state.services.connection_limiter.open == 0


async def test_a_long_poll_ends_in_time(valkey: Valkey, redis_client: Any) -> None:
    (old,) = await announce(redis_client)
    loop = asyncio.get_running_loop()
    async with running(new_app(valkey.url)) as url, httpx.AsyncClient() as client:
        began = loop.time()
        answer = await client.get(f"{url}/v1/events", headers=BATCH, params={"lastEventId": old, "timeout": "300"})
        assert answer.json() == []
        assert 0.25 < loop.time() - began < 3


async def test_a_stop_ends_long_polls(valkey: Valkey, redis_client: Any) -> None:
    app = new_app(valkey.url)
    loop = asyncio.get_running_loop()
    async with httpx.AsyncClient(timeout=40) as client:
        async with running(app) as url:
            asking = client.get(f"{url}/v1/events", headers=BATCH, params={"timeout": "30000"})
            polling = asyncio.create_task(asking)
            await wait_until(lambda: app.state.services.connection_limiter.open == 1)
            began = loop.time()
        assert (await polling).json() == []
    assert loop.time() - began < 5


async def test_who_asks_for_the_earliest_is_told_of_no_loss(valkey: Valkey, redis_client: Any) -> None:
    """Mercure: an answer that differs from what was asked for means that something may be missing."""
    ids = await announce(redis_client, 2)
    async with asgi(new_app(valkey.url)) as client:
        for asked, header in (({"last_event_id": "earliest"}, {}), ({}, {"Last-Event-ID": "earliest"})):
            answer = await client.get("/v1/events", headers=BATCH | header, params=asked)
            assert answer.headers["mercure-last-event-id"] == "earliest"
            assert [event["sequence"] for event in answer.json()] == ids


async def test_a_gap_is_told_in_the_header(valkey: Valkey, redis_client: Any) -> None:
    ids = await announce(redis_client, 5)
    await redis_client.xtrim(PUBLICATIONS.key, maxlen=2, approximate=False)
    async with asgi(new_app(valkey.url)) as client:
        for asked in (ids[0], "nonsense", "99999999999999-0", "0195948f-39e0-7c3a-9d1e-5f4b8a2c6d70"):
            answer = await client.get("/v1/events", headers=BATCH, params={"lastEventId": asked})
            assert answer.headers["mercure-last-event-id"] == "earliest"
            assert [event["sequence"] for event in answer.json()] == ids[3:]
        answer = await client.get("/v1/events", headers=BATCH, params={"lastEventId": ids[3]})
        assert answer.headers["mercure-last-event-id"] == ids[3]
        assert [event["sequence"] for event in answer.json()] == ids[4:]


@pytest.mark.parametrize(
    ("accept", "expected"),
    [
        ("*/*", "text/event-stream"),
        ("text/event-stream", "text/event-stream"),
        ("application/*", "application/x-ndjson"),
        ("application/x-ndjson;q=0.5, application/cloudevents-batch+json", "application/cloudevents-batch+json"),
        ("text/html, application/x-ndjson;q=0.1", "application/x-ndjson"),
        ("text/html", None),
        ("application/json", None),
        ("application/x-ndjson;q=0", None),
        ("," * 500, None),
        ("application/x-ndjson;q=nan", None),
    ],
)
def test_which_transport_is_chosen(accept: str, expected: str | None) -> None:
    from services.serve.domain.content_negotiation import preferred_media_type

    assert preferred_media_type(accept) == expected


async def test_what_is_not_offered_is_a_406(valkey: Valkey, redis_client: Any) -> None:
    async with asgi(new_app(valkey.url)) as client:
        answer = await client.get("/v1/events", headers={"Accept": "text/html"})
        assert answer.status_code == 406


async def test_a_key_revoked_while_it_waits_gets_nothing(valkey: Valkey, redis_client: Any) -> None:
    key, credential = await Credentials(redis_client).create("mine", frozenset({"subscribe"}))
    app = new_app(valkey.url)
    async with running(app) as url, httpx.AsyncClient(timeout=20) as client:
        headers = BATCH | {"X-Api-Key": key}
        params = {"lastEventId": "0-0", "timeout": "15000"}
        polling = asyncio.create_task(client.get(f"{url}/v1/events", headers=headers, params=params))
        await wait_until(lambda: app.state.services.connection_limiter.open == 1)
        await Credentials(redis_client).revoke(credential.key_id)
        app.state.access._known.clear()  # as after three seconds
        await announce(redis_client)
        assert (await polling).status_code == 401
