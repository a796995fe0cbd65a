"""Completions for search-as-you-type: tags that start with the text, and titles that hold its words."""

from __future__ import annotations

import asyncio
from typing import Final

from shared.search.checks import MAX_SUGGESTIONS, check_limit, slug_start
from shared.search.meilisearch.client import MeiliClient
from shared.search.meilisearch.documents import card_of, key_start, value_of
from shared.search.meilisearch.filters import LIVE
from shared.search.meilisearch.query_text import parse
from shared.search.port import Suggestion

_MOST_TAGS: Final = 3


async def suggestions(client: MeiliClient, uid: str, prefix: str, limit: int) -> tuple[Suggestion, ...]:
    """Tags first (most used first), then titles. Raises InvalidQuery for hostile text or a wrong limit."""
    check_limit(limit, least=1, most=MAX_SUGGESTIONS)
    read = parse(prefix, joins=False)
    if read.browsing:
        await client.get(f"/indexes/{uid}")  # a missing index is an error for every text
        return ()
    tags, titles = await asyncio.gather(
        _tags(client, uid, slug_start(prefix), min(_MOST_TAGS, limit)), _titles(client, uid, read.text, limit)
    )
    return (*tags, *titles[: limit - len(tags)])


async def _tags(client: MeiliClient, uid: str, slug: str, limit: int) -> tuple[Suggestion, ...]:
    questions = [
        {"facetName": "k_tags", "facetQuery": start, "filter": LIVE} for start in (slug, key_start(slug)) if start
    ]
    path = f"/indexes/{uid}/facet-search"
    answers = await asyncio.gather(*(client.post(path, question) for question in questions))
    counts = {value_of(hit["value"]): int(hit["count"]) for answer in answers for hit in answer["facetHits"]}
    values = sorted((value for value in counts if value and value.startswith(slug)), key=lambda value: -counts[value])
    return tuple(Suggestion("tag", value) for value in values[:limit])


async def _titles(client: MeiliClient, uid: str, text: str, limit: int) -> tuple[Suggestion, ...]:
    body = {
        "q": text,
        "filter": LIVE,
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
