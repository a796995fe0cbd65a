"""What ingest promises a producer: identity, idempotency, revisions, outages, keys that act within seconds."""

from __future__ import annotations

import asyncio
from typing import Any

import httpx
import orjson
import pytest

from services.ingest.domain.drafts import draft_json
from services.ingest.domain.refusals import Refused
from services.ingest.handlers import Origin, acceptance_of
from shared.articles import InputKind
from shared.envelope import decode
from shared.events import ArticleReceived
from shared.store import Credentials, connect, keys
from shared.store.port import Credential, Original
from shared.store.redis import RedisArticleStore
from shared.topology import ARTICLE_RECEIVED
from tests.builders import NOON, wait_until
from tests.ingest_http import HTML, JSON, NDJSON, TEXT, open_ingest, verdicts
from tests.valkey import Valkey

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
        (
            {"content-type": "text/html; charset=ISO-8859-1"},
            b"<p>caf\xe9</p>",
            "html",
            "text/html; charset=iso8859-1",
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


class TestOutages:
    async def check_503(self, client: httpx.AsyncClient, text: str) -> None:
        loop = asyncio.get_running_loop()
        began = loop.time()
        response = await client.post("/v1/articles", json={"text": text})
        assert (response.status_code, response.headers["content-type"]) == (503, "application/problem+json")
        assert int(response.headers["retry-after"]) >= 1
        assert "redis" not in response.text.lower()
        assert loop.time() - began < 9

    async def test_out_of_memory_readonly_and_down_are_503_and_heal(self, own_valkey: Valkey) -> None:
        admin = connect(own_valkey.url)
        async with open_ingest(own_valkey.url) as client:
            assert (await client.post("/v1/articles", json={"text": "Before."})).status_code == 202
            await admin.config_set("maxmemory", "1")
            await self.check_503(client, "Full.")
            assert (await client.get("/readyz")).status_code == 503
            await admin.config_set("maxmemory", "0")
            await admin.replicaof("127.0.0.1", "1")
            await self.check_503(client, "Replica.")
            await admin.replicaof("NO", "ONE")
            assert (await client.get("/readyz")).status_code == 200
            own_valkey.kill()
            await self.check_503(client, "Down.")
            assert (await client.get("/readyz")).status_code == 503
            assert (await client.get("/livez")).status_code == 200
            own_valkey.start()

            async def heals() -> bool:
                return (await client.post("/v1/articles", json={"text": "After."})).status_code in {200, 202}

            await wait_until(heals)
        rows = await admin.xrange(ARTICLE_RECEIVED.key)
        assert len(rows) == 2
        await admin.aclose()

    async def test_a_start_without_a_store_waits_for_it(self, own_valkey: Valkey) -> None:
        async with open_ingest(own_valkey.url) as client:
            own_valkey.kill()
            assert (await client.get("/startupz")).status_code == 503
            assert (await client.get("/readyz")).status_code == 503
            own_valkey.start()

            async def ready() -> bool:
                return (await client.get("/readyz")).status_code == 200

            await wait_until(ready)
            assert (await client.get("/startupz")).status_code == 200

    async def test_a_bulk_upload_ends_with_the_truth_when_the_store_goes_away(self, own_valkey: Valkey) -> None:
        async with open_ingest(own_valkey.url) as client:
            assert (await client.post("/v1/articles", json={"text": "Warm the key."})).status_code == 202

            async def lines() -> Any:
                for n in range(100):
                    yield orjson.dumps({"source": "s", "id": str(n), "text": "Before."}) + b"\n"
                own_valkey.kill()
                for n in range(100, 200):
                    yield orjson.dumps({"source": "s", "id": str(n), "text": "After."}) + b"\n"

            rows, summary = verdicts(await client.post("/v1/articles/bulk", content=lines(), headers=NDJSON))
            own_valkey.start()
        statuses = [row["status"] for row in rows]
        assert len(statuses) == 200
        assert set(statuses) == {"accepted", "unavailable"}
        assert statuses == sorted(statuses)  # once away, nothing later is tried
        assert (summary["accepted"], summary["complete"]) == (statuses.count("accepted"), False)
        admin = connect(own_valkey.url)
        stored = {event.article.article_id for event in await events(admin)}
        assert {row["id"] for row in rows if row["status"] == "accepted"} <= stored
        await admin.aclose()

    async def test_one_damaged_record_does_not_fail_its_neighbours(self, valkey: Valkey, redis_client: Any) -> None:
        lines = [orjson.dumps({"source": "s", "id": str(n), "text": "x"}) for n in range(5)]
        victim = draft_json(lines[2], now=NOON).article_id
        async with open_ingest(valkey.url) as client:
            await redis_client.set(keys.article(victim), "wrong type")
            rows, summary = verdicts(await client.post("/v1/articles/bulk", content=b"\n".join(lines), headers=NDJSON))
        assert [row["status"] for row in rows] == ["accepted", "accepted", "failed", "accepted", "accepted"]
        assert summary["failed"] == 1
        assert len(await events(redis_client)) == 4


class TestKeys:
    async def test_a_revoked_key_is_refused_within_five_seconds(self, valkey: Valkey, redis_client: Any) -> None:
        async with open_ingest(valkey.url) as client:
            assert (await client.post("/v1/articles", json=ARTICLE)).status_code == 202
            key_id = client.headers["x-api-key"].split("_")[1]
            assert await Credentials(redis_client).revoke(key_id)

            async def refused() -> bool:
                return (await client.post("/v1/articles", json=ARTICLE)).status_code == 401

            await wait_until(refused, timeout=5)

    async def test_an_outage_lets_nobody_in(self, own_valkey: Valkey) -> None:
        async with open_ingest(own_valkey.url) as client:
            own_valkey.kill()
            response = await client.post(
                "/v1/articles", json=ARTICLE, headers={"x-api-key": client.headers["x-api-key"]}
            )
            assert response.status_code == 503

    async def test_a_flood_of_wrong_keys_does_not_lock_a_good_one_out(self, valkey: Valkey, redis_client: Any) -> None:
        async with open_ingest(valkey.url) as client:
            wrong = [f"bsk_{n:012d}_{'a' * 43}" for n in range(500)]
            flood = [client.post("/v1/articles", json=ARTICLE, headers={"x-api-key": key}) for key in wrong]
            *refused, good = await asyncio.gather(*flood, client.post("/v1/articles", json=ARTICLE))
        assert {response.status_code for response in refused} == {401}
        assert good.status_code == 202

    async def test_j33_a_key_bound_to_sources_writes_no_other(self) -> None:
        credential = Credential("id", "n", "", frozenset({"ingest"}), NOON, sources=frozenset({"mine"}))
        origin = Origin(credential, None, "f")
        draft = draft_json(orjson.dumps(ARTICLE | {"source": "mine"}), now=NOON)
        assert acceptance_of(draft, origin, NOON).article_id == draft.article_id
        for other in (ARTICLE, {"text": "no source"}):
            with pytest.raises(Refused) as caught:
                acceptance_of(draft_json(orjson.dumps(other), now=NOON), origin, NOON)
            assert caught.value.rule == "wrong-source"


async def test_bodies_beyond_the_memory_budget_are_503(valkey: Valkey, redis_client: Any) -> None:
    async with open_ingest(valkey.url, held_bytes=1024 * 1024) as client:
        response = await client.post("/v1/articles", content=b"x" * 2 * 1024 * 1024, headers=HTML)
        assert (response.status_code, response.headers["retry-after"]) == (503, "1")
        assert client.app.state.held.now == 0  # type: ignore[attr-defined]
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
