"""What ingest promises a producer: identity, idempotency, revisions, outages, keys that act within seconds."""

from __future__ import annotations

import asyncio
from typing import Any

import orjson
import pytest

from shared.articles import InputKind
from shared.envelope import decode
from shared.events import ArticleReceived
from shared.store.articles.port import Original
from shared.store.articles.redis import RedisArticleStore
from shared.topology import ARTICLE_RECEIVED
from tests.support.ingest_http import HTML, JSON, NDJSON, TEXT, open_ingest
from tests.support.valkey import Valkey

pytestmark = pytest.mark.redis

ARTICLE = {"source": "gazette", "id": "1", "title": "Ferry returns", "text": "The ferry is back."}


async def events(client: Any) -> list[ArticleReceived]:
    rows = await client.xrange(ARTICLE_RECEIVED.key)
    return [ArticleReceived.from_json(decode(fields)[1]) for _, fields in rows]


async def original(client: Any, article_id: str) -> Original:
    (found,) = await RedisArticleStore(client).originals([article_id])
    assert isinstance(found, Original)
    return found


async def test_an_accepted_article_is_durable_and_announced(valkey: Valkey, redis_client: Any) -> None:
    async with open_ingest(valkey.url, public_url="https://news.example/") as client:
        response = await client.post("/v1/articles", json=ARTICLE)
        assert response.status_code == 202
        body = response.json()
        link = f"https://news.example/v1/articles/{body['id']}"
        assert response.headers["location"] == link
        assert body == {
            "id": body["id"],
            "rev": 1,
            "status": "accepted",
            "links": {"trace": f"{link}/trace", "article": link},
        }
    (event,) = await events(redis_client)
    assert (event.article.article_id, event.article.rev, event.article.kind) == (body["id"], 1, InputKind.JSON)
    assert event.meta.producer == "ingest"
    stored = await original(redis_client, body["id"])
    assert orjson.loads(stored.data) == {"text": "The ferry is back."}
    assert (stored.submission.title, stored.submission.external_id) == ("Ferry returns", "1")


@pytest.mark.parametrize(
    ("headers", "data", "kind", "media_type", "kept"),
    [
        (TEXT, "Fährt.\r\n".encode(), "text", "text/plain; charset=utf-8", "Fährt.\r\n".encode()),
        (
            {"content-type": "text/plain; charset=cp1252"},
            "Fährt.".encode("cp1252"),
            "text",
            "text/plain; charset=utf-8",
            "Fährt.".encode(),
        ),
        (HTML, b"<p>caf\xe9</p>", "html", "text/html", b"<p>caf\xe9</p>"),
        ({"content-type": "text/markdown"}, b"# A\n\nb", "text", "text/markdown; charset=utf-8", b"# A\n\nb"),
        ({"content-type": "application/xhtml+xml"}, b"<p>a</p>", "html", "application/xhtml+xml", b"<p>a</p>"),
        (
            {"content-type": "text/html; charset=ISO-8859-1"},
            b"<p>caf\xe9</p>",
            "html",
            "text/html; charset=windows-1252",
            b"<p>caf\xe9</p>",
        ),
    ],
)
async def test_pages_keep_their_bytes(
    valkey: Valkey, redis_client: Any, headers: dict[str, str], data: bytes, kind: str, media_type: str, kept: bytes
) -> None:
    params = [("source", "gazette"), ("id", "9"), ("title", "Fähre"), ("tags", "a"), ("tags", "b"), ("version", "3")]
    async with open_ingest(valkey.url) as client:
        response = await client.post("/v1/articles", params=params, content=data, headers=headers)
        assert response.status_code == 202
    stored = await original(redis_client, response.json()["id"])
    assert (stored.kind, stored.media_type, stored.data) == (kind, media_type, kept)
    assert stored.submission.model_dump(exclude_defaults=True) == {
        "source": "gazette",
        "external_id": "9",
        "version": 3,
        "title": "Fähre",
        "tags": ("a", "b"),
    }


async def test_an_update_is_a_new_revision_and_the_same_again_is_not(valkey: Valkey, redis_client: Any) -> None:
    async with open_ingest(valkey.url) as client:
        first = await client.post("/v1/articles", json=ARTICLE)
        again = await client.post("/v1/articles", json=ARTICLE)
        update = await client.post("/v1/articles", json=ARTICLE | {"title": "Ferry returns at last"})
        back = await client.post("/v1/articles", json=ARTICLE)
    answers = [
        (response.status_code, response.json()["status"], response.json()["rev"])
        for response in (first, again, update, back)
    ]
    assert answers == [(202, "accepted", 1), (200, "unchanged", 1), (202, "accepted", 2), (202, "accepted", 3)]
    assert len({response.json()["id"] for response in (first, again, update, back)}) == 1
    assert [event.article.rev for event in await events(redis_client)] == [1, 2, 3]


async def test_without_an_id_the_url_and_then_the_text_decide(valkey: Valkey, redis_client: Any) -> None:
    async with open_ingest(valkey.url) as client:

        async def post(**fields: Any) -> str:
            return str((await client.post("/v1/articles", json=fields)).json()["id"])

        assert await post(text="a", url="https://Example.org/x?utm_source=a#b") == await post(
            text="b", url="https://example.org/x"
        )
        assert await post(text="a  b") == await post(paragraphs=["a", "b"])
        assert await post(text="a b") != await post(text="a c")


class TestIdempotency:
    async def test_the_same_request_gets_the_same_answer(self, valkey: Valkey, redis_client: Any) -> None:
        headers = {"idempotency-key": "upload-1"}
        async with open_ingest(valkey.url) as client:
            first = await client.post("/v1/articles", json=ARTICLE, headers=headers)
            await client.post("/v1/articles", json=ARTICLE | {"title": "In between"})
            replay = await client.post("/v1/articles", json=ARTICLE, headers=headers)
        assert (first.status_code, first.json()["status"]) == (202, "accepted")
        assert (replay.status_code, replay.json()["status"]) == (200, "replayed")
        assert (replay.json()["id"], replay.json()["rev"]) == (first.json()["id"], 1)
        assert len(await events(redis_client)) == 2

    @pytest.mark.parametrize("other", ["body", "parameter", "type"])
    async def test_h27_another_request_with_the_key_is_422(self, valkey: Valkey, redis_client: Any, other: str) -> None:
        headers = {"idempotency-key": "k"}
        async with open_ingest(valkey.url) as client:
            await client.post("/v1/articles", content=b"A page.", headers=TEXT | headers, params={"title": "A"})
            response = await client.post(
                "/v1/articles",
                content=b"Another." if other == "body" else b"A page.",
                headers=(HTML if other == "type" else TEXT) | headers,
                params={"title": "B" if other == "parameter" else "A"},
            )
        assert (response.status_code, response.headers["content-type"]) == (422, "application/problem+json")
        assert len(await events(redis_client)) == 1

    async def test_keys_belong_to_their_api_key(self, valkey: Valkey, redis_client: Any) -> None:
        for text in ("One.", "Two."):
            async with open_ingest(valkey.url) as client:  # each with a key of its own
                response = await client.post("/v1/articles", json={"text": text}, headers={"idempotency-key": "k"})
                assert response.status_code == 202

    async def test_a_sent_key_is_kept_a_day_and_our_own_a_minute(self, valkey: Valkey, redis_client: Any) -> None:
        async with open_ingest(valkey.url) as client:
            await client.post("/v1/articles", json=ARTICLE, headers={"idempotency-key": "k" * 255})
            await client.post("/v1/articles", json={"text": "Another."})
        kept = sorted([await redis_client.ttl(key) for key in await redis_client.keys("{p0}:idempotency:*")])
        assert kept[0] <= 60 < 86_000 < kept[1] <= 86_400

    async def test_a_hundred_retries_at_once_are_one_revision(self, valkey: Valkey, redis_client: Any) -> None:
        headers = {"idempotency-key": "k"}
        async with open_ingest(valkey.url) as client:
            responses = await asyncio.gather(
                *(client.post("/v1/articles", json=ARTICLE, headers=headers) for _ in range(100))
            )
        statuses = [response.json()["status"] for response in responses]
        assert (statuses.count("accepted"), statuses.count("replayed")) == (1, 99)


async def test_bodies_beyond_the_memory_budget_are_503(valkey: Valkey, redis_client: Any) -> None:
    async with open_ingest(valkey.url, held_bytes=1024 * 1024) as client:
        response = await client.post("/v1/articles", content=b"x" * 2 * 1024 * 1024, headers=HTML)
        assert (response.status_code, response.headers["retry-after"]) == (503, "1")
        assert client.app.state.body_budget.now == 0  # type: ignore[attr-defined]
        assert (await client.post("/v1/articles", content=b"<p>x</p>", headers=HTML)).status_code == 202


async def test_metrics_count_by_door_and_outcome(valkey: Valkey, redis_client: Any) -> None:
    async with open_ingest(valkey.url) as client:

        async def count(door: str, outcome: str) -> float:
            name = f'broadsheet_ingest_requests_total{{door="{door}",outcome="{outcome}"}} '
            lines = (await client.get("/metrics")).text.splitlines()
            return sum(float(line.removeprefix(name)) for line in lines if line.startswith(name))

        before = [await count("json", "accepted"), await count("json", "rejected"), await count("bulk", "accepted")]
        await client.post("/v1/articles", json=ARTICLE)
        await client.post("/v1/articles", content=b"{", headers=JSON)
        await client.post("/v1/articles/bulk", content=b'{"text":"A line."}\n', headers=NDJSON)
        after = [await count("json", "accepted"), await count("json", "rejected"), await count("bulk", "accepted")]
    assert [late - early for early, late in zip(before, after, strict=True)] == [1, 1, 1]
