"""URLs as people share them and clients call them: appended parameters, trailing slashes, aliases, CORS, Allow."""

from __future__ import annotations

from typing import Any

import httpx
import pytest

from services.serve.domain.parameters import BadParameter
from services.serve.domain.search_parameters import parse_search_request
from tests.support.announcing import announce, log, withdrawal
from tests.support.fakes import FakeSearchIndex
from tests.support.serving import asgi, new_app, publish
from tests.support.valkey import Valkey

pytestmark = pytest.mark.redis
BATCH = {"accept": "application/cloudevents-batch+json"}
TRACKERS = (
    "utm_source=newsletter&utm_medium=email&utm_campaign=a%20b",
    "fbclid=IwAR0x",
    "gclid=x&gbraid=y&msclkid=z",
    "ref=hn",
    "mc_cid=1&mc_eid=2",
    "igshid=abc%3D%3D",
    "from=timeline&isappinstalled=0",
    "utm_source=a&utm_source=b",
    "amp",
    "sort=nonsense&limit=none",
)
PLACES = (
    "/", "/search?q=ferry", "/streams/transport", "/feeds/front.atom", "/feeds/front.rss",
    "/feeds/streams/transport.json", "/feeds/search.atom?q=ferry", "/feeds/sources/example-gazette.rss",
    "/sitemap.xml", "/news-sitemap.xml", "/robots.txt",
)  # fmt: skip


def extended(url: str, query: str) -> str:
    return f"{url}{'&' if '?' in url else '?'}{query}"


@pytest.mark.parametrize("place", PLACES)
async def test_readers_and_feeds_ignore_what_third_parties_append(
    api: httpx.AsyncClient, redis_client: Any, index: FakeSearchIndex, place: str
) -> None:
    article, _ = await publish(redis_client, index)
    plain = await api.get(place)
    for query in TRACKERS:
        tracked = await api.get(extended(place, query))
        assert (plain.status_code, tracked.status_code) == (200, 200), (query, tracked.text[:300])
        assert (article.id in tracked.text) is (article.id in plain.text)
        assert "utm_" not in tracked.text
        assert "fbclid" not in tracked.text


async def test_an_article_page_ignores_them_and_the_api_does_not(
    api: httpx.AsyncClient, redis_client: Any, index: FakeSearchIndex
) -> None:
    article, _ = await publish(redis_client, index)
    for query in TRACKERS:
        page = await api.get(f"/articles/{article.id}?{query}", follow_redirects=True)
        assert page.status_code == 200
        for path in ("/v1/search", f"/v1/articles/{article.id}", "/v1/tags", "/v1/streams/transport"):
            assert (await api.get(f"{path}?{query}")).status_code == 400, (path, query)


@pytest.mark.parametrize("place", ["/search?page=0", "/search?order-by=best", "/feeds/front.atom?page=no"])
async def test_a_bad_value_under_its_own_name_is_still_an_error(
    api: httpx.AsyncClient, redis_client: Any, place: str
) -> None:
    assert (await api.get(place)).status_code == 400


async def test_links_to_other_pages_drop_what_was_appended(
    api: httpx.AsyncClient, redis_client: Any, index: FakeSearchIndex
) -> None:
    for number in range(4):
        await publish(redis_client, index, external_id=f"n{number}")
    page = await api.get("/search?q=ferry&page-size=2&utm_source=x&page=1")
    assert "page-size=2&amp;page=2" in page.text or "page-size=2&page=2" in page.text
    assert "utm_source" not in page.text


@pytest.mark.parametrize(
    ("path", "target"),
    [
        ("/v1/search/", "/v1/search"),
        ("/v1/search/?q=ferry&page=2", "/v1/search?q=ferry&page=2"),
        ("/v1/events/", "/v1/events"),
        ("/search/?q=ferry", "/search?q=ferry"),
        ("/feeds/front.atom/", "/feeds/front.atom"),
        ("/sitemap.xml/", "/sitemap.xml"),
    ],
)
async def test_a_trailing_slash_is_redirected(
    api: httpx.AsyncClient, redis_client: Any, path: str, target: str
) -> None:
    answer = await api.get(path)
    assert answer.status_code == 307
    assert httpx.URL(answer.headers["location"]).raw_path.decode() == target


@pytest.mark.parametrize("path", ["/v1/nonsense/", "/nonsense/", "/v1/"])
async def test_a_slash_behind_nothing_is_a_404(api: httpx.AsyncClient, redis_client: Any, path: str) -> None:
    assert (await api.get(path)).status_code == 404


@pytest.mark.parametrize(
    ("method", "path", "allow"),
    [
        ("PUT", "/v1/subscriptions", "GET, HEAD, POST"),
        ("PUT", "/v1/subscriptions/sub_1", "DELETE, GET, HEAD, PATCH"),
        ("POST", "/v1/search", "GET, HEAD"),
        ("DELETE", "/v1/events", "GET"),
        ("GET", "/v1/websub", "POST"),
        ("GET", "/v1/subscriptions/sub_1/test", "POST"),
        ("POST", "/", "GET, HEAD"),
        ("POST", "/feeds/front.atom", "GET, HEAD"),
    ],
)
async def test_allow_lists_every_method_of_a_path(
    api: httpx.AsyncClient, redis_client: Any, method: str, path: str, allow: str
) -> None:
    answer = await api.request(method, path)
    assert (answer.status_code, answer.headers.get("allow")) == (405, allow)


@pytest.mark.parametrize("method", ["POST", "DELETE", "PATCH"])
async def test_a_path_without_a_route_is_a_404_for_every_method(
    api: httpx.AsyncClient, redis_client: Any, method: str
) -> None:
    assert (await api.request(method, "/v1/nonsense")).status_code == 404


@pytest.mark.parametrize(
    "header",
    ["cache-control", "if-modified-since", "pragma", "x-requested-with", "last-event-id", "authorization", "accept",
     "cache-control,last-event-id,x-requested-with", "traceparent,tracestate", "sentry-trace,baggage", "range", "dnt",
     "x-csrf-token"],
)  # fmt: skip
async def test_cors_allows_what_event_stream_clients_send(
    api: httpx.AsyncClient, redis_client: Any, header: str
) -> None:
    headers = {
        "origin": "https://reader.example",
        "access-control-request-method": "GET",
        "access-control-request-headers": header,
    }
    answer = await api.options("/v1/events", headers=headers)
    assert answer.status_code == 200, answer.text
    allowed = answer.headers["access-control-allow-headers"].lower()
    assert set(header.split(",")) <= {name.strip() for name in allowed.split(",")}


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("sources=a&domains=b", "source=a,b"),
        ("domains=b,a&source=c", "source=b,a,c"),
        ("section=x&category=y", "section=x,y"),
        ("lang=en&language=de", "lang=en,de"),
        ("sources=a&domains=-b", "source=a,-b"),
        ("searchIn=title&query-fields=dek", "query-fields=title,dek"),
    ],
)
def test_aliases_that_collide_are_merged(one: str, other: str) -> None:
    assert parse_search_request(httpx.QueryParams(one).multi_items()) == parse_search_request(
        httpx.QueryParams(other).multi_items()
    )


@pytest.mark.parametrize("query", ["page-size=5&limit=6", "source=a&source=b", "sort=oldest&order-by=newest"])
def test_other_repeats_are_errors(query: str) -> None:
    with pytest.raises(BadParameter, match="more than once"):
        parse_search_request(httpx.QueryParams(query).multi_items())


async def test_types_take_both_spellings_everywhere(valkey: Valkey, redis_client: Any) -> None:
    (published,) = await announce(redis_client)
    gone = await log(redis_client, withdrawal())
    full = "org.broadsheet.article.published.v1"
    async with asgi(new_app(valkey.url)) as client:
        for name, value in (
            ("type", full),
            ("types", full),
            ("types", "article.published"),
            ("type", f"{full},story.created"),
        ):
            answer = await client.get("/v1/events", params={name: value}, headers=BATCH)
            assert [event["sequence"] for event in answer.json()] == [published, gone], name
        both = await client.get("/v1/events?type=article.updated&types=article.published", headers=BATCH)
        assert [event["sequence"] for event in both.json()] == [published, gone]
        assert (await client.get("/v1/events?types=article.exploded", headers=BATCH)).json()["field"] == "types"
