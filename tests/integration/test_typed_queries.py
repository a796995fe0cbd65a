"""What people type and paste into the search box, over HTTP on both engines: never a 400, and it finds the article."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import httpx
import pytest

from services.serve.app import create_app
from shared.articles import Tag
from shared.search import open_index
from shared.search.port import IndexSpec
from shared.settings import BaseServiceSettings
from tests.support.builders import index_doc, wait_until
from tests.support.meilisearch import Meilisearch
from tests.support.serving import asgi, publish, serve_settings
from tests.support.valkey import Valkey

pytestmark = [pytest.mark.redis, pytest.mark.timeout(180)]

ARTICLES: dict[str, dict[str, Any]] = {
    "ferry": {"title": "Harbour ferry line reopens", "url": "https://www.example.com/2026/harbour-ferry-reopens?id=7"},
    "not": {"title": "HARBOUR BOARD NOT EXPECTED TO RAISE FEES", "url": "https://example.com/2026/fees"},
    "or": {"title": "BUY OR SELL? GRAIN TRADERS AND MILLS SPLIT OVER PRICES"},
    "and": {"title": "U.K. OIL FIRM SAID NOT PERMANENTLY HARMED"},
    "att": {"title": "AT&T buys a rural network"},
    "brexit": {"title": "Brexit: what happens now"},
    "quote": {"title": 'Mayor calls the plan "a gift to nobody'},
    "hokkaido": {"title": "北海道で大雪", "language": "ja"},
    "customs": {"title": "北京海关公布数据", "language": "zh"},
    "wifi": {"title": "Wi-Fi for every library", "tags": (Tag(slug="r-and-d", label="R&D"),)},
    "cafe": {"title": "Coffee houses close", "tags": (Tag(slug="cafe-culture", label="Café Culture"),)},
}


@pytest.fixture(params=["embedded", pytest.param("meilisearch", marks=pytest.mark.slow)])
async def api(
    request: pytest.FixtureRequest, valkey: Valkey, redis_client: Any, tmp_path: Path
) -> AsyncIterator[httpx.AsyncClient]:
    """Serve on an index that holds the articles; their ids are the names above."""
    fields: dict[str, Any] = {"BROADSHEET_INDEX_URL": f"embedded:{tmp_path / 'index'}"}
    if request.param == "meilisearch":
        server: Meilisearch = request.getfixturevalue("meilisearch")
        url = f"meilisearch:{server.url}#typed-{tmp_path.name[-20:].replace('_', '-')}"
        fields = {"BROADSHEET_INDEX_URL": url, "BROADSHEET_INDEX_KEY": server.key}
    writer = open_index(BaseServiceSettings(**fields), writer=True)
    await writer.ensure(IndexSpec())
    articles = []
    for name, given in ARTICLES.items():
        article, _ = await publish(redis_client, external_id=name, **({"tags": ()} | given))
        articles.append(article)
    receipt = await writer.upsert([index_doc(article) for article in articles], op_id="fill")

    async def is_visible() -> bool:
        return (await writer.outcomes([receipt]))[0].status == "visible"

    await wait_until(is_visible, timeout=30, what="the articles to be visible")
    async with asgi(create_app(serve_settings(valkey.url, **fields))) as client:
        yield client
    await writer.aclose()


async def titles(api: httpx.AsyncClient, **params: str) -> list[str]:
    answer = await api.get("/v1/search", params=params)
    assert answer.status_code == 200, (params, answer.text)
    return [item["title"] for item in answer.json()["response"]["results"]]


async def test_an_article_is_found_by_what_was_pasted(api: httpx.AsyncClient) -> None:
    for name, given in ARTICLES.items():
        for text in (given["title"], given["title"].upper(), f"  {given['title']}\t\n", f'{given["title"]}"'):
            assert (await titles(api, q=text))[0] == given["title"], (name, text)


TYPED = [
    "OR", "AND", "NOT", "NOT NOT", "a OR", "OR a", "ferry AND", "-", "--", "(", ")", "((", "a) OR (b", '"', '""', '"""',
    '"ferry', 'ferry "line OR', "foo:bar", "http:", "https://", "https://[::1", "tag:", "tag:,", "lang:x!",
    "since:never", "date:x..y", "section:" + "x" * 400, "Brexit: what happens", "AT&T", "R&D", "Q&A: who pays?",
    "C++ OR C#", "🚢 ferry", "50% off", "a\x00b", "a\x0bb", "x" * 6_000, "word " * 1_500, '"a b" ' * 300, "-a " * 300,
    "(" * 300, "a OR " * 200,
    "北海道" * 200, "\u202eferry\u200b", "＂ferry＂", "“ferry line", "«ferry»", "tag:world-news OR", "ferry tag:",
    "{ferry}", "[ferry]", "ferry\\", "$5", "?", "*", "f*rry", "ferry~2",
]  # fmt: skip


async def test_nothing_that_was_typed_is_refused(api: httpx.AsyncClient) -> None:
    for text in TYPED:
        for path in ("/v1/search", "/search", "/v1/suggest"):
            answer = await api.get(path, params={"q": text})
            assert answer.status_code == 200, (path, text[:60], answer.text[:300])
    for text in ("ferry OR", 'ferry "', "(ferry", "ferry foo:", "NOT ferry OR ferry", "fer\u00adry", "\ufeffferry"):
        assert "Harbour ferry line reopens" in await titles(api, q=text), text


async def test_strict_search_keeps_its_errors(api: httpx.AsyncClient) -> None:
    for text in ("a OR", "foo:bar", '"open', "(a", "x" * 1_001, "a\x00b", "lang:x!"):
        answer = await api.get("/v1/search", params={"q": text, "match": "strict"})
        assert (answer.status_code, answer.json()["field"]) == (400, "q"), text[:40]


async def test_an_address_finds_its_article(api: httpx.AsyncClient) -> None:
    spellings = (
        "https://www.example.com/2026/harbour-ferry-reopens?id=7",
        "http://example.com/2026/harbour-ferry-reopens/?utm_source=feed&id=7#comments",
        "example.com/2026/harbour-ferry-reopens?id=7&fbclid=x",
        "<https://EXAMPLE.com/2026/harbour-ferry-reopens?id=7>",
    )
    for address in spellings:
        assert await titles(api, q=address) == ["Harbour ferry line reopens"], address
    for address in spellings[:3]:
        assert await titles(api, url=address) == ["Harbour ferry line reopens"], address
        assert await titles(api, url=address, source="somewhere-else") == []
    assert await titles(api, url="https://example.com/2026/other") == []
    assert (await titles(api, q="https://elsewhere.org/a/harbour-ferry-reopens"))[0] == "Harbour ferry line reopens"
    for wrong in ("no address", "", "https://"):
        answer = await api.get("/v1/search", params={"url": wrong})
        assert (answer.status_code, answer.json()["field"]) == (400, "url"), wrong


async def test_what_is_written_together_is_one_thing(api: httpx.AsyncClient) -> None:
    assert await titles(api, q="北海道") == ["北海道で大雪"]
    assert await titles(api, q="海关") == ["北京海关公布数据"]
    for text in ("wifi", "wi-fi", "WiFi", "wi fi"):
        assert "Wi-Fi for every library" in await titles(api, q=text), text
    assert await titles(api, q="wifi", match="strict") == ["Wi-Fi for every library"]


@pytest.mark.parametrize(
    ("text", "title"),
    [
        ("AT&amp;T", "AT&T buys a rural network"),
        ("Mayor calls the plan &quot;a gift&quot;", 'Mayor calls the plan "a gift to nobody'),
        ("Brexit:&nbsp;what happens", "Brexit: what happens now"),
        ("AT&#38;T buys", "AT&T buys a rural network"),
        ("Re: Brexit: what happens now", "Brexit: what happens now"),
        ("Fwd: RE: harbour ferry line", "Harbour ferry line reopens"),
        ("AW: Harbour ferry", "Harbour ferry line reopens"),
        ("harb*", "Harbour ferry line reopens"),
        ("harbour* fer*", "Harbour ferry line reopens"),
        ("harbour~2 ferry^3", "Harbour ferry line reopens"),
        ("brexit~0.8", "Brexit: what happens now"),
        ("//www.example.com/2026/harbour-ferry-reopens?id=7", "Harbour ferry line reopens"),
        ("view-source:https://www.example.com/2026/harbour-ferry-reopens?id=7", "Harbour ferry line reopens"),
        ("Look at this!!! https://www.example.com/2026/harbour-ferry-reopens?id=7.", "Harbour ferry line reopens"),
        ("via @somebody (https://example.com/2026/harbour-ferry-reopens?id=7) lol", "Harbour ferry line reopens"),
        ("[read it](https://example.com/2026/harbour-ferry-reopens?id=7&utm_source=x)", "Harbour ferry line reopens"),
        ("Harbour ferry https://nobody.example/else", "Harbour ferry line reopens"),
    ],
)
async def test_what_copying_adds_is_taken_off(api: httpx.AsyncClient, text: str, title: str) -> None:
    assert (await titles(api, q=text))[:1] == [title]
