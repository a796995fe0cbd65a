"""Bringing articles to where the index service takes over: enriched in the store, their entries delivered to it."""

from __future__ import annotations

from typing import Any

from redis.exceptions import ResponseError

from shared.articles import Article, Submission
from shared.broker import Delivery
from shared.envelope import decode
from shared.events import ArticleEnriched
from shared.store.articles.port import Entry
from shared.store.articles.redis import RedisArticleStore
from shared.topology import ARTICLE_ENRICHED, ARTICLE_RECEIVED
from tests.support.builders import make_acceptance, make_article, make_enrichment


async def make_groups(client: Any) -> None:
    """Both work groups at 0."""
    for stream in (ARTICLE_RECEIVED, ARTICLE_ENRICHED):
        for group in stream.groups:
            try:
                await client.xgroup_create(stream.key, group, id="0", mkstream=True)
            except ResponseError as error:
                if "BUSYGROUP" not in str(error):
                    raise


async def enrich(
    client: Any,
    store: RedisArticleStore,
    external_id: str,
    text: str = "",
    owner: str = "example-gazette",
    **fields: Any,
) -> Article:
    """Accept a revision of the source `owner` and commit its article, as ingest and enrich do."""
    await make_groups(client)
    said = Submission(source=owner, external_id=external_id)
    (outcome,) = await store.accept(
        [make_acceptance(external_id=external_id, text=text or f"Text of {external_id}", submission=said)]
    )
    return await _enrich_next(client, store, external_id, outcome.rev, fields)


async def enrich_again(client: Any, store: RedisArticleStore, external_id: str, **fields: Any) -> Article:
    """Commit the article of the revision that an editor made."""
    (record,) = await store.records([make_article(external_id=external_id).id])
    assert record is not None
    return await _enrich_next(client, store, external_id, record.rev, fields)


async def _enrich_next(
    client: Any, store: RedisArticleStore, external_id: str, rev: int, fields: dict[str, Any]
) -> Article:
    answer = await client.xreadgroup("enrich", "tests", {ARTICLE_RECEIVED.key: ">"}, count=1)
    ((entry_id, _),) = answer[0][1] if isinstance(answer, list) else next(iter(answer.values()))[0]
    article = make_article(external_id=external_id, rev=rev, **fields)
    committed = await store.commit_enriched([make_enrichment(Entry(entry_id.decode(), "enrich"), article)])
    assert committed == [True]
    return article


async def deliver(client: Any, count: int = 500) -> list[Delivery[ArticleEnriched]]:
    """Read the new entries of `article.enriched` as the index group."""
    answer = await client.xreadgroup("index", "tests", {ARTICLE_ENRICHED.key: ">"}, count=count)
    if not answer:
        return []
    rows = answer[0][1] if isinstance(answer, list) else next(iter(answer.values()))[0]
    return [
        Delivery(entry_id=entry_id.decode(), event=ArticleEnriched.from_json(decode(fields)[1]), attempt=1)
        for entry_id, fields in rows
    ]


async def pending(client: Any) -> int:
    """Entries of `article.enriched` that are delivered and not acknowledged."""
    return int((await client.xpending(ARTICLE_ENRICHED.key, "index"))["pending"])
