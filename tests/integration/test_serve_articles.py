"""Articles, their traces and the reader pages over ASGI, on a real store and a fake engine."""

from __future__ import annotations

import html
import json
import re
from typing import Any

import httpx
import pytest

from shared.articles import CANARY_SOURCE, ArticleState, Teaser
from shared.store import keys
from tests.support.fakes import FakeSearchIndex
from tests.support.serving import accept, asgi, new_app, publish, set_state
from tests.support.valkey import Valkey

pytestmark = pytest.mark.redis
NOBODY = "a" * 26


async def test_an_article_and_its_neighbours(api: httpx.AsyncClient, redis_client: Any, index: FakeSearchIndex) -> None:
    article, _ = await publish(redis_client, index)
    near, _ = await publish(redis_client, index, external_id="near", signature=(("ferry", 1.0), ("boat", 1.0)))
    answer = await api.get(f"/v1/articles/{article.id}", params={"show-related": "true"})
    content = answer.json()["response"]["content"]
    assert content["paragraphs"] == list(article.paragraphs)
    assert content["related"][0]["id"] == near.id
    assert content["related"][0]["shared_terms"] == ["ferry"]
    assert "signature" not in content
    assert f'</articles/{article.id}/{article.slug}>; rel="alternate"' in answer.headers["link"]
    some = (await api.get(f"/v1/articles/{article.id}", params={"show-fields": "title"})).json()
    assert some["response"]["content"] == {"id": article.id, "rev": 1, "title": article.title}
    related = (await api.get(f"/v1/articles/{article.id}/related", params={"limit": "1"})).json()["response"]
    assert [(item["id"], item["score"] > 0) for item in related["results"]] == [(near.id, True)]


@pytest.mark.parametrize(
    ("state", "status"),
    [("withheld", 404), ("rejected", 404), ("withdrawn", 410), ("retracted", 410)],
)
async def test_what_is_not_public_is_not_shown(
    api: httpx.AsyncClient, redis_client: Any, index: FakeSearchIndex, state: str, status: int
) -> None:
    article, _ = await publish(redis_client, index)
    await redis_client.hset(
        keys.article(article.id), "state", state
    )  # without an act: nobody knows why, so there is no notice
    for path in (f"/v1/articles/{article.id}", f"/v1/articles/{article.id}/related", f"/articles/{article.id}/x"):
        answer = await api.get(path)
        assert answer.status_code == status, path
        assert article.paragraphs[0] not in answer.text


async def test_a_trace_from_the_moment_of_acceptance(api: httpx.AsyncClient, redis_client: Any) -> None:
    ident = await accept(redis_client)
    assert (await api.get(f"/v1/articles/{ident}")).status_code == 404
    trace = (await api.get(f"/v1/articles/{ident}/trace")).json()["response"]
    assert (trace["state"], trace["provenance"]) == ("received", None)
    assert [entry["stage"] for entry in trace["timeline"]] == ["received"]
    await set_state(redis_client, ident, ArticleState.REJECTED, "no body was found")
    trace = (await api.get(f"/v1/articles/{ident}/trace")).json()["response"]
    assert (trace["state"], trace["reason"]) == ("rejected", "no body was found")
    assert [entry["stage"] for entry in trace["timeline"]] == ["received", "rejected"]


async def test_a_trace_of_a_published_article(api: httpx.AsyncClient, redis_client: Any) -> None:
    article, log_id = await publish(redis_client)
    trace = (await api.get(f"/v1/articles/{article.id}/trace")).json()["response"]
    assert [entry["stage"] for entry in trace["timeline"]] == ["received", "enriched", "published"]
    assert trace["publication_id"] == log_id
    assert trace["provenance"]["pipeline_version"] == "1"
    assert (await api.get(f"/v1/articles/{NOBODY}/trace")).status_code == 404


@pytest.mark.parametrize("ident", ["x", "A" * 26, "..%2f..", "%00", "a" * 27, "é", "a" * 26 + "%0a"])
async def test_ids_that_cannot_be(api: httpx.AsyncClient, ident: str) -> None:
    for path in (f"/v1/articles/{ident}", f"/v1/articles/{ident}/trace", f"/articles/{ident}/slug"):
        assert (await api.get(path)).status_code == 404, path


async def test_a_damaged_record_is_never_served(api: httpx.AsyncClient, redis_client: Any) -> None:
    article, _ = await publish(redis_client)
    await redis_client.hset(keys.article(article.id), "doc", b"\x28\xb5\x2f\xfdgarbage")
    answer = await api.get(f"/v1/articles/{article.id}")
    assert answer.status_code == 500
    assert answer.headers["content-type"] == "application/problem+json"
    page = await api.get(f"/articles/{article.id}/{article.slug}")
    assert (page.status_code, page.headers["content-type"]) == (500, "text/html; charset=utf-8")


async def test_errors_are_problems_and_pages(api: httpx.AsyncClient) -> None:
    assert (await api.post("/v1/search")).status_code == 405
    answer = await api.get("/v1/nothing", headers={"Accept": "text/html"})
    assert (answer.status_code, answer.headers["content-type"]) == (404, "application/problem+json")
    page = await api.get("/nothing", headers={"Accept": "text/html"})
    assert (page.status_code, page.headers["content-type"]) == (404, "text/html; charset=utf-8")
    assert "This page is not here" in page.text
    assert (await api.get("/static/../app.py")).status_code == 404
    assert (await api.get("/static/%2e%2e/pages.py")).status_code == 404


async def test_the_pages_of_an_empty_paper(api: httpx.AsyncClient) -> None:
    assert "Nothing is published yet" in (await api.get("/")).text
    assert "No article matches" in (await api.get("/search?q=x")).text
    assert (await api.get("/streams/x")).status_code == 404


async def test_readers_do_not_see_the_canary(api: httpx.AsyncClient, redis_client: Any, index: FakeSearchIndex) -> None:
    canary, _ = await publish(redis_client, index, external_id="canary", title="A canary flew", source=CANARY_SOURCE)
    await publish(redis_client, index, external_id="other", title="Bakers of the quay")
    page = (await api.get("/")).text
    assert page.count("Bakers of the quay") == 2  # in the list, and just in
    assert canary.title not in page
    found = (await api.get("/v1/search", params={"source": CANARY_SOURCE})).json()["response"]
    assert [hit["id"] for hit in found["results"]] == [canary.id]


async def test_the_article_page(api: httpx.AsyncClient, redis_client: Any, index: FakeSearchIndex) -> None:
    other, _ = await publish(redis_client, index, external_id="other", title="Bakers of the quay", signature=())
    teasers = (
        Teaser(title="Bakers of the Quay!", text="They rise at three"),
        Teaser(title="Elsewhere", text="Far off"),
    )
    article, _ = await publish(redis_client, index, recommended=teasers)
    wrong = await api.get(f"/articles/{article.id}/wrong-slug")
    assert (wrong.status_code, wrong.headers["location"]) == (301, f"/articles/{article.id}/{article.slug}")
    page = (await api.get(wrong.headers["location"])).text
    for text in (article.title, article.dek, *article.paragraphs, "Mara Holt", "14 March 2026", "City News"):
        assert text in page
    assert page.index("More from this stream") < page.index("Recommended")
    assert f'<a href="/articles/{other.id}/harbour-council-votes">Bakers of the Quay!</a>' in page
    assert "They rise at three" in page
    assert "Far off" in page
    assert (await api.get(f"/articles/{article.id}")).status_code == 301


async def test_a_standfirst_that_the_body_repeats_is_shown_once(
    api: httpx.AsyncClient, redis_client: Any, index: FakeSearchIndex
) -> None:
    dek = "The council voted after a debate that ran past midnight."
    article, _ = await publish(redis_client, index, dek=dek, paragraphs=(dek, "Eleven voted for it, nine against."))
    page = (await api.get(f"/articles/{article.id}/{article.slug}")).text
    shown = page[page.index("<article") : page.index("</article>")]
    assert shown.count(dek) == 1
    assert "Eleven voted for it" in shown


async def test_pages_say_to_programs_what_they_are(valkey: Valkey, redis_client: Any, index: FakeSearchIndex) -> None:
    base = "https://news.example"
    async with asgi(new_app(valkey.url, index, public_url=base)) as api:
        article, _ = await publish(
            redis_client, index, rev=1, correction="The price </script> was wrong.", title="Ferry </script>"
        )
        page = (await api.get(f"/articles/{article.id}/{article.slug}")).text
        (block,) = re.findall(r'<script type="application/ld\+json">(.*?)</script>', page, re.DOTALL)
        data = json.loads(block)
        assert (data["@type"], data["headline"]) == ("NewsArticle", "Ferry </script>")
        assert data["correction"]["text"] == "The price </script> was wrong."
        assert f'<link rel="canonical" href="{base}/articles/{article.id}/{article.slug}">' in page
        assert '<meta property="og:title" content="Ferry &lt;/script&gt;">' in page
        assert "<strong>Correction:</strong> The price &lt;/script&gt; was wrong." in page
        for path in (f"/articles/{article.id}/{article.slug}", "/", "/streams/transport", "/search?q=ferry&page=1"):
            found = re.findall(
                r'<link rel="alternate" type="application/(\S+)" title="[^"]*" href="([^"]+)">',
                (await api.get(path)).text,
            )
            assert {kind for kind, _ in found} == {"rss+xml", "atom+xml", "feed+json"}, path
            for _, href in found:
                assert (await api.get(html.unescape(href))).status_code == 200, href
        missing = await api.get("/articles/x", headers={"accept": "text/html"})
        assert '<meta name="robots" content="noindex">' in missing.text
