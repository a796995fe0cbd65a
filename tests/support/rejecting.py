"""Rejected articles for tests: keys, pages that are dead-lettered, and what a key sees of them."""

from __future__ import annotations

import json
from typing import Any

import httpx

from shared.articles import Submission
from shared.broker.group import WorkGroup
from shared.events import ArticleReceived, ArticleRef
from shared.store import Credentials
from shared.store.articles.port import Acceptance
from shared.store.articles.redis import RedisArticleStore
from shared.topology import ARTICLE_RECEIVED
from tests.support.builders import make_acceptance
from tests.support.store_commits import next_entry

NDJSON = {"accept": "application/x-ndjson"}
SECRET = "the harbour master's unpublished words"


async def key(client: Any, *scopes: str) -> tuple[str, str]:
    """A new key and its id."""
    made, credential = await Credentials(client).create("k", frozenset(scopes or ("ingest",)))
    return made, credential.key_id


def auth(made: str) -> dict[str, str]:
    return {"authorization": f"Bearer {made}"}


async def reject(
    client: Any, item: Acceptance, *, rule: str = "no-body", reason: str = "no article text was found on the page"
) -> ArticleRef:
    """Accept a page and dead-letter its entry, twice: the second time as a redelivery."""
    store = RedisArticleStore(client)
    (outcome,) = await store.accept([item])
    ref = ArticleRef(article_id=item.article_id, rev=outcome.rev, kind=item.kind)
    event = ArticleReceived(meta=item.event.meta, article=ref)
    group = WorkGroup(client, ARTICLE_RECEIVED, "enrich", "c")
    entry = await next_entry(client, ARTICLE_RECEIVED.key, "enrich")
    for _ in range(2):
        await group.dead_letter(entry.entry_id, (reason, rule), 1, event, await group.original_of(event))
    return ref


def page(name: str, owner: str, **fields: Any) -> Acceptance:
    submission = Submission(source="example-gazette", external_id=name, url=f"https://gazette.example/{name}")
    return make_acceptance(external_id=name, text=f"{SECRET} {name}", owner=owner, submission=submission, **fields)


async def polled(api: httpx.AsyncClient, made: str, **params: str) -> list[dict[str, Any]]:
    answer = await api.get("/v1/rejections", params=params, headers=auth(made) | NDJSON)
    assert answer.status_code == 200, answer.text
    return [json.loads(line) for line in answer.text.splitlines()]
