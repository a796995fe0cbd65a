"""Suggestions and related lists over HTTP, on a real store and the embedded engine."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import httpx
import pytest

from services.serve import handlers
from services.serve.app import create_app
from shared.articles import Tag
from shared.ids import article_id
from shared.search import open_index
from shared.search.port import IndexSpec
from shared.settings import BaseServiceSettings
from tests.support.builders import index_doc, make_article
from tests.support.serving import asgi, publish, serve_settings
from tests.support.valkey import Valkey

pytestmark = [pytest.mark.redis, pytest.mark.timeout(120)]

Served = tuple[httpx.AsyncClient, dict[str, str]]
FERRY = ("ferry", "harbour", "shipyard", "commuter", "electric")
ARTICLES: dict[str, dict[str, Any]] = {
    "own": {"title": "Ferry line opens", "terms": FERRY, "language": "en-GB"},
    "same": {"title": "Ferry boats arrive", "terms": (*FERRY, "boat"), "language": "en"},
    "foreign": {"title": "Die Fähre fährt", "terms": FERRY, "language": "de"},
    "chance": {"title": "Cheese fair", "terms": ("ferry", "cheese", "dairy", "cellar", "valley"), "language": "en"},
    "german": {"title": "Wahl im Herbst", "terms": ("wahl", "stimme", "partei", "herbst"), "language": "de"},
    "english": {"title": "Vote in autumn", "terms": ("wahl", "stimme", "partei", "autumn"), "language": "en"},
    "alone": {"title": "Bees of the valley", "terms": ("bee", "hive", "honey"), "language": "en"},
    **{f"x{n}": {"title": f"Number {n}", "terms": (f"number{n}", f"count{n}"), "language": "en"} for n in range(30)},
}  # fmt: skip


@pytest.fixture
async def served(
    valkey: Valkey, redis_client: Any, tmp_path: Path
) -> AsyncIterator[tuple[httpx.AsyncClient, dict[str, str]]]:
    """Serve, and the ids of the articles by their names above."""
    url = f"embedded:{tmp_path / 'index'}"
    writer = open_index(BaseServiceSettings(BROADSHEET_INDEX_URL=url), writer=True)
    await writer.ensure(IndexSpec())
    articles = {}
    for name, given in ARTICLES.items():
        signature = tuple((term, 1.0) for term in given["terms"])
        tags = (Tag(slug="world-news", label="World News"),)
        fields = {"title": given["title"], "language": given["language"], "signature": signature, "tags": tags}
        articles[name], _ = await publish(redis_client, external_id=name, **fields)
    await writer.upsert([index_doc(article) for article in articles.values()], op_id="fill")
    await writer.aclose()
    async with asgi(create_app(serve_settings(valkey.url, BROADSHEET_INDEX_URL=url))) as api:
        yield api, {name: article.id for name, article in articles.items()}


async def test_suggestions_forgive_a_typo_and_show_labels(served: Served) -> None:
    api, ids = served

    async def suggested(text: str) -> list[dict[str, Any]]:
        answer = await api.get("/v1/suggest", params={"q": text})
        assert answer.status_code == 200
        return answer.json()["response"]["results"]

    tag = {"kind": "tag", "text": "world-news", "label": "World News", "id": None, "href": "/streams/world-news"}
    for text in ("world", "World N", "wrold-news", "world nwes"):
        assert (await suggested(text))[0] == tag, text
    for text in ("ferry line", "frery line op", "ferrry l"):
        assert ids["own"] in {item["id"] for item in await suggested(text)}, text
    assert {item["label"] for item in await suggested("cheese")} == {"Cheese fair"}


async def test_related_lists_have_a_floor_and_keep_the_language(
    served: tuple[httpx.AsyncClient, dict[str, str]],
) -> None:
    api, ids = served
    names = {ident: name for name, ident in ids.items()}

    async def related(name: str) -> list[str]:
        answer = await api.get(f"/v1/articles/{ids[name]}/related")
        assert answer.status_code == 200
        return [names[item["id"]] for item in answer.json()["response"]["results"]]

    assert await related("own") == ["same"], "neither the German one nor the one that shares a word by chance"
    assert await related("german") == ["english"], "there is nothing else"
    assert await related("foreign") == ["own", "same"]
    assert await related("alone") == []
    assert await related("chance") == []


@pytest.mark.parametrize(("others", "related"), [(6, True), (97, True), (98, False), (130, False)])
async def test_two_shared_tags_make_a_neighbour_below_a_hundred_articles_only(
    tmp_path: Path, others: int, related: bool
) -> None:
    tags = (Tag(slug="climate", label="Climate"), Tag(slug="science", label="Science"))
    pair = [
        make_article(id=article_id("external", "s", name), tags=tags, signature=(("spring", 1.0), *words))
        for name, words in (
            ("lake", tuple((f"lake{n}", 2.0) for n in range(30))),
            ("birds", tuple((f"bird{n}", 2.0) for n in range(30))),
        )
    ]
    rest = [
        make_article(id=article_id("external", "s", f"x{n}"), tags=(), signature=((f"number{n}", 1.0),))
        for n in range(others)
    ]
    engine = open_index(BaseServiceSettings(BROADSHEET_INDEX_URL=f"embedded:{tmp_path / 'index'}"), writer=True)
    try:
        await engine.ensure(IndexSpec())
        await engine.upsert([index_doc(article) for article in (*pair, *rest)], op_id="fill")
        found = await handlers.related(engine, pair[0], limit=5)
        assert [hit.card.id for hit in found] == [pair[1].id] * related
    finally:
        await engine.aclose()
