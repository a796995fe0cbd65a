"""A posted page that says it is published later is a 400 by every door; a page that is public already is not."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator
from datetime import datetime, timedelta
from typing import Any

import httpx
import pytest

from services.ingest.domain.bodies import MediaType
from services.ingest.domain.drafts import draft_page
from shared.clock import now
from tests.support.ingest_http import HTML, NDJSON, open_ingest, verdicts
from tests.support.valkey import Valkey

pytestmark = pytest.mark.redis
BODY = "<article><h1>Ferry line reopens</h1><p>The ferry across the bay runs again from Monday on.</p></article>"


@pytest.fixture
async def api(valkey: Valkey, redis_client: Any) -> AsyncIterator[httpx.AsyncClient]:
    async with open_ingest(valkey.url) as client:
        yield client


def page(head: str) -> str:
    return f"<html><head><title>Ferry line reopens</title>{head}</head><body>{BODY}</body></html>"


def written(hours: float, form: str = "%Y-%m-%dT%H:%M:%SZ") -> str:
    return (now() + timedelta(hours=hours)).strftime(form)


def linked(*dates: str) -> str:
    articles = ",".join(f'{{"@type":"NewsArticle","headline":"Ferry","datePublished":"{date}"}}' for date in dates)
    return f'<script type="application/ld+json">[{articles}]</script>'


FUTURE = [
    f'<meta property="article:published_time" content="{written(18)}">',
    f"<META CONTENT='{written(48, '%Y-%m-%dT%H:%M:%S+0000')}' PROPERTY='article:published_time'/>",
    f'<meta itemprop="datePublished" content="{written(48, "%Y-%m-%d")}">',
    f'<meta name=parsely-pub-date content="{written(1)}">',
    f'<meta name="sailthru.date" content="{written(72, "%Y-%m-%d %H:%M:%S")}">',
    '<meta property="article:published_time" content="2199-01-01T00:00:00Z">',
    linked(written(30)),
    linked(written(30), written(50)),
]
PRESENT = [
    f'<meta property="article:published_time" content="{written(-1)}">',
    f'<meta property="article:published_time" content="{written(0.05)}">',
    f'<meta property="article:published_time" content="{written(9, "%Y-%m-%dT%H:%M:%S")}">',  # local time of the east
    f'<meta property="article:modified_time" content="{written(48)}">',
    f'<meta property="article:expiration_time" content="{written(48)}">',
    f'<meta name="event-date" content="{written(48)}">',
    '<meta property="article:published_time" content="next spring">',
    '<meta property="article:published_time" content="2026-02-31T00:00:00Z">',
    linked(written(-30), written(50)),
    '<p>The "datePublished" of the report is 2199-01-01.</p>',
]


@pytest.mark.parametrize("head", FUTURE, ids=range(len(FUTURE)))
async def test_a_page_with_a_date_in_the_future_is_refused(api: httpx.AsyncClient, head: str) -> None:
    answers = [
        await api.post("/v1/articles", content=page(head).encode(), headers=HTML),
        await api.post("/v1/articles", content=page(head).encode("utf-16"), headers=HTML),
        await api.post("/v1/articles", json={"html": page(head)}),
    ]
    for answer in answers:
        assert (answer.status_code, answer.json()["field"]) == (400, "published_at"), answer.text
        assert "embargoes are not supported" in answer.json()["detail"]
    bulk = await api.post("/v1/articles/bulk", content=json.dumps({"html": page(head)}), headers=NDJSON)
    (line,), _ = verdicts(bulk)
    assert (line["status"], line["errors"][0]["field"]) == ("rejected", "published_at")


@pytest.mark.parametrize("head", PRESENT, ids=range(len(PRESENT)))
async def test_other_dates_are_no_embargo(api: httpx.AsyncClient, head: str) -> None:
    answer = await api.post("/v1/articles", content=page(head).encode(), headers=HTML)
    assert answer.status_code in {200, 202}, answer.text
    answer = await api.post("/v1/articles", json={"html": page(head), "id": "j", "source": "s"})
    assert answer.status_code in {200, 202}, answer.text


async def test_the_submitted_date_wins_over_that_of_the_page(api: httpx.AsyncClient) -> None:
    head = FUTURE[0]
    params = {"published_at": written(-1)}
    answer = await api.post("/v1/articles", content=page(head).encode(), headers=HTML, params=params)
    assert answer.status_code == 202, answer.text
    answer = await api.post("/v1/articles", json={"html": page(head), "source": "s", "id": "1"} | params)
    assert answer.status_code == 202, answer.text


def test_a_page_that_was_fetched_is_public_already() -> None:
    media, at = MediaType("text/html"), datetime.fromisoformat(now().isoformat())
    draft = draft_page(media, page(FUTURE[0]).encode(), [("url", "https://a.example/x")], now=at, fetched=True)
    assert draft.submission.url == "https://a.example/x"
