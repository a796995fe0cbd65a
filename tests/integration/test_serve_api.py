"""The HTTP API over ASGI, on a real store and a fake engine."""

from __future__ import annotations

import json
from typing import Any

import httpx
import pytest

from services.serve.domain.search_parameters import FOREIGN_KEY, SEARCH
from shared.articles import Tag
from shared.store import Credentials
from tests.support.builders import wait_until
from tests.support.effort import at_most
from tests.support.fakes import FakeSearchIndex
from tests.support.serving import asgi, new_app, publish
from tests.support.valkey import Valkey

pytestmark = pytest.mark.redis
NOBODY = "a" * 26


async def test_the_envelope_of_a_search(api: httpx.AsyncClient, redis_client: Any, index: FakeSearchIndex) -> None:
    for number in range(12):
        await publish(redis_client, index, external_id=f"n{number}", title=f"Ferry <b>number</b> {number}")
    answer = await api.get("/v1/search", params={"q": "ferry", "page-size": "5", "page": "2", "show-facets": "tags"})
    assert answer.status_code == 200
    body = answer.json()["response"]
    assert {name: body[name] for name in ("status", "total", "startIndex", "pageSize", "currentPage", "pages")} == {
        "status": "ok",
        "total": 12,
        "startIndex": 6,
        "pageSize": 5,
        "currentPage": 2,
        "pages": 3,
    }
    assert body["orderBy"] == "relevance"
    assert body["facets"] == {"tags": {"transport": 12, "city-news": 12}}
    assert body["took_ms"] >= 0
    assert len(body["results"]) == 5
    first = body["results"][0]
    assert first["highlights"]["title"].startswith("<mark>Ferry</mark> &lt;b&gt;number&lt;/b&gt;")
    assert first["links"]["html"] == f"/articles/{first['id']}/harbour-council-votes"
    assert 'rel="next"' in answer.headers["link"]
    assert 'rel="prev"' in answer.headers["link"]


async def test_filters_reach_the_engine(api: httpx.AsyncClient, redis_client: Any, index: FakeSearchIndex) -> None:
    sport = (Tag(slug="sport", label="Sport"), Tag(slug="city-news", label="City News"))
    one, _ = await publish(redis_client, index, external_id="one")
    two, _ = await publish(redis_client, index, external_id="two", tags=sport, source="bay-times", language="de")

    async def found(**params: str) -> set[str]:
        body = (await api.get("/v1/search", params={k.replace("_", "-"): v for k, v in params.items()})).json()
        return {item["id"] for item in body["response"]["results"]}

    assert await found() == {one.id, two.id}
    assert await found(tag="#CityNews") == {one.id, two.id}
    assert await found(tag="city-news,-sport") == {one.id}
    assert await found(tag="transport|sport") == {one.id, two.id}
    assert await found(tag="transport,sport") == set()
    assert await found(source="bay-times") == {two.id}
    assert await found(sources="-bay-times") == {one.id}
    assert await found(lang="de") == {two.id}
    assert await found(ids=one.id) == {one.id}
    assert await found(to_date="2026-03-13") == set()
    assert await found(from_date="2026-03-14", to_date="2026-03-14") == {one.id, two.id}


HOSTILE = [
    ({"collapse": "source"}, "collapse"),
    ({"duplicates": "yes"}, "duplicates"),
    ({"lang": "en OR 1=1"}, "lang"),  # Q01
    ({"source": '" OR tenant != "x'}, None),  # Q02: a literal value that nothing has
    ({"secret": "x"}, "secret"),  # Q03
    ({"tag": "(" * 201}, "tag"),  # Q04
    ({"ids": ",".join(["x"] * 1500)}, "ids"),  # Q05
    ({"tag": ",".join(["x"] * 1500)}, "tag"),  # Q05
    ({"q": "x" * 6000, "match": "strict"}, "q"),  # Q06
    ({"limit": "-1"}, "limit"),  # Q07
    ({"limit": "1" + "0" * 20}, "limit"),  # Q08
    ({"page": "1000000000"}, "page"),  # Q09
    ({"order-by": "api_key"}, "order-by"),  # Q10
    ({"show-fields": "*"}, "show-fields"),  # Q11
    ({"show-highlights": "<script>"}, "show-highlights"),  # Q12
    ({"q": "a\0b", "match": "strict"}, "q"),  # Q13
    ({"q": '" - " OR ( ) "" --- *:*', "match": "strict"}, "q"),  # Q14
    ({"section": "x" * 469}, "section"),  # Q15
    ({"show-facets": "__proto__"}, "show-facets"),  # Q16
    ({"cursor": "AAAA"}, "cursor"),  # Q17
    ({"q": "\u202e\u0301" * 400}, None),
    ({"from-date": "+100000-01-01"}, "from-date"),
]


@pytest.mark.parametrize(("params", "name"), HOSTILE)
async def test_hostile_searches(api: httpx.AsyncClient, params: dict[str, str], name: str | None) -> None:
    with at_most(1):
        answer = await api.get("/v1/search", params=params)
    if name is None:
        assert answer.status_code == 200
        assert answer.json()["response"]["total"] == 0
        return
    assert answer.status_code == 400
    assert answer.headers["content-type"] == "application/problem+json"
    assert answer.json()["field"] == name
    assert len(answer.content) < 4096


async def test_a_url_of_60_kb_is_refused(api: httpx.AsyncClient) -> None:
    answer = await api.get("/v1/search", params={"q": "x" * 60_000})
    assert answer.status_code == 414


@pytest.mark.parametrize(
    "path",
    [
        "/v1/tags",
        "/v1/suggest",
        "/v1/streams/x",
        f"/v1/articles/{NOBODY}",
        f"/v1/articles/{NOBODY}/trace",
        "/v1/events",
    ],
)
async def test_unknown_parameters_are_refused_everywhere(api: httpx.AsyncClient, path: str) -> None:
    answer = await api.get(path, params={"nonsense": "1"})
    assert answer.status_code == 400
    assert answer.json()["field"] == "nonsense"


async def test_an_unchanged_answer_is_304(api: httpx.AsyncClient, redis_client: Any, index: FakeSearchIndex) -> None:
    article, _ = await publish(redis_client, index)
    paths = ["/v1/search?q=ferry", f"/v1/articles/{article.id}", f"/v1/articles/{article.id}?show-related=true"]
    paths += [f"/v1/articles/{article.id}/related", f"/v1/articles/{article.id}/trace"]
    paths += ["/v1/streams/transport", "/v1/tags", "/v1/suggest?q=fe", "/", "/search?q=ferry", "/streams/transport"]
    paths += [f"/articles/{article.id}/{article.slug}"]
    tags = {}
    for path in paths:
        first = await api.get(path)
        assert first.status_code == 200, path
        tags[path] = first.headers["etag"]
        again = await api.get(path, headers={"If-None-Match": tags[path]})
        assert (again.status_code, again.content) == (304, b""), path
        assert "max-age" in again.headers["cache-control"]
    assert len(set(tags.values())) == len(paths)
    before = index.searches
    await api.get("/v1/search?q=ferry", headers={"If-None-Match": tags["/v1/search?q=ferry"]})
    assert index.searches == before, "a 304 must not search"
    await publish(redis_client, index, external_id="another")

    async def changed() -> bool:
        answer = await api.get("/v1/search?q=ferry", headers={"If-None-Match": tags["/v1/search?q=ferry"]})
        return answer.status_code == 200

    await wait_until(changed, timeout=2, what="the new epoch")


async def test_streams_tags_and_suggestions(api: httpx.AsyncClient, redis_client: Any, index: FakeSearchIndex) -> None:
    tags = (Tag(slug="улица", label="Улица"),)
    article, _ = await publish(redis_client, index, tags=tags)
    answer = await api.get("/v1/streams/улица")
    assert answer.status_code == 200
    assert answer.json()["response"]["tag"] == {"slug": "улица", "label": "Улица"}
    assert [item["id"] for item in answer.json()["response"]["results"]] == [article.id]
    assert "%D1%83" in answer.headers["link"]
    empty = await api.get("/v1/streams/улица", params={"page": "2"})
    assert (empty.status_code, empty.json()["response"]["results"]) == (200, [])
    assert (await api.get("/v1/streams/nowhere")).status_code == 404
    (found,) = (await api.get("/v1/tags", params={"q": "ул"})).json()["response"]["results"]
    assert (found["slug"], found["count"]) == ("улица", 1)
    assert (await api.get("/v1/tags", params={"q": "x"})).json()["response"]["results"] == []
    (title,) = (await api.get("/v1/suggest", params={"q": "harb"})).json()["response"]["results"]
    assert (title["kind"], title["href"]) == ("title", f"/articles/{article.id}")
    assert (await api.get("/v1/suggest")).json()["response"]["results"] == []


async def test_down_is_503_with_retry_after(api: httpx.AsyncClient, redis_client: Any, index: FakeSearchIndex) -> None:
    article, _ = await publish(redis_client, index)
    index.down = True
    for path in ("/v1/search", "/v1/tags", "/v1/suggest?q=x", "/v1/streams/transport", "/", "/search"):
        answer = await api.get(path)
        assert answer.status_code == 503, path
        assert int(answer.headers["retry-after"]) >= 1
    assert (await api.get(f"/v1/articles/{article.id}")).status_code == 200
    assert (await api.get("/readyz")).status_code == 503
    assert (await api.get("/livez")).status_code == 200
    index.down = False
    assert (await api.get("/readyz")).json() == {"status": "ready", "log": "ok", "index": "ok"}
    assert (await api.get("/startupz")).status_code == 200
    assert "broadsheet_sse_clients" in (await api.get("/metrics")).text


async def test_cors_and_security_headers(api: httpx.AsyncClient) -> None:
    answer = await api.get("/v1/tags", headers={"Origin": "https://reader.example"})
    assert answer.headers["access-control-allow-origin"] == "*"
    assert answer.headers["x-content-type-options"] == "nosniff"
    page = await api.get("/")
    assert page.headers["content-security-policy"].startswith("default-src 'none'")
    assert "unsafe" not in page.headers["content-security-policy"]


async def test_openapi_is_complete(api: httpx.AsyncClient) -> None:
    spec = (await api.get("/v1/openapi.json")).json()
    wanted = {"/v1/search", "/v1/streams/{slug}", "/v1/tags", "/v1/suggest", "/v1/events", "/v1/rejections"}
    wanted |= {"/v1/schemas", "/v1/schemas/{name}", "/v1/asyncapi.json", "/v1/asyncapi.yaml"}
    wanted |= {f"/v1/articles/{{article_id}}{part}" for part in ("", "/ninjs", "/related", "/trace")}
    wanted |= {"/v1/stories/{story_id}", "/v1/websub", "/v1/rejections"}
    wanted |= {f"/v1/subscriptions{part}" for part in ("", "/{subscription_id}", "/{subscription_id}/preview")}
    verbs = ("deliveries", "test", "replay", "enable", "rotate-secret")
    wanted |= {f"/v1/subscriptions/{{subscription_id}}/{verb}" for verb in verbs}
    feeds = ("front", "search", *(f"{of}/{{name}}" for of in ("sections", "sources")))
    feeds += ("streams/{slug}", "stories/{story_id}", "subscriptions/{subscription_id}")
    wanted |= {f"/feeds/{of}.{{form}}" for of in feeds} | {"/sitemap.xml", "/news-sitemap.xml"}
    assert set(spec["paths"]) == wanted
    names = {item["name"] for item in spec["paths"]["/v1/search"]["get"]["parameters"]}
    assert names == {row.name for row in (*SEARCH, FOREIGN_KEY)}
    for path, methods in spec["paths"].items():
        method = methods.get("get") or methods["post"]
        assert method["summary"], path
        assert "400" in method["responses"], path
        for item in method.get("parameters", []):
            assert item["in"] == "path" or "example" in item, (path, item["name"])
    assert json.dumps(spec).count('"$ref"') > 5
    assert (await api.get("/docs")).status_code == 404


async def test_events_need_a_key_when_they_are_not_public(valkey: Valkey, redis_client: Any) -> None:
    credentials = Credentials(redis_client)
    ingest_key, _ = await credentials.create("producer", frozenset({"ingest"}), sources={"*"})
    async with asgi(new_app(valkey.url, public_events=False)) as api:
        assert (await api.get("/v1/events")).status_code == 401
        assert (await api.get("/v1/events", headers={"X-Api-Key": "bsk_x"})).status_code == 401
        assert (await api.get("/v1/events", headers={"X-Api-Key": ingest_key})).status_code == 403
        assert (await api.get("/v1/search")).status_code == 200
