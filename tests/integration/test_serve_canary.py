"""The self-check canary is in no list, facet, suggestion, feed or stream of anybody who does not ask for its source."""

from __future__ import annotations

import json
from typing import Any

import httpx
import pytest

from services.index.adapters.documents import SPEC
from services.serve.app import create_app
from shared.articles import CANARY_SOURCE, Article, Tag
from shared.query import parse
from shared.query.percolator import is_broad
from shared.search import open_index
from shared.settings import BaseServiceSettings
from shared.store import Credentials
from shared.store.subscriptions.registry import new_id
from tests.support.builders import NOON, index_doc
from tests.support.fetching import http, origin
from tests.support.notifying import notifying
from tests.support.serving import asgi, publish, serve_settings
from tests.support.valkey import Valkey

pytestmark = pytest.mark.redis
BATCH = {"accept": "application/cloudevents-batch+json"}
TITLE = "Self-check canary zyxquandary"


async def newsroom(client: Any, url: str) -> tuple[Article, Article]:
    """The canary and an article that shares its tag and some words, in the store, the log and an embedded index."""
    shared = {"tags": (Tag(slug="selfcheck-tag", label="Selfcheck tag"),)}
    canary, _ = await publish(client, external_id="canary", title=TITLE, source=CANARY_SOURCE, **shared)
    news, _ = await publish(client, external_id="news", title="A ferry and a zyxquandary")
    engine = open_index(BaseServiceSettings(BROADSHEET_INDEX_URL=url), writer=True)
    await engine.ensure(SPEC)
    receipt = await engine.upsert([index_doc(canary), index_doc(news)], op_id="test")
    while (await engine.outcomes([receipt]))[0].status == "pending":
        pass
    await engine.aclose()
    return canary, news


HIDING = (
    "/v1/search", "/v1/search?q=zyxquandary", "/v1/search?q=flew+OR+ferry", "/v1/search?match=strict&q=zyxquandary",
    "/v1/search?q=zyxquandry&show-facets=all", "/v1/search?section=local", "/v1/search?source=-evening-post",
    "/v1/search?duplicates=all", "/v1/streams/selfcheck-tag", "/v1/tags", "/v1/suggest?q=self", "/v1/suggest?q=zyxq",
    "/v1/articles/{news}/related", "/", "/search?q=zyxquandary", "/articles/{news}/x", "/feeds/front.atom",
    "/feeds/front.json", "/feeds/search.rss?q=zyxquandary", "/feeds/streams/selfcheck-tag.atom", "/sitemap.xml",
    "/news-sitemap.xml",
)  # fmt: skip


async def test_lists_hide_the_canary_and_show_it_on_request(valkey: Valkey, redis_client: Any, tmp_path: Any) -> None:
    url = f"embedded:{tmp_path / 'index'}"
    canary, news = await newsroom(redis_client, url)
    async with asgi(create_app(serve_settings(valkey.url, BROADSHEET_INDEX_URL=url))) as api:
        for place in HIDING:
            answer = await api.get(place.format(news=news.id), follow_redirects=True)
            assert answer.status_code in {200, 404}, (place, answer.text[:200])
            for trace in (canary.id, TITLE, "Selfcheck tag", "canary"):
                assert trace not in answer.text, (place, trace)
        for place in (
            f"/v1/search?source={CANARY_SOURCE}", f"/v1/search?q=zyxquandary&sources={CANARY_SOURCE}",
            f"/v1/search?q=zyxquandary+source:{CANARY_SOURCE}", f"/v1/search?ids={canary.id}",
            f"/v1/search?match=strict&q=source:{CANARY_SOURCE}", f"/feeds/sources/{CANARY_SOURCE}.atom",
            f"/v1/articles/{canary.id}",
        ):  # fmt: skip
            assert canary.id in (await api.get(place)).text, place


async def test_streams_hide_the_canary_and_mark_it(valkey: Valkey, redis_client: Any, tmp_path: Any) -> None:
    url = f"embedded:{tmp_path / 'index'}"
    canary, news = await newsroom(redis_client, url)
    key, owner = await Credentials(redis_client).create("mine", frozenset({"subscribe"}))
    async with (
        notifying(redis_client) as notify,
        asgi(create_app(serve_settings(valkey.url, BROADSHEET_INDEX_URL=url))) as api,
    ):
        for params in ({}, {"q": "zyxquandary"}, {"type": "article.published"}, {"topic": "*"}, {"source": "-other"}):
            found = await events(api, params)
            assert [event["subject"] for event in found] == [news.id], params
            assert "domain" not in found[0]
        for params in (
            {"source": CANARY_SOURCE}, {"q": f"source:{CANARY_SOURCE}"}, {"topic": f"/v1/articles/{canary.id}"},
        ):  # fmt: skip
            found = await events(api, params)
            assert [(event["subject"], event["domain"]) for event in found] == [(canary.id, "canary")], params
        saved = await notify.subscriptions.create(owner.key_id, "zyxquandary", types=(), sink=None, broad=False)
        auth = {"x-api-key": key}
        mine = await api.get("/v1/events", params={"subscription": saved.id}, headers=BATCH | auth)
        assert [event["subject"] for event in mine.json()] == [news.id]
        preview = await api.get(f"/v1/subscriptions/{saved.id}/preview?days=365", headers=auth)
        assert canary.id not in preview.text


async def events(api: httpx.AsyncClient, params: dict[str, str]) -> list[dict[str, Any]]:
    answer = await api.get("/v1/events", params=params, headers=BATCH)
    return list(answer.json())


@pytest.mark.parametrize(("q", "expected"), [("zyxquandary", 1), (f"source:{CANARY_SOURCE}", 1), ("-tram", 1)])
async def test_webhooks_get_the_canary_on_request_only(redis_client: Any, q: str, expected: int) -> None:
    async with notifying(redis_client) as notify, origin(lambda _: http("200 OK")) as hook:
        fresh = new_id()
        await notify.webhooks.create(fresh, hook.url())
        broad = is_broad(parse(q, now=NOON))
        await notify.subscriptions.create("k", q, types=(), sink=hook.url(), broad=broad, id_=fresh)
        (ping,) = await notify.deliveries.recent(fresh, limit=1)
        await notify.client.zrem(f"{{p0}}:webhook-due:{fresh}", ping.id)
        await notify.client.hset(f"{{p0}}:webhook-endpoint:{fresh}", mapping={"status": "active", "verified": 1})
        canary, _ = await publish(redis_client, external_id="canary", title=TITLE, source=CANARY_SOURCE)
        news, _ = await publish(redis_client, external_id="news", title="A ferry and a zyxquandary")
        await notify.read()
        await notify.send()
        subjects = [json.loads(asked.body)["subject"] for asked in hook.asked]
        assert subjects == [canary.id if CANARY_SOURCE in q else news.id]
        assert len(subjects) == expected
