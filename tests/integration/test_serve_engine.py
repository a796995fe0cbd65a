"""Serve on the embedded engine, and as a process of its own."""

from __future__ import annotations

import asyncio
import os
import signal
import sys
from pathlib import Path
from typing import Any

import httpx
import pytest

from services.serve.app import create_app
from shared.articles import Tag
from shared.search import open_index
from shared.search.port import IndexSpec
from shared.settings import BaseServiceSettings
from tests.integration.test_serve_api import HOSTILE
from tests.support.builders import index_doc, wait_until
from tests.support.effort import at_most
from tests.support.feed_rules import assert_by_schema, assert_json_feed
from tests.support.serving import asgi, publish, serve_settings
from tests.support.valkey import Valkey, free_port

ROOT = Path(__file__).resolve().parents[2]
pytestmark = [pytest.mark.redis, pytest.mark.timeout(120)]


async def fill(directory: Path, client: Any) -> list[str]:
    """Three published articles in store and index; their ids."""
    writer = open_index(BaseServiceSettings(BROADSHEET_INDEX_URL=f"embedded:{directory}"), writer=True)
    try:
        await writer.ensure(IndexSpec())
        articles = []
        for number, title in enumerate(("Lighthouse keepers strike", "Lighthouse lamp relit", "Bakers of the quay")):
            tags = (Tag(slug="harbour", label="The Harbour"),)
            subject = ("coast", "lamp", "sea") if title.startswith("Lighthouse") else ("flour", "oven")
            words = tuple((word, 1.0) for word in (*title.lower().split(), *subject))
            article, _ = await publish(client, external_id=f"e{number}", title=title, tags=tags, signature=words)
            articles.append(article)
        receipt = await writer.upsert([index_doc(article) for article in articles], op_id="fill")

        async def visible() -> bool:
            (outcome,) = await writer.outcomes([receipt])
            return outcome.status == "visible"

        await wait_until(visible, what="the batch to be visible")
    finally:
        await writer.aclose()
    return [article.id for article in articles]


async def test_the_api_on_the_embedded_engine(valkey: Valkey, redis_client: Any, tmp_path: Path) -> None:
    ids = await fill(tmp_path / "index", redis_client)
    settings = serve_settings(valkey.url, BROADSHEET_INDEX_URL=f"embedded:{tmp_path / 'index'}")
    async with asgi(create_app(settings)) as api:

        async def found(path: str) -> list[dict[str, Any]]:
            answer = await api.get(path)
            assert answer.status_code == 200, (path, answer.text)
            return answer.json()["response"]["results"]

        assert {item["id"] for item in await found("/v1/search?q=lighthouse")} == set(ids[:2])
        assert {item["id"] for item in await found("/v1/search?q=lighthosue")} == set(ids[:2])
        assert {item["id"] for item in await found("/v1/search?q=lightho")} == set(ids[:2])
        (hit,) = await found("/v1/search?q=relit")
        assert "<mark>relit</mark>" in hit["highlights"]["title"]
        assert len(await found("/v1/streams/harbour")) == 3
        assert [item["count"] for item in await found("/v1/tags")] == [3]
        assert any(item["href"].startswith("/articles/") for item in await found("/v1/suggest?q=ligh"))
        assert (await found(f"/v1/articles/{ids[0]}/related"))[0]["id"] == ids[1]
        for path in ("/", "/search?q=lighthouse", "/streams/harbour", f"/articles/{ids[0]}/harbour-council-votes"):
            assert (await api.get(path)).status_code == 200, path
        for params, _ in HOSTILE:
            with at_most(1, str(params)):
                answer = await api.get("/v1/search", params=params)
            assert answer.status_code in {200, 400}, params


async def test_many_heavy_searches_at_once(valkey: Valkey, redis_client: Any, tmp_path: Path) -> None:
    """Q18 with 300: each is answered or told when to come back, and the next search is quick."""
    await fill(tmp_path / "index", redis_client)
    settings = serve_settings(valkey.url, BROADSHEET_INDEX_URL=f"embedded:{tmp_path / 'index'}")
    async with asgi(create_app(settings)) as api:
        heavy = " ".join(f"lightho{number}" for number in range(40))
        calls = [
            api.get("/v1/search", params={"q": f"{heavy} {number}", "show-facets": "all"}) for number in range(300)
        ]
        answers = await asyncio.gather(*calls)
        for answer in answers:
            assert answer.status_code == 200 or "retry-after" in answer.headers, answer.text
        with at_most(1):
            assert (await api.get("/v1/search?q=lamp")).status_code == 200


async def test_without_an_index_it_is_not_ready_and_says_503(valkey: Valkey, redis_client: Any, tmp_path: Path) -> None:
    settings = serve_settings(valkey.url, BROADSHEET_INDEX_URL=f"embedded:{tmp_path / 'none'}")
    async with asgi(create_app(settings)) as api:
        assert (await api.get("/livez")).status_code == 200
        assert (await api.get("/readyz")).status_code == 503
        assert (await api.get("/v1/search")).status_code == 503


async def test_as_a_process(valkey: Valkey, redis_client: Any, tmp_path: Path) -> None:
    ids = await fill(tmp_path / "index", redis_client)
    port = free_port()
    environment = {
        "BROADSHEET_REDIS_URL": valkey.url,
        "BROADSHEET_INDEX_URL": f"embedded:{tmp_path / 'index'}",
        "BROADSHEET_ENVIRONMENT": "local",
        "SERVE_PORT": str(port),
    }
    process = await asyncio.create_subprocess_exec(
        sys.executable,
        "-m",
        "services.serve.app",
        cwd=ROOT,
        env={"PATH": os.environ["PATH"], **environment},
    )
    try:
        async with httpx.AsyncClient(base_url=f"http://127.0.0.1:{port}") as api:

            async def ready() -> bool:
                assert process.returncode is None, "serve ended"
                try:
                    return (await api.get("/readyz")).status_code == 200
                except httpx.TransportError:
                    return False

            await wait_until(ready, timeout=30)
            assert len((await api.get("/v1/search")).json()["response"]["results"]) == len(ids)
            async with api.stream("GET", "/v1/events?since=earliest") as stream:
                assert (await anext(stream.aiter_raw())).startswith(b"retry: 3000\nevent: hello")
                process.send_signal(signal.SIGTERM)  # with a stream open
                assert await asyncio.wait_for(process.wait(), 10) == 0
    finally:
        if process.returncode is None:
            process.kill()
            await process.wait()


async def test_feeds_on_the_embedded_engine(valkey: Valkey, redis_client: Any, tmp_path: Path) -> None:
    """Every kind of feed asks the engine something else; sitemaps ask for as many results as it gives."""
    ids = await fill(tmp_path / "index", redis_client)
    settings = serve_settings(valkey.url, BROADSHEET_INDEX_URL=f"embedded:{tmp_path / 'index'}")
    async with asgi(create_app(settings)) as api:
        for path, count in {
            "front": 3,
            "streams/harbour": 3,
            "sections/local": 3,
            "sources/example-gazette": 3,
            "search": 3,
        }.items():
            feed = assert_json_feed((await api.get(f"/feeds/{path}.json")).content)
            assert len(feed["items"]) == count, path
        for query in (
            "q=lighthouse",
            "q=lighthouse+OR+nothing",
            "q=lighthouse&match=strict",
            "q=lighthouse&tag=harbour",
        ):
            feed = assert_json_feed((await api.get(f"/feeds/search.json?{query}")).content)
            assert len(feed["items"]) == 2, query
        whole = assert_by_schema((await api.get("/sitemap.xml")).content, "sitemap")
        assert sum(ident in one[0].text for one in whole for ident in ids) == 3
        assert len(assert_by_schema((await api.get("/news-sitemap.xml")).content, "sitemap")) == 0
