"""A client of the Guardian's content API reads all articles page by page, with only its host changed.

`airbyte-source-the-guardian-api` of PyPI needs Python 3.10 or older, so it cannot be a dependency: install it into an
environment of its own and name that Python in `GUARDIAN_CLIENT_PYTHON`. Its requests are tested here without it.
"""

from __future__ import annotations

import asyncio
import json
import os
from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import httpx
import pytest

from services.serve.app import create_app
from shared.search import open_index
from shared.search.port import IndexSpec
from shared.settings import BaseServiceSettings
from tests.support.builders import index_doc
from tests.support.serving import publish, running, serve_settings
from tests.support.valkey import Valkey

pytestmark = [pytest.mark.redis, pytest.mark.timeout(120)]

ARTICLES = 23
FIRST = datetime(2026, 2, 2, 9, tzinfo=UTC)
RUN = """
import sys
from airbyte_cdk.entrypoint import launch
from source_the_guardian_api import SourceTheGuardianApi

def aim(value, base):
    if isinstance(value, dict):
        for name in value:
            if name == "url_base":
                value[name] = base
            else:
                aim(value[name], base)
    elif isinstance(value, list):
        for item in value:
            aim(item, base)

source = SourceTheGuardianApi()
aim(source._source_config, sys.argv[1])
launch(source, ["read", "--config", sys.argv[2], "--catalog", sys.argv[3]])
"""


@pytest.fixture
async def served(valkey: Valkey, redis_client: Any, tmp_path: Path) -> AsyncIterator[tuple[str, set[str]]]:
    """The base URL of serve, and the ids of its articles: one a day from `FIRST` on."""
    url = f"embedded:{tmp_path / 'index'}"
    writer = open_index(BaseServiceSettings(BROADSHEET_INDEX_URL=url), writer=True)
    await writer.ensure(IndexSpec())
    articles = []
    for number in range(ARTICLES):
        at = FIRST + timedelta(days=number)
        article, _ = await publish(redis_client, external_id=f"a{number}", published_at=at, received_at=at)
        articles.append(article)
    await writer.upsert([index_doc(article) for article in articles], op_id="fill")
    await writer.aclose()
    async with running(create_app(serve_settings(valkey.url, BROADSHEET_INDEX_URL=url))) as base:
        yield base, {article.id for article in articles}


async def test_the_requests_of_the_client_are_answered(served: tuple[str, set[str]]) -> None:
    """A key in every URL, times with seconds, the page in the URL, the page size in the body of a GET."""
    base, ids = served
    found: list[str] = []
    async with httpx.AsyncClient(base_url=base) as client:
        params = {"api-key": "test", "order-by": "oldest", "from-date": "2026-02-01T00:00:00Z", "page": "1"}
        params["to-date"] = "2026-02-28T23:59:59Z"
        while True:
            answer = await client.request("GET", "/v1/search", params=params, data={"page_size": "10"})
            assert answer.status_code == 200, answer.text
            body = answer.json()["response"]
            found += [item["id"] for item in body["results"]]
            if body["currentPage"] >= body["pages"]:
                break
            params["page"] = str(body["currentPage"] + 1)
        assert (set(found), len(found)) == (ids, ARTICLES)
        for path in (f"/v1/articles/{found[0]}", "/v1/streams/city-news"):
            assert (await client.get(path, params={"api-key": "test"})).status_code == 200, path
        assert (await client.get("/v1/search", params={"apiKey": "test"})).status_code == 200
        for name in ("api-key", "apiKey"):
            refused = await client.get("/v1/search", params={name: "bsk_0123456789ab_x"})
            assert (refused.status_code, refused.json()["field"]) == (400, name)


async def test_the_client_reads_every_article_once(served: tuple[str, set[str]], tmp_path: Path) -> None:
    python = os.environ.get("GUARDIAN_CLIENT_PYTHON")
    if not python:
        pytest.skip("GUARDIAN_CLIENT_PYTHON names no Python with airbyte-source-the-guardian-api: client NOT tested")
    base, ids = served
    config, catalog = tmp_path / "config.json", tmp_path / "catalog.json"
    config.write_text(json.dumps({"api_key": "test", "start_date": "2026-02-01", "end_date": "2026-03-05"}))
    stream = {"name": "content", "json_schema": {}, "supported_sync_modes": ["full_refresh"]}
    synced = {"stream": stream, "sync_mode": "full_refresh", "destination_sync_mode": "overwrite"}
    catalog.write_text(json.dumps({"streams": [synced]}))
    process = await asyncio.create_subprocess_exec(
        python, "-c", RUN, f"{base}/v1", str(config), str(catalog), stdout=asyncio.subprocess.PIPE
    )
    out, _ = await process.communicate()
    lines = [json.loads(line) for line in out.splitlines() if line.startswith(b"{")]
    found = [line["record"]["data"]["id"] for line in lines if line["type"] == "RECORD"]
    assert (process.returncode, set(found), len(found)) == (0, ids, ARTICLES)
