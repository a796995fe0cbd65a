"""Saved searches over HTTP, on a real store and a fake engine."""

from __future__ import annotations

import asyncio
from typing import Any

import httpx
import pytest

from shared.events import LOG_EVENT_TYPES
from shared.query import event_facts, matches, parse
from shared.store import Credentials, PublicationLog
from shared.store.subscriptions.registry import Subscriptions
from tests.support.builders import NOON
from tests.support.fakes import FakeSearchIndex
from tests.support.serving import publish

pytestmark = pytest.mark.redis


@pytest.fixture
def changed_settings() -> dict[str, Any]:
    return {"subscriptions_per_key": 3}


@pytest.fixture
async def api(redis_client: Any, api: httpx.AsyncClient) -> httpx.AsyncClient:
    """A client with the key of a desk."""
    key, _ = await Credentials(redis_client).create("desk", frozenset({"subscribe"}))
    api.headers["authorization"] = f"Bearer {key}"
    return api


async def other_key(redis_client: Any, *scopes: str) -> dict[str, str]:
    key, _ = await Credentials(redis_client).create("other", frozenset(scopes))
    return {"authorization": f"Bearer {key}"}


async def saved(api: httpx.AsyncClient, **body: Any) -> dict[str, Any]:
    answer = await api.post("/v1/subscriptions", json={"q": "ferry"} | body)
    assert answer.status_code == 201, answer.text
    return dict(answer.json()["response"]["subscription"])


async def test_a_saved_search_is_made_changed_and_deleted(api: httpx.AsyncClient) -> None:
    body = {"q": "Ferry  OR (tag:#WorldNews -sport)", "types": ["article.corrected", "article.published"]}
    answer = await api.post("/v1/subscriptions", json=body | {"sink": "https://Desk.example.org/hook#x"})
    one = answer.json()["response"]["subscription"]
    assert answer.headers["location"] == one["links"]["self"] == f"/v1/subscriptions/{one['id']}"
    assert one["q"] == "ferry OR tag:world-news -sport"
    assert one["types"] == ["article.published", "article.corrected"]
    assert one["sink"] == "https://desk.example.org/hook"
    assert (await api.get(one["links"]["self"])).json()["response"]["subscription"] == one
    changed = await api.patch(one["links"]["self"], json={"sink": None, "q": "tunnel"}, headers={"if-match": '"1"'})
    two = changed.json()["response"]["subscription"]
    assert (two["q"], two["sink"], two["types"], two["version"]) == ("tunnel", None, one["types"], 2)
    late = await api.patch(one["links"]["self"], json={"q": "bridge"}, headers={"if-match": '"1"'})
    assert (late.status_code, late.json()["type"]) == (412, "urn:broadsheet:problem:version-conflict")
    listed = (await api.get("/v1/subscriptions")).json()["response"]
    assert (listed["total"], listed["results"]) == (1, [two])
    assert (await api.delete(one["links"]["self"])).status_code == 204
    assert (await api.delete(one["links"]["self"])).status_code == 404
    assert (await api.get("/v1/subscriptions")).json()["response"]["total"] == 0


async def test_types_take_both_spellings(api: httpx.AsyncClient) -> None:
    long = "org.broadsheet.article.corrected.v1"
    one = await saved(api, types=[long, " article.published "])
    assert one["types"] == ["article.published", "article.corrected"]
    changed = await api.patch(
        one["links"]["self"], json={"types": ["org.broadsheet.story.created.v1", "story.created"]}
    )
    assert changed.json()["response"]["subscription"]["types"] == ["story.created"]
    every = [spelling for name in LOG_EVENT_TYPES for spelling in (name, f"org.broadsheet.{name}.v1")]
    assert (await saved(api, types=every))["types"] == list(LOG_EVENT_TYPES)


@pytest.mark.parametrize(
    ("body", "field"),
    [
        ({}, "q"),
        ({"q": 7}, "q"),
        ({"q": "a OR"}, "q"),
        ({"q": "foo:bar"}, "q"),
        ({"q": "a\x00b"}, "q"),
        ({"q": "a" * 60_00}, "q"),
        ({"q": "a", "extra": 1}, "extra"),
        ({"q": "a", "types": "article.published"}, "types"),
        ({"q": "a", "types": ["article.born"]}, "types"),
        ({"q": "a", "types": [{}]}, "types"),
        ({"q": "a", "sink": "http://example.org/hook"}, "sink"),
        ({"q": "a", "sink": "https://127.0.0.1/hook"}, "sink"),
        ({"q": "a", "sink": "https://0x7f.1/hook"}, "sink"),
        ({"q": "a", "sink": "https://user:pw@example.org/"}, "sink"),
        ({"q": "a", "sink": "https://example.org:6379/"}, "sink"),
        ({"q": "a", "sink": "gopher://example.org/"}, "sink"),
        ({"q": "a", "sink": "https://example.org/" + "x" * 3_000}, "sink"),
        ({"q": "a", "sink": 5}, "sink"),
        ([], "body"),
        (None, "body"),
    ],
)
async def test_refusals_name_the_member(api: httpx.AsyncClient, body: Any, field: str) -> None:
    answer = await api.post("/v1/subscriptions", json=body)
    assert (answer.status_code, answer.json()["field"]) == (400, field)
    if body == {"q": "a OR"}:
        assert "at character 5" in answer.json()["detail"]
    made = await saved(api)
    answer = await api.patch(made["links"]["self"], json=body)
    if body == {}:
        assert answer.status_code == 200
    else:
        assert (answer.status_code, answer.json()["field"]) == (400, field)


async def test_bodies_that_are_no_json(api: httpx.AsyncClient) -> None:
    for body, status in ((b"{", 400), (b"\xff\xfe", 400), (b"[" * 10_000, 400), (b"x" * 20_000, 413), (b"", 400)):
        assert (await api.post("/v1/subscriptions", content=body)).status_code == status


async def test_only_its_owner_sees_it(api: httpx.AsyncClient, redis_client: Any) -> None:
    made = await saved(api)
    stranger, admin = await other_key(redis_client, "subscribe"), await other_key(redis_client, "admin")
    for method in ("GET", "PATCH", "DELETE"):
        answer = await api.request(method, made["links"]["self"], headers=stranger, json={"q": "x"})
        assert answer.status_code == 404
    assert (await api.get(made["links"]["preview"], headers=stranger)).status_code == 404
    assert (await api.get("/v1/subscriptions", headers=stranger)).json()["response"]["total"] == 0
    assert (await api.get(made["links"]["self"], headers=admin)).status_code == 200
    wrong = await other_key(redis_client, "ingest")
    assert (await api.get("/v1/subscriptions", headers=wrong)).status_code == 403
    assert (await api.get("/v1/subscriptions", headers={"authorization": "Bearer no"})).status_code == 401


async def test_limits_are_refusals(api: httpx.AsyncClient) -> None:
    answers = await asyncio.gather(*(api.post("/v1/subscriptions", json={"q": "a"}) for _ in range(8)))
    assert sorted(answer.status_code for answer in answers) == [201] * 3 + [409] * 5
    assert {answer.json()["type"] for answer in answers if answer.status_code == 409} == {
        "urn:broadsheet:problem:owner-full"
    }


async def test_a_preview_and_the_stream_after_it_are_every_match_once(
    api: httpx.AsyncClient, redis_client: Any, index: FakeSearchIndex
) -> None:
    """Articles arrive while the preview is made: it shows some, the log after its cursor holds the others."""
    made = await saved(api, q="ferry")

    async def arrive(number: int) -> None:
        title = f"Ferry {number}" if number % 2 else f"Tunnel {number}"
        await publish(
            redis_client, index, external_id=f"n{number}", title=title, dek="", summary="", paragraphs=(), tags=()
        )

    for number in range(6):
        await arrive(number)
    params = {"days": "365", "page-size": "200"}
    preview, *_ = await asyncio.gather(
        api.get(made["links"]["preview"], params=params), *(arrive(number) for number in range(6, 12))
    )
    body = preview.json()["response"]
    shown = [hit["id"] for hit in body["results"]]
    assert body["total"] == len(shown)
    after = await PublicationLog(redis_client).read(body["cursor"])
    streamed = [entry.event.card.id for entry in after if matches(parse("ferry", now=NOON), event_facts(entry.event))]  # type: ignore[union-attr]
    assert len(shown) + len(streamed) == 6
    assert len(set(shown) | set(streamed)) == 6
    assert body["next"] == f"/v1/events?subscription={made['id']}&last_event_id={body['cursor']}"
    poll = await api.get(body["next"], headers={"accept": "application/cloudevents-batch+json"})
    assert poll.status_code == 200, poll.text
    assert [event["subject"] for event in poll.json()] == streamed
    for bad in ({"days": "0"}, {"days": "1e9"}, {"nights": "2"}):
        assert (await api.get(made["links"]["preview"], params=bad)).status_code == 400


async def test_search_speaks_the_grammar(api: httpx.AsyncClient, redis_client: Any, index: FakeSearchIndex) -> None:
    bare: dict[str, Any] = {"dek": "", "summary": "", "paragraphs": (), "keyphrases": ()}
    await publish(redis_client, index, external_id="one", title="Ferry one")
    await publish(redis_client, index, external_id="two", title="Tunnel two", **bare)

    async def found(**params: str) -> list[str]:
        answer = await api.get("/v1/search", params=params)
        assert answer.status_code == 200, answer.text
        return sorted(hit["title"] for hit in answer.json()["response"]["results"])

    assert await found(q="tunnel OR ferry") == ["Ferry one", "Tunnel two"]
    assert await found(q="ferr") == ["Ferry one"]
    assert await found(q="ferr", match="strict") == []
    assert await found(q="ferry -(tunnel OR three)", match="strict") == ["Ferry one"]
    assert await found(q="ferr tag:transport") == ["Ferry one"]
    assert await found(q="-tag:transport") == []
    bad = await api.get("/v1/search", params={"q": "ferry OR", "match": "strict"})
    assert (bad.status_code, bad.json()["field"]) == (400, "q")
    assert "at character 9" in bad.json()["detail"]


async def test_the_store_holds_what_the_api_said(api: httpx.AsyncClient, redis_client: Any) -> None:
    made = await saved(api, q="-ferry")
    kept = await Subscriptions(redis_client).get(made["id"])
    assert kept is not None
    assert kept.broad
