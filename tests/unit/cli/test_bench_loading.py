"""The loads that are compared hold the very same documents."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import tantivy
from aiohttp import web
from aiohttp.test_utils import TestServer
from httpx import ASGITransport, AsyncClient

from broadsheet.bench.search.engines import BenchServer, opened
from broadsheet.bench.search.loading import (
    BARE_MEILISEARCH,
    LIVE,
    REBUILT,
    Load,
    alike_tantivy,
    bare_tantivy,
    live,
    rebuilt,
    together,
)
from broadsheet.bench.search.proxy import create_app
from broadsheet.bench.search.report import EngineReport
from broadsheet.failure import CliFailure
from shared.search.embedded.schema import register
from tests.contracts.search_contract import article, newsroom
from tests.support.valkey import Valkey
from tests.unit.index.fake_index import FakeIndex


def test_the_loads_of_tantivy_hold_every_document(tmp_path: Path) -> None:
    docs = newsroom()
    bare, index = bare_tantivy(docs, tmp_path / "bare")
    alike = alike_tantivy(docs, tmp_path / "alike")
    ours = register(tantivy.Index.open(str(tmp_path / "alike")))
    assert (bare.documents, alike.documents) == (len(docs), len(docs))
    assert (index.searcher().num_docs, ours.searcher().num_docs) == (len(docs), len(docs))


def test_each_of_our_loads_is_compared_with_each_bare_one() -> None:
    loads = [Load(LIVE, 10, 4.0, 0, 0), Load(REBUILT, 10, 2.0, 0, 0), Load(BARE_MEILISEARCH, 10, 1.0, 0, 0)]
    whole = Load(REBUILT, 100, 1.0, 0, 0)  # of all documents: compared with nothing
    assert EngineReport("engine", [*loads, whole], [], {}).load_ratios == {
        "ours, live writes / bare bulk load": 0.25,
        "ours, rebuild / bare bulk load": 0.5,
    }
    assert EngineReport("engine", loads[:2], [], {}).load_ratios == {}


def test_two_runs_of_a_load_count_as_one() -> None:
    found = together([Load("bare", 10, 1.0, 2.0, 3.0), Load("bare", 10, 3.0, 4.0, 5.0)])
    assert found == Load("bare", 20, 4.0, 6.0, 8.0)
    assert found.per_second == 5.0


@pytest.mark.redis
@pytest.mark.usefixtures("redis_client")
async def test_our_loads_hold_every_document(tmp_path: Path, valkey: Valkey) -> None:
    docs = [article(f"a{number}", f"Report {number}") for number in range(250)]
    for name, load in (
        ("live", lambda index, show: live(index, docs, valkey.url, None, show)),
        ("rebuilt", lambda index, show: rebuilt(index, docs, None, show)),
    ):
        shown: list[int] = []
        index = opened(f"embedded:{tmp_path / name}")
        assert (await load(index, shown.append)).documents == 250
        assert (await index.stats()).documents == 250
        assert shown
        await index.aclose()


@pytest.mark.redis
@pytest.mark.usefixtures("redis_client")
async def test_a_refused_document_ends_a_load_with_its_reason(valkey: Valkey) -> None:
    index = FakeIndex()
    index.refuse = {"a1"}
    docs = [article(f"a{number}", f"Report {number}") for number in range(3)]
    with pytest.raises(CliFailure, match="refused 1 documents: will not have it"):
        await live(index, docs, valkey.url, None, lambda _: None)


async def test_the_bare_proxy_passes_a_search_on_and_its_answer_back() -> None:
    asked: list[dict[str, Any]] = []

    async def engine(request: web.Request) -> web.Response:
        asked.append(await request.json())
        return web.json_response({"hits": [], "key": request.headers["Authorization"]})

    app = web.Application()
    app.router.add_post("/indexes/articles/search", engine)
    async with TestServer(app) as running:
        proxy = create_app(BenchServer(f"http://{running.host}:{running.port}", "secret", ""))
        async with proxy.router.lifespan_context(proxy), AsyncClient(transport=ASGITransport(proxy)) as http:
            answer = await http.get("http://proxy/v1/search", params={"q": "harbour tram", "page-size": 10})
    assert answer.json() == {"hits": [], "key": "Bearer secret"}
    assert [body["q"] for body in asked] == ["harbour tram"]
