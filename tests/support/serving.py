"""Serve for tests: over ASGI, or on a real port; and articles brought in by the store's own commits."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import httpx
from fastapi import FastAPI
from pydantic import SecretStr

from services.serve.adapters.connections import server
from services.serve.app import create_app
from services.serve.settings import ServeSettings
from shared.articles import Article, ArticleState, card_of
from shared.events import Publication
from shared.http_server.connection_limits import ConnectionLimits
from shared.store import keys
from shared.store.articles.port import Announcement, Entry
from shared.store.articles.redis import RedisArticleStore
from shared.topology import ARTICLE_ENRICHED, ARTICLE_RECEIVED, Stream
from tests.support.builders import NOON, index_doc, make_acceptance, make_article, make_enrichment, wait_until
from tests.support.fakes import FakeSearchIndex

WEBHOOK_KEY = "of the tests, and long enough for them"


def serve_settings(url: str, **fields: Any) -> ServeSettings:
    values: dict[str, Any] = {"BROADSHEET_REDIS_URL": SecretStr(url), "BROADSHEET_ENVIRONMENT": "local", "port": 0}
    values["BROADSHEET_WEBHOOK_KEY"] = SecretStr(WEBHOOK_KEY)
    return ServeSettings(**(values | fields))


@asynccontextmanager
async def running(app: FastAPI, *, limits: ConnectionLimits | None = None) -> AsyncIterator[str]:
    """The app under uvicorn on a free port; yields its base URL."""
    services = app.state.services
    hubs = (services.hub, services.rejections.hub)
    limits = limits or ConnectionLimits(total=10_000)
    instance = server(app, host="127.0.0.1", port=0, hubs=hubs, limits=limits)
    task = asyncio.create_task(instance.serve())
    try:
        await wait_until(lambda: instance.started or task.done(), what="the server")
        port = instance.servers[0].sockets[0].getsockname()[1]
        yield f"http://127.0.0.1:{port}"
    finally:
        instance.should_exit = True
        await asyncio.wait_for(task, 15)


@asynccontextmanager
async def asgi(app: FastAPI) -> AsyncIterator[httpx.AsyncClient]:
    """A client of the app without a socket; the app's lifespan is on."""
    transport = httpx.ASGITransport(app=app, raise_app_exceptions=False)
    async with (
        app.router.lifespan_context(app),
        httpx.AsyncClient(transport=transport, base_url="http://test") as client,
    ):
        yield client


def new_app(url: str, index: FakeSearchIndex | None = None, **fields: Any) -> FastAPI:
    return create_app(serve_settings(url, **fields), index=index or FakeSearchIndex())


async def accept(client: Any, *, external_id: str = "a1") -> str:
    """An accepted, not yet enriched article; its id."""
    (outcome,) = await RedisArticleStore(client).accept(
        [make_acceptance(external_id=external_id, text=external_id * 3)]
    )
    return outcome.article_id


async def publish(client: Any, index: FakeSearchIndex | None = None, **fields: Any) -> tuple[Article, str]:
    """An article through all commits, and the log id of its publication."""
    store = RedisArticleStore(client)
    article = make_article(**fields)
    text = f"{article.title} {article.rev}"
    await store.accept([make_acceptance(external_id=fields.get("external_id", "a1"), text=text)])
    await enrich(client, article)
    if index is not None:
        await index.upsert([index_doc(article)], op_id="test")
    entry = await _entry(client, ARTICLE_ENRICHED, "index")
    is_correction = article.rev > 1 and bool(article.correction)
    meta = Publication.meta_for(producer="index", now=article.received_at if is_correction else NOON)
    if is_correction:
        meta = meta.model_copy(update={"type": Publication.CORRECTED})
    event = Publication(meta=meta, card=card_of(article))
    (log_id,) = await store.commit_published(
        [Announcement([entry], article.id, article.rev, first=article.rev == 1, event=event)]
    )
    assert log_id is not None, "the publication was not committed"
    return article, log_id


async def enrich(client: Any, article: Article) -> None:
    """Commit the enrichment of the oldest accepted article."""
    entry = await _entry(client, ARTICLE_RECEIVED, "enrich")
    assert await RedisArticleStore(client).commit_enriched([make_enrichment(entry, article)]) == [True]


async def set_state(client: Any, article_id: str, state: ArticleState, reason: str | None = None) -> None:
    """Put an article into a state, without the way there; `reason` is why it was rejected or taken back."""
    await client.hset(keys.article(article_id), "state", state.value)
    if reason is None:
        return
    verb = {ArticleState.WITHDRAWN: "withdraw", ArticleState.RETRACTED: "retract"}.get(state)
    if verb is None:
        await client.hset(keys.article(article_id), mapping={"reason": reason, "rejected_rev": "1"})
        return
    act = {"verb": verb, "rev": 2, "at": NOON.isoformat(), "by": "editor", "reason": reason}
    await client.hset(keys.article(article_id), "acts", json.dumps([act]))


async def _entry(client: Any, stream: Stream, group: str) -> Entry:
    groups = await client.xinfo_groups(stream.key) if await client.exists(stream.key) else []
    if group not in [row["name"].decode() for row in groups]:
        await client.xgroup_create(stream.key, group, id="0", mkstream=True)
    answer = await client.xreadgroup(group, "test", {stream.key: ">"}, count=1)
    rows = answer[0][1] if isinstance(answer, list) else next(iter(answer.values()))[0]
    return Entry(rows[0][0].decode(), group)
