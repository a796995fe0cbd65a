"""Completions for search-as-you-type: tags that start with the text, titles with its words; typo-tolerant."""

from __future__ import annotations

import asyncio
from typing import Final

from shared.articles import Card
from shared.identity.tags import tag_prefix
from shared.search.checks import MAX_SUGGESTIONS, check_limit
from shared.search.filters import VISIBLE
from shared.search.meilisearch.client import MeiliClient
from shared.search.meilisearch.documents import card_of, key_of, key_start, value_of
from shared.search.meilisearch.filters import compiled, quoted
from shared.search.meilisearch.query_text import parse
from shared.search.port import Suggestion
from shared.search.suggestions import MAX_TAGS, matching_tags, tag_suggestion

_VISIBLE: Final = compiled(VISIBLE)


async def suggestions(client: MeiliClient, uid: str, prefix: str, limit: int) -> tuple[Suggestion, ...]:
    """Tags first (most used first), then titles. Raises InvalidQuery for hostile text or a wrong limit."""
    check_limit(limit, least=1, most=MAX_SUGGESTIONS)
    read = parse(prefix, joins=False)
    if read.browsing:
        await client.get(f"/indexes/{uid}")  # a missing index is an error for every text
        return ()
    tags, titles = await asyncio.gather(
        _tags(client, uid, tag_prefix(prefix), min(MAX_TAGS, limit)), _titles(client, uid, read.text, limit)
    )
    return (*tags, *titles[: limit - len(tags)])


async def _tags(client: MeiliClient, uid: str, slug: str, limit: int) -> tuple[Suggestion, ...]:
    if not slug:
        return ()
    # The server tolerates typos in readable keys; base32 keys can only be compared by prefix.
    bodies = [
        {"facetName": "k_tags", "facetQuery": start, "filter": _VISIBLE} for start in (slug, key_start(slug)) if start
    ]
    path = f"/indexes/{uid}/facet-search"
    answers = await asyncio.gather(*(client.post(path, body) for body in bodies))
    counts = {value_of(hit["value"]): int(hit["count"]) for answer in answers for hit in answer["facetHits"]}
    found = matching_tags(slug, ((tag, count) for tag, count in counts.items() if tag))[:limit]
    newest = await asyncio.gather(*(_newest(client, uid, tag) for tag in found))
    return tuple(map(tag_suggestion, found, newest))


async def _newest(client: MeiliClient, uid: str, tag: str) -> Card | None:
    only = f"{_VISIBLE} AND k_tags = {quoted(key_of(tag))}"
    body = {"fields": ["card"], "filter": only, "sort": ["dated_at:desc"], "limit": 1}
    found = (await client.post(f"/indexes/{uid}/documents/fetch", body))["results"]
    return card_of(found[0]) if found else None


async def _titles(client: MeiliClient, uid: str, text: str, limit: int) -> tuple[Suggestion, ...]:
    body = {
        "q": text,
        "filter": _VISIBLE,
        "limit": 3 * limit,
        "matchingStrategy": "all",
        "attributesToSearchOn": ["title"],
        "attributesToRetrieve": ["id", "card"],
    }
    answer = await client.post(f"/indexes/{uid}/search", body)
    unique: dict[str, Suggestion] = {}
    for found in answer["hits"]:
        card = card_of(found)
        unique.setdefault(card.title, Suggestion("title", card.title, card.id))
    return tuple(unique.values())[:limit]
