"""Commits of the store, as its tests make them: groups, the next entry, an enrichment of it."""

from __future__ import annotations

from typing import Any

from shared.store.articles.port import Enrichment, Entry
from shared.topology import ARTICLE_ENRICHED, ARTICLE_RECEIVED
from tests.support.builders import make_article, make_enrichment


async def groups(client: Any) -> None:
    await client.xgroup_create(ARTICLE_RECEIVED.key, "enrich", "0", mkstream=True)
    await client.xgroup_create(ARTICLE_ENRICHED.key, "index", "0", mkstream=True)


async def next_entry(client: Any, stream: str, group: str) -> Entry:
    answer = await client.xreadgroup(group, "c", {stream: ">"}, count=1)
    rows = answer[0][1] if isinstance(answer, list) else next(iter(answer.values()))[0]
    return Entry(rows[0][0].decode(), group)


def enrichment(entry: Entry, rev: int = 1, **fields: Any) -> Enrichment:
    return make_enrichment(entry, make_article(rev=rev, **fields))
