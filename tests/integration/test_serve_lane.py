"""Searches of ordinary readers pass the framework by; what they are answered is what the app itself answers."""

from __future__ import annotations

from typing import Any

import httpx
import pytest

from services.serve.routes.lane import SearchLane
from shared.search.errors import IndexMissing, SearchUnavailable
from tests.support.fakes import FakeSearchIndex
from tests.support.serving import publish

pytestmark = pytest.mark.redis

QUERIES = (
    "",
    "q=ferry",
    "q=ferry&page-size=2&page=2",
    "q=&page-size=3&tag=city-news",
    "q=f%C3%A4hre+%22a+b%22&show-facets=tags",
    "q=%3Cscript%3E&order-by=newest",
    "q=ferry&show-highlights=false",
    "q=a+OR+b&duplicates=all",
    "q=ferry&pag%65=2",
    "q=a;b&from-date=2020-01-01",
)
REFUSED = (
    "q=a&q=b",
    "qq=1",
    "page=0",
    "page=900&page-size=10",
    "q=%00&match=strict",
    "order-by=best",
    "q=tag%3Ax+OR&match=strict",
    "page-size=",
)


async def answers(api: httpx.AsyncClient, query: str) -> tuple[httpx.Response, httpx.Response]:
    """Through the lane, and through the app, which an `Origin` goes to."""
    return await api.get(f"/v1/search?{query}"), await api.get(
        f"/v1/search?{query}", headers={"origin": "https://reader.example"}
    )


def shown(answer: httpx.Response) -> dict[str, Any]:
    headers = {name: value for name, value in answer.headers.items() if not name.startswith("access-control-")}
    body = answer.json()
    if "response" in body:
        assert body["response"].pop("took_ms") >= 0
        headers.pop("content-length")  # the time taken has more digits or less
    return {"status": answer.status_code, "headers": headers, "body": body}


@pytest.fixture(autouse=True)
def passed_by(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """The queries that the lane answered itself."""
    taken: list[str] = []
    own = SearchLane._answer

    async def noted(self: SearchLane, query: str) -> Any:
        answer = await own(self, query)
        taken.append(query)
        return answer

    monkeypatch.setattr(SearchLane, "_answer", noted)
    return taken


@pytest.mark.parametrize("query", QUERIES)
async def test_both_ways_answer_alike(
    api: httpx.AsyncClient, redis_client: Any, index: FakeSearchIndex, query: str, passed_by: list[str]
) -> None:
    for number in range(5):
        await publish(redis_client, index, external_id=f"n{number}", title=f"Ferry <b>number</b> {number}")
    lane, app = await answers(api, query)
    assert lane.status_code == 200
    assert shown(lane) == shown(app)
    assert passed_by == [query]


@pytest.mark.parametrize("query", REFUSED)
async def test_both_ways_refuse_alike(api: httpx.AsyncClient, query: str) -> None:
    lane, app = await answers(api, query)
    assert lane.status_code == 400
    assert lane.headers["content-type"] == "application/problem+json"
    assert shown(lane) == shown(app)


@pytest.mark.parametrize("error", [SearchUnavailable("down"), IndexMissing("none"), RuntimeError("a fault of ours")])
async def test_both_ways_fail_alike(
    api: httpx.AsyncClient, index: FakeSearchIndex, monkeypatch: pytest.MonkeyPatch, error: Exception
) -> None:
    async def fails(_: Any) -> Any:
        raise error

    monkeypatch.setattr(index, "search", fails)
    lane, app = await answers(api, "q=ferry")
    assert lane.status_code >= 500
    assert shown(lane) == shown(app)


async def test_a_search_that_failed_is_asked_once(
    api: httpx.AsyncClient, index: FakeSearchIndex, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked = 0

    async def fails(_: Any) -> Any:
        nonlocal asked
        asked += 1
        raise SearchUnavailable("down")

    monkeypatch.setattr(index, "search", fails)
    assert (await api.get("/v1/search?q=ferry")).status_code == 503
    assert asked == 1


async def test_validators_other_methods_and_bad_request_lines_are_left_to_the_app(
    api: httpx.AsyncClient, redis_client: Any, index: FakeSearchIndex, passed_by: list[str]
) -> None:
    await publish(redis_client, index)
    tag = (await api.get("/v1/search?q=harbour")).headers["etag"]
    passed_by.clear()
    assert (await api.get("/v1/search?q=harbour", headers={"if-none-match": tag})).status_code == 304
    assert (await api.post("/v1/search?q=harbour")).status_code == 405
    assert (await api.get(f"/v1/search?q={'a' * 9_000}")).status_code == 414
    assert (await api.get("/v1/search?q=a", headers={f"x-{n}": "1" for n in range(120)})).status_code == 431
    assert passed_by == []
