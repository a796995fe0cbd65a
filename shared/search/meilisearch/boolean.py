"""Strict search on Meilisearch: compiles the AST to one filter over an attribute of whole words.

Meilisearch's query words are typo-tolerant, prefixes, limited to ten, and without OR; filters are exact and nest.
Filters cannot express phrases: their words are filtered, and the token runs of the candidates are verified, newest
first, at most `VERIFIED`; beyond that the total is a lower bound. Filters do not rank: in `relevance` mode the matches
of a plain search come first, best first, then the others, newest first.
"""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import AsyncIterator, Iterable, Sequence
from typing import Any, Final

from shared.identity.languages import language_ranges
from shared.query import Facts, matches
from shared.query.ast import All, Dated, Either, Field, Node, Not, Text
from shared.search.checks import MAX_DEPTH, check_page, check_strict, facet_names
from shared.search.meilisearch.client import MeiliClient
from shared.search.meilisearch.documents import SEPARATOR, card_of, key_of, words
from shared.search.meilisearch.filters import NOTHING, compiled, quoted
from shared.search.meilisearch.query import COLLAPSED, counts_of
from shared.search.meilisearch.settings import FACET_VALUES
from shared.search.port import FacetCounts, FacetField, SearchHit, SearchPage, SearchQuery, Total
from shared.search.strict import filter_of, strict_highlights, wanted_words

VERIFIED: Final = 2_000
"""Maximum articles whose token runs are verified for the phrases of one query."""
_PART: Final = 200
_RANKED_WORDS: Final = 10
_SORTS: Final = {"oldest": "dated_at:asc"}

_PAGES_REACH: Final = MAX_DEPTH

Hit = dict[str, Any]
Body = dict[str, Any]


class StrictPage:
    """A checked strict query: raises InvalidQuery when made."""

    def __init__(self, query: SearchQuery) -> None:
        check_page(query)
        parsed = check_strict(query)
        self._query = query
        self._parsed = parsed
        self._facets = facet_names(query.facets)
        self._words = wanted_words(parsed)
        self._filter = f"{compiled(query.filter)} AND ({_expression(parsed.root, surely=False)})"
        self._verifies = any(isinstance(leaf, Text) and len(leaf.tokens) > 1 for leaf in parsed.leaves())

    async def page(self, client: MeiliClient, uid: str) -> SearchPage:
        """Hits, total, and facets if asked for."""
        query = self._query
        if self._verifies:
            found, exact = await self._verified(client, uid)
            shown = _one_per_story(found) if query.collapse else found
            wanted = shown[query.offset : query.offset + query.limit]
            hits = tuple(self._hit(hit) for hit in await self._with_texts(client, uid, wanted))
            return SearchPage(hits, Total(len(found), exact=exact), _counted(found, self._facets))
        found, counted = await asyncio.gather(self._hits(client, uid), self._count(client, uid, self._facets))
        total = Total(int(counted["estimatedTotalHits"]), exact=True)
        return SearchPage(tuple(map(self._hit, found)), total, counts_of(counted, self._facets))

    async def counts(self, client: MeiliClient, uid: str, names: Sequence[FacetField]) -> FacetCounts:
        """Facets alone."""
        wanted = facet_names(names)
        if self._verifies:
            found, _ = await self._verified(client, uid)
            return _counted(found, wanted)
        return counts_of(await self._count(client, uid, wanted), wanted)

    # --- requests -----------------------------------------------------------------------------------------------------

    @property
    def _ranks(self) -> bool:
        return self._query.mode == "relevance" and bool(self._words)

    async def _hits(self, client: MeiliClient, uid: str) -> list[Hit]:
        """The hits of the page. The server cannot merge a ranked and an unranked search: two requests."""
        query = self._query
        if not self._ranks:
            return await self._dated(client, uid, query.offset, query.limit)
        end = query.offset + query.limit
        liked = await self._liked(client, uid, end)
        page = liked[query.offset : end]
        if len(liked) < end:
            others = self._filter + _others(liked, stories=query.collapse is not None)
            offset = max(0, query.offset - len(liked))
            page += await self._dated(client, uid, offset, query.limit - len(page), only=others)
        return page

    async def _liked(self, client: MeiliClient, uid: str, limit: int) -> list[Hit]:
        """The best matches of a plain search, which may miss some."""
        text = words(" ".join(self._words[:_RANKED_WORDS]))
        body = {"q": text, "matchingStrategy": "last", "limit": limit, "showRankingScore": True}
        return await self._found(client, uid, self._body(self._filter) | body)

    async def _dated(
        self, client: MeiliClient, uid: str, offset: int, limit: int, *, only: str | None = None, runs: bool = False
    ) -> list[Hit]:
        sort = [_SORTS.get(self._query.mode, "dated_at:desc")]
        body = self._body(only or self._filter, runs=runs) | {"sort": sort, "offset": offset, "limit": limit}
        return await self._found(client, uid, body)

    async def _found(self, client: MeiliClient, uid: str, body: Body) -> list[Hit]:
        return list((await client.post(f"/indexes/{uid}/search", body))["hits"])

    def _body(self, only: str, *, runs: bool = False) -> Body:
        retrieved = ["card", "id"]
        if runs:
            retrieved.append("runs")
        elif self._query.highlight:
            retrieved += ["summary", "body"]
        body: Body = {"q": "", "filter": only, "attributesToRetrieve": retrieved}
        # Unverified articles must not represent their story.
        return body | ({"distinct": COLLAPSED} if self._query.collapse and not runs else {})

    async def _count(self, client: MeiliClient, uid: str, facets: Sequence[str]) -> dict[str, Any]:
        body: Body = {"q": "", "filter": self._filter, "limit": 0}
        if facets:
            body["facets"] = [f"k_{name}" for name in facets]
        return dict(await client.post(f"/indexes/{uid}/search", body))

    # --- phrases ----------------------------------------------------------------------------------------------------

    async def _verified(self, client: MeiliClient, uid: str) -> tuple[list[Hit], bool]:
        """Verified matches among the first `VERIFIED` candidates, and whether there were no more candidates."""
        found, seen = [], 0
        async for hits in self._candidates(client, uid):
            seen += len(hits)
            # Verified texts are not kept: up to 2,000 bodies.
            found += [{name: hit[name] for name in ("id", "card")} for hit in hits if self._holds(hit)]
        if self._ranks and found:
            places = {hit["id"]: place for place, hit in enumerate(await self._liked(client, uid, _PAGES_REACH))}
            found.sort(key=lambda hit: places.get(hit["id"], _PAGES_REACH))
        return found, seen < VERIFIED

    async def _candidates(self, client: MeiliClient, uid: str) -> AsyncIterator[list[Hit]]:
        for offset in range(0, VERIFIED, _PART):
            hits = await self._dated(client, uid, offset, _PART, runs=True)
            yield hits
            if len(hits) < _PART:
                return

    def _holds(self, hit: Hit) -> bool:
        return matches(self._parsed, _facts(hit))

    async def _with_texts(self, client: MeiliClient, uid: str, hits: list[Hit]) -> list[Hit]:
        if not (hits and self._query.highlight):
            return hits
        body = {"ids": [hit["id"] for hit in hits], "fields": ["id", "summary", "body"], "limit": len(hits)}
        answer = await client.post(f"/indexes/{uid}/documents/fetch", body)
        texts = {found["id"]: found for found in answer["results"]}
        return [hit | texts.get(hit["id"], {}) for hit in hits]

    # --- results ----------------------------------------------------------------------------------------------------

    def _hit(self, found: Hit) -> SearchHit:
        card = card_of(found)
        score = min(1.0, max(0.0, float(found.get("_rankingScore", 0.0 if self._ranks else 1.0))))
        if not self._query.highlight:
            return SearchHit(card, score)
        summary, body = (str(found.get(name) or "").replace(SEPARATOR, "") for name in ("summary", "body"))
        return SearchHit(card, score, strict_highlights(card, summary, body, self._words))


def _others(hits: list[Hit], *, stories: bool) -> str:
    """Filter suffix that excludes these articles, or also everything of their stories."""
    ids = ", ".join(quoted(key_of(hit["id"])) for hit in hits)
    known = {card_of(hit).story_id for hit in hits} if stories else set()
    held = ", ".join(quoted(key_of(story)) for story in sorted(filter(None, known)))
    return (f" AND NOT k_id IN [{ids}]" if ids else "") + (f" AND NOT k_story IN [{held}]" if held else "")


def _one_per_story(hits: list[Hit]) -> list[Hit]:
    """The first of each story, and articles without story."""
    first: dict[str, Hit] = {}
    for hit in hits:
        first.setdefault(card_of(hit).story_id or f"article {hit['id']}", hit)
    return list(first.values())


def _facts(hit: Hit) -> Facts:
    card, runs = card_of(hit), str(hit["runs"])
    return Facts(
        words=frozenset(runs.split()),
        runs=runs,
        tags=frozenset(tag.slug for tag in card.tags),
        section=card.section,
        source=card.source,
        languages=language_ranges(card.language),
        story=card.story_id,
        dated_at=int(card.dated_at.timestamp()),
    )


def _counted(hits: Sequence[Hit], names: Sequence[FacetField]) -> FacetCounts:
    """Facets of individually verified articles."""
    counts: dict[str, Counter[str]] = {name: Counter() for name in names}
    for hit in hits if names else ():
        card = card_of(hit)
        values: dict[FacetField, list[str | None]] = {
            "tags": [tag.slug for tag in card.tags],
            "section": [card.section],
            "source": [card.source],
            "language": [card.language],
        }
        for name in names:
            counts[name].update({value for value in values[name] if value})
    return {name: dict(found.most_common(FACET_VALUES)) for name, found in counts.items()}


def _expression(node: Node, *, surely: bool) -> str:
    """The filter of a node. A phrase is approximated by its words, which matches too much: acceptable for hits, which
    are verified, but not for exclusions. With `surely`, the filter may only match too little."""
    match node:
        case Text((token,)):
            return _word(token)
        case Text(tokens):
            return NOTHING if surely else _every(_word(token) for token in dict.fromkeys(tokens))
        case Field() | Dated():
            return compiled(filter_of(node))
        case Not(inner):
            return f"NOT ({_expression(inner, surely=not surely)})"
        case All(nodes):
            return _every(_expression(inner, surely=surely) for inner in nodes)
        case Either(nodes):
            return " OR ".join(f"({_expression(inner, surely=surely)})" for inner in nodes)


def _every(expressions: Iterable[str]) -> str:
    return " AND ".join(f"({expression})" for expression in expressions)


def _word(token: str) -> str:
    return f"k_words = {quoted(key_of(token))}"
