"""`/v1/sources` and `/v1/fetch`: what is taken, what is refused and how, who may; one real process that polls."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import httpx
import pytest

from shared.store import keys
from tests.support.builders import wait_until
from tests.support.fetching import Asked, http, origin
from tests.support.ingest_http import ingest_process, make_key, open_ingest
from tests.support.polling import item, rss
from tests.support.valkey import Valkey

FEED = {"url": "https://gazette.example/feed.xml"}
PAGE = (
    b"<html><body><article><h1>The ferry returns</h1><p>After nine years the old ferry crosses the harbour again, "
    b"and the council pays for it.</p></article></body></html>"
)


async def test_a_source_is_made_shown_changed_listed_and_forgotten(valkey: Valkey, redis_client: Any) -> None:
    async with open_ingest(valkey.url, scope="admin") as client:
        made = await client.put("/v1/sources/gazette", json={**FEED, "interval_seconds": 600, "pages": True})
        assert made.status_code == 201, made.text
        shown = (await client.get("/v1/sources/gazette")).json()
        assert {name: shown[name] for name in ("id", "kind", "interval_seconds", "pages", "paused")} == {
            "id": "gazette",
            "kind": "feed",
            "interval_seconds": 600,
            "pages": True,
            "paused": False,
        }
        assert shown["next_poll_at"]
        assert (shown["last_poll"]["polls_total"], "known" in shown["last_poll"]) == (0, False)
        same = await client.put("/v1/sources/gazette", json={**FEED, "interval_seconds": 600, "pages": True})
        assert (same.status_code, same.json()["status"]) == (200, "unchanged")
        changed = await client.put("/v1/sources/gazette", json=FEED)
        assert (changed.status_code, changed.json()["status"], changed.json()["pages"]) == (200, "changed", False)
        for number in range(3):
            await client.put(f"/v1/sources/s{number}", json=FEED)
        first = (await client.get("/v1/sources?limit=2")).json()
        rest = (await client.get(f"/v1/sources?limit=2&after={first['next']}")).json()
        assert [row["id"] for row in first["sources"] + rest["sources"]] == ["gazette", "s0", "s1", "s2"]
        assert (await client.delete("/v1/sources/gazette")).status_code == 204
        assert (await client.delete("/v1/sources/gazette")).status_code == 404
        assert (await client.get("/v1/sources/gazette")).status_code == 404


REFUSED: dict[str, tuple[dict[str, Any], str]] = {
    "no url": ({}, "url"),
    "loopback": ({"url": "http://127.0.0.1/feed"}, "url"),
    "loopback in disguise": ({"url": "http://0x7f.1/feed"}, "url"),
    "a name of loopback": ({"url": "http://localhost/feed"}, "url"),
    "metadata": ({"url": "http://169.254.169.254/"}, "url"),
    "port": ({"url": "http://gazette.example:6379/"}, "url"),
    "scheme": ({"url": "file:///etc/passwd"}, "url"),
    "password": ({"url": "http://a:b@gazette.example/"}, "url"),
    "no string": ({"url": 5}, "url"),
    "kind": ({**FEED, "kind": "podcast"}, "kind"),
    "interval": ({**FEED, "interval_seconds": 1}, "interval_seconds"),
    "interval true": ({**FEED, "interval_seconds": True}, "interval_seconds"),
    "pages": ({**FEED, "pages": "yes"}, "pages"),
    "unknown": ({**FEED, "colour": 1}, "colour"),
}


@pytest.mark.parametrize(("body", "field"), REFUSED.values(), ids=REFUSED.keys())
async def test_a_bad_source_names_its_field(
    valkey: Valkey, redis_client: Any, body: dict[str, Any], field: str
) -> None:
    async with open_ingest(valkey.url, scope="admin") as client:
        answer = await client.put("/v1/sources/gazette", json=body)
        assert (answer.status_code, answer.json()["field"]) == (400, field), answer.text
        assert (await client.get("/v1/sources/gazette")).status_code == 404


async def test_bad_ids_bodies_parameters_and_keys(valkey: Valkey, redis_client: Any) -> None:
    async with open_ingest(valkey.url, scope="admin") as client:
        for path in ("/v1/sources/a%20b", "/v1/sources/.a", f"/v1/sources/{'a' * 81}"):
            assert (await client.put(path, json=FEED)).json()["field"] == "source_id"
        for body in (b"", b"[]", b"{", b'{"url":"https://a.example/","url":"https://b.example/"}', b"\xff"):
            answer = await client.put("/v1/sources/a", content=body, headers={"content-type": "application/json"})
            assert (answer.status_code, answer.json()["field"]) == (400, "body")
        assert (
            await client.put("/v1/sources/a", content=b"x", headers={"content-type": "text/xml"})
        ).status_code == 415
        assert (await client.put("/v1/sources/a", json={"url": "https://a.example/" + "a" * 70_000})).status_code == 413
        for query in ("limit=0", "limit=x", "limit=99999", "after=a%20b", "colour=1"):
            assert (await client.get(f"/v1/sources?{query}")).status_code == 400
    async with open_ingest(valkey.url) as client:  # a producer's key
        assert (await client.put("/v1/sources/a", json=FEED)).status_code == 403
        assert (await client.delete("/v1/sources/a")).status_code == 403
        assert (await client.get("/v1/sources")).status_code == 200
        assert (await client.get("/v1/sources", headers={"x-api-key": "no"})).status_code == 401


async def test_a_page_that_may_not_be_fetched_is_refused_and_says_why(valkey: Valkey, redis_client: Any) -> None:
    async with open_ingest(valkey.url) as client:
        inside = await client.post("/v1/fetch", json={"url": "http://127.0.0.1:6379/"})
        assert (inside.status_code, inside.json()["type"]) == (422, "urn:broadsheet:problem:fetch-address")
        assert inside.json()["field"] == "url"
        for body in ({}, {"url": "nonsense"}, {"url": "https://a.example/", "colour": 1}):
            assert (await client.post("/v1/fetch", json=body)).status_code == 400


@pytest.mark.slow
async def test_a_process_polls_its_sources_and_fetches_pages(valkey: Valkey, redis_client: Any, tmp_path: Path) -> None:
    def answer(asked: Asked) -> bytes:
        if asked.path.startswith("/page"):
            return http(body=PAGE, content_type="text/html")
        if asked.path == "/binary":
            return http(body=b"\x89PNG" + bytes(99), content_type="text/html")
        return http(body=rss(item(1), item(2))) if asked.path == "/feed" else http("404 Not Found")

    key = await make_key(valkey.url, "admin")
    env = {"BROADSHEET_FETCH_ALLOW": "127.0.0.0/8", "BROADSHEET_FETCH_PORTS": "any"}
    async with origin(answer) as server:
        with ingest_process(valkey.url, tmp_path / "log", **env) as (port, _):
            async with httpx.AsyncClient(base_url=f"http://127.0.0.1:{port}", headers={"x-api-key": key}) as client:
                made = await client.put("/v1/sources/gazette", json={"url": server.url("/feed")})
                assert made.status_code == 201, made.text

                async def polled() -> bool:
                    return bool((await client.get("/v1/sources/gazette")).json()["last_poll"]["accepted"])

                await wait_until(polled, timeout=20)
                fetched = await client.post("/v1/fetch", json={"url": server.url("/page"), "source": "one"}, timeout=20)
                assert fetched.status_code == 202, fetched.text
                again = await client.post("/v1/fetch", json={"url": server.url("/page?utm_source=x"), "source": "one"})
                assert again.json()["id"] == fetched.json()["id"]
                missing = await client.post("/v1/fetch", json={"url": server.url("/missing")})
                assert (missing.status_code, missing.json()["field"]) == (422, "url")
                assert (await client.post("/v1/fetch", json={"url": server.url("/binary")})).status_code == 415
                nobody = await client.post("/v1/fetch", json={"url": "http://127.0.0.1:1/"})
                assert nobody.status_code == 502
    assert len(await redis_client.keys(f"{keys.ARTICLE_PREFIX}*")) == 3
