"""ingest when the store is full, read-only or away, and what a key may do and for how long."""

from __future__ import annotations

import asyncio
from typing import Any

import httpx
import orjson
import pytest

from services.ingest.domain.drafts import draft_json
from services.ingest.domain.rejections import InputRejected
from services.ingest.handlers import RequestContext, build_acceptance
from shared.envelope import decode
from shared.events import ArticleReceived
from shared.store import Credentials, connect, keys
from shared.store.articles.port import Credential
from shared.topology import ARTICLE_RECEIVED
from tests.support.builders import NOON, wait_until
from tests.support.ingest_http import NDJSON, open_ingest, verdicts
from tests.support.valkey import Valkey

pytestmark = pytest.mark.redis

ARTICLE = {"source": "gazette", "id": "1", "title": "Ferry returns", "text": "The ferry is back."}


async def events(client: Any) -> list[ArticleReceived]:
    rows = await client.xrange(ARTICLE_RECEIVED.key)
    return [ArticleReceived.from_json(decode(fields)[1]) for _, fields in rows]


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
        origin = RequestContext(credential, None, "f")
        draft = draft_json(orjson.dumps(ARTICLE | {"source": "mine"}), now=NOON)
        assert build_acceptance(draft, origin, NOON).article_id == draft.article_id
        for other in (ARTICLE, {"text": "no source"}):
            with pytest.raises(InputRejected) as caught:
                build_acceptance(draft_json(orjson.dumps(other), now=NOON), origin, NOON)
            assert caught.value.rule == "wrong-source"


async def test_one_damaged_record_does_not_fail_requests_that_share_its_commit(
    valkey: Valkey, redis_client: Any
) -> None:
    victim = draft_json(orjson.dumps({"source": "s", "id": "7", "text": "x"}), now=NOON).article_id
    async with open_ingest(valkey.url) as client:
        client._transport.raise_app_exceptions = False  # type: ignore[attr-defined]
        await redis_client.set(keys.article(victim), "wrong type")
        answers = await asyncio.gather(
            *(client.post("/v1/articles", json={"source": "s", "id": str(n), "text": "x"}) for n in range(30))
        )
    statuses = [response.status_code for response in answers]
    assert statuses == [500 if n == 7 else 202 for n in range(30)]
    assert answers[7].headers["content-type"] == "application/problem+json"
