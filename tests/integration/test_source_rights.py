"""Which sources a key writes: every endpoint of ingest against every kind of key, and keys of an old data directory."""

from __future__ import annotations

from typing import Any

import httpx
import orjson
import pytest

from broadsheet.key_diagnosis import keys as examine_keys
from broadsheet.supervisor.localkey import ensure_local_key
from shared.articles import CANARY_SOURCE
from shared.source_patterns import source_patterns
from shared.store import Credentials, keys
from tests.support.builders import wait_until
from tests.support.ingest_http import JSON, NDJSON, TEXT, make_key, open_ingest, verdicts
from tests.support.valkey import Valkey

pytestmark = pytest.mark.redis

FEED = {"url": "https://feeds.example.org/rss.xml", "paused": True}
KEYS: dict[str, tuple[str, ...]] = {
    "no-sources": (),
    "another": ("gazette",),
    "longer-name": ("bbc-world",),
    "another-prefix": ("bbcx*",),
    "exact": ("gazette", "bbc"),
    "prefix": ("bb*",),
    "all": ("*",),
}
GOOD_KEYS = ("exact", "prefix", "all")


async def post_json(client: httpx.AsyncClient, source: str | None) -> httpx.Response:
    named = {} if source is None else {"source": source}
    return await client.post(
        "/v1/articles", content=orjson.dumps({"text": "The ferry is back.", **named}), headers=JSON
    )


async def post_page(client: httpx.AsyncClient, source: str | None) -> httpx.Response:
    params = {} if source is None else {"source": source}
    return await client.post("/v1/articles", content="The ferry is back.", headers=TEXT, params=params)


async def fetch(client: httpx.AsyncClient, source: str | None) -> httpx.Response:
    named = {} if source is None else {"source": source}
    return await client.post("/v1/fetch", json={"url": "http://127.0.0.1:9/", **named})


async def put_source(client: httpx.AsyncClient, source: str | None) -> httpx.Response:
    return await client.put(f"/v1/sources/{source}", json=FEED)


async def delete_source(client: httpx.AsyncClient, source: str | None) -> httpx.Response:
    return await client.delete(f"/v1/sources/{source}")


DOORS = {
    "json": (post_json, 202),
    "page": (post_page, 202),
    "fetch": (fetch, 422),  # the address is refused, after the source was not
    "put-source": (put_source, 201),
    "delete-source": (delete_source, 404),
}


@pytest.mark.parametrize("kind", KEYS)
@pytest.mark.parametrize("door", DOORS)
async def test_every_endpoint_takes_only_the_sources_of_the_key(
    valkey: Valkey, redis_client: Any, door: str, kind: str
) -> None:
    call, good = DOORS[door]
    key = await make_key(valkey.url, "ingest", "admin", sources=KEYS[kind])
    async with open_ingest(valkey.url) as client:
        client.headers["x-api-key"] = key
        response = await call(client, "bbc")
    if kind in GOOD_KEYS:
        assert response.status_code == good, response.text
        return
    assert response.status_code == 403
    problem = response.json()
    assert problem["type"].endswith("wrong-source")
    assert "'bbc' is not one this key may write" in problem["detail"]
    assert [error["field"] for error in problem["errors"]] == ["source"]
    assert await redis_client.xlen("{p0}:article.received.v1") == 0
    assert not await redis_client.exists(keys.source("bbc"))


@pytest.mark.parametrize("door", ["json", "page", "fetch"])
@pytest.mark.parametrize("kind", KEYS)
async def test_an_article_without_a_source_needs_a_key_of_all_sources(
    valkey: Valkey, redis_client: Any, door: str, kind: str
) -> None:
    call, good = DOORS[door]
    async with open_ingest(valkey.url) as client:
        client.headers["x-api-key"] = await make_key(valkey.url, "ingest", sources=KEYS[kind])
        response = await call(client, None)
    assert response.status_code == (good if kind == "all" else 403)


async def test_a_bulk_upload_says_it_per_line(valkey: Valkey, redis_client: Any) -> None:
    named = ["bbc", "gazette", "reuters-africa", "reuter", None]
    lines = [{"text": f"Report {n}.", **({"source": name} if name else {})} for n, name in enumerate(named)]
    async with open_ingest(valkey.url) as client:
        client.headers["x-api-key"] = await make_key(valkey.url, sources=("bbc", "reuters*"))
        body = b"\n".join(orjson.dumps(line) for line in lines)
        rows, summary = verdicts(await client.post("/v1/articles/bulk", content=body, headers=NDJSON))
    assert [row["status"] for row in rows] == ["accepted", "rejected", "accepted", "rejected", "rejected"]
    assert rows[1]["errors"] == [
        {"field": "source", "detail": "'gazette' is not one this key may write; it writes bbc, reuters*"}
    ]
    assert rows[4]["errors"][0]["detail"].startswith("none, which needs a key for all sources; it writes bbc")
    assert (summary["accepted"], summary["rejected"], summary["complete"]) == (2, 3, True)


async def test_a_change_of_the_sources_of_a_key_takes_effect_while_running(valkey: Valkey, redis_client: Any) -> None:
    key = await make_key(valkey.url, sources=("bbc",))
    async with open_ingest(valkey.url) as client:
        client.headers["x-api-key"] = key
        assert (await post_json(client, "bbc")).status_code == 202
        assert await Credentials(redis_client).allow(key.split("_")[1], {"gazette"})

        async def refused() -> bool:
            return (await post_json(client, "bbc")).status_code == 403

        await wait_until(refused, timeout=5)
        assert (await post_json(client, "gazette")).status_code == 202
    assert not await Credentials(redis_client).allow("0123456789ab", {"gazette"})


class TestUpgrade:
    async def old_key(self, redis_client: Any, name: str, *scopes: str) -> str:
        """A key as it was stored before keys had sources."""
        key, credential = await Credentials(redis_client).create(name, frozenset(scopes))
        await redis_client.hdel(keys.api_key(credential.key_id), "sources")
        return key

    async def test_an_old_key_keeps_writing_until_an_operator_decides(self, valkey: Valkey, redis_client: Any) -> None:
        key = await self.old_key(redis_client, "robot", "ingest")
        async with open_ingest(valkey.url) as client:
            client.headers["x-api-key"] = key
            assert (await post_json(client, "bbc")).status_code == 202
            assert (await post_json(client, None)).status_code == 202
        (finding,) = await examine_keys(redis_client)
        assert not finding.ok
        assert f"{key.split('_')[1]} (robot)" in finding.found
        assert "keys allow" in finding.advice
        await Credentials(redis_client).allow(key.split("_")[1], {"bbc"})
        (finding,) = await examine_keys(redis_client)
        assert finding.ok

    async def test_only_good_keys_that_write_are_to_be_decided(self, valkey: Valkey, redis_client: Any) -> None:
        await self.old_key(redis_client, "reader", "subscribe")
        revoked = await self.old_key(redis_client, "gone", "ingest")
        await Credentials(redis_client).revoke(revoked.split("_")[1])
        await make_key(valkey.url, sources=())
        (finding,) = await examine_keys(redis_client)
        assert finding.ok, finding.found

    async def test_the_local_key_of_an_old_data_directory_writes_all_sources(
        self, valkey: Valkey, redis_client: Any, tmp_path: Any
    ) -> None:
        key = await self.old_key(redis_client, "local", "ingest", "edit", "subscribe", "admin")
        (tmp_path / "local-key").write_text(key + "\n")
        assert await ensure_local_key(redis_client, tmp_path / "local-key") == (key, False)
        (finding,) = await examine_keys(redis_client)
        assert finding.ok
        known = await Credentials(redis_client).verify(key)
        assert known is not None
        assert known.writes(None)

    async def test_a_new_local_key_writes_all_sources(self, valkey: Valkey, redis_client: Any, tmp_path: Any) -> None:
        key, _ = await ensure_local_key(redis_client, tmp_path / "local-key")
        known = await Credentials(redis_client).verify(key)
        assert known is not None
        assert (known.writes(None), known.predates_sources) == (True, False)


@pytest.mark.parametrize("text", ["", " ", "a*b", "**", "*a", "a" * 121, "a\nb", "a\x00"])
def test_what_is_no_source_pattern_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match=r"source|end only"):
        source_patterns([text])


@pytest.mark.parametrize("door", ["json", "page", "fetch"])
@pytest.mark.parametrize(
    ("scopes", "sources", "allowed"),
    [
        (("ingest",), ("*",), False),
        (("ingest",), ("broad*",), False),
        (("ingest",), (CANARY_SOURCE,), True),
        (("ingest", "admin"), ("*",), True),
    ],
)
async def test_the_source_of_self_checks_is_reserved(
    valkey: Valkey, redis_client: Any, door: str, scopes: tuple[str, ...], sources: tuple[str, ...], *, allowed: bool
) -> None:
    call, good = DOORS[door]
    async with open_ingest(valkey.url) as client:
        client.headers["x-api-key"] = await make_key(valkey.url, *scopes, sources=sources)
        response = await call(client, CANARY_SOURCE)
    assert response.status_code == (good if allowed else 403), response.text
    assert allowed or response.json()["type"].endswith("reserved-source")


async def test_nothing_is_polled_under_the_source_of_self_checks(valkey: Valkey, redis_client: Any) -> None:
    async with open_ingest(valkey.url, scope="admin") as client:
        response = await put_source(client, CANARY_SOURCE)
    assert (response.status_code, response.json()["field"]) == (400, "source_id")
