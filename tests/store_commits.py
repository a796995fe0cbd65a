"""Commits of the store, as its tests make them: groups, the next entry, an enrichment of it."""

from __future__ import annotations

from typing import Any

from shared.articles import Article, InputKind, Provenance
from shared.events import ArticleEnriched, ArticleRef
from shared.store.port import Enrichment, Entry
from shared.topology import ARTICLE_ENRICHED, ARTICLE_RECEIVED
from tests.builders import NOON, make_article


async def groups(client: Any) -> None:
    await client.xgroup_create(ARTICLE_RECEIVED.key, "enrich", "0", mkstream=True)
    await client.xgroup_create(ARTICLE_ENRICHED.key, "index", "0", mkstream=True)


async def next_entry(client: Any, stream: str, group: str) -> Entry:
    answer = await client.xreadgroup(group, "c", {stream: ">"}, count=1)
    rows = answer[0][1] if isinstance(answer, list) else next(iter(answer.values()))[0]
    return Entry(rows[0][0].decode(), group)


def enrichment(entry: Entry, rev: int = 1, **fields: Any) -> Enrichment:
    article: Article = make_article(rev=rev, **fields)
    ref = ArticleRef(article_id=article.id, rev=rev, kind=InputKind.TEXT)
    provenance = Provenance(
        rev=rev,
        input_kind=InputKind.TEXT,
        input_sha256="0" * 64,
        output_sha256="1" * 64,
        pipeline_version="1",
        started_at=NOON,
        took_ms=1.5,
    )
    event = ArticleEnriched(meta=ArticleEnriched.meta_for(producer="enrich", now=NOON), article=ref)
    return Enrichment(entry, article, provenance, event)
