"""Strict search on Meilisearch: the tree of a query becomes one filter over an attribute of whole words.

Meilisearch's own words forgive typing errors, are prefixes, end at the tenth, and know no OR; filter values are exact
and nest. Two things are not in a filter. Phrases: their words are required by the filter, and the token runs of what
passes are looked at, newest first, at most `VERIFIED` of them; beyond, the total is a lower bound. And rank: in
`relevance` mode a federated search puts the articles first that plain words find best, then all the others.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import AsyncIterator, Iterable, Sequence
from typing import Any, Final

from shared.query import Facts, matches
from shared.query.ast import All, Dated, Either, Field, Node, Not, Text
from shared.search.checks import check_page, check_strict, facet_names
from shared.search.meilisearch.client import MeiliClient
from shared.search.meilisearch.documents import SEPARATOR, card_of, key_of, words
from shared.search.meilisearch.filters import NOTHING, compiled, quoted
from shared.search.meilisearch.queries import COLLAPSED, counts_of
from shared.search.meilisearch.shape import FACET_VALUES
from shared.search.port import FacetCounts, FacetField, SearchHit, SearchPage, SearchQuery, Total
from shared.search.strict import filter_of, marks, wanted_words

VERIFIED: Final = 2_000
"""Articles whose token runs are looked at for the phrases of one query."""
_PART: Final = 200
_RANKED_WORDS: Final = 10
_SORTS: Final = {"oldest": "dated_at:asc"}

Hit = dict[str, Any]


class StrictPage:
    """A checked strict query: raises InvalidQuery when made."""

    def __init__(self, query: SearchQuery) -> None:
        check_page(query)
        parsed = check_strict(query)
        self._query = query
        self._asked = parsed
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
        answer = await self._search(client, uid, query.offset, query.limit)
        counted = answer
        if self._facets or self._ranks or query.collapse:
            counted = await self._count(client, uid, self._facets)
        total = Total(int(counted["estimatedTotalHits"]), exact=True)
        return SearchPage(tuple(map(self._hit, answer["hits"])), total, counts_of(counted, self._facets))

    async def counts(self, client: MeiliClient, uid: str, names: Sequence[FacetField]) -> FacetCounts:
        """Facets alone."""
        wanted = facet_names(names)
        if self._verifies:
            found, _ = await self._verified(client, uid)
            return _counted(found, wanted)
        return counts_of(await self._count(client, uid, wanted), wanted)

    # --- asking -----------------------------------------------------------------------------------------------------

    @property
    def _ranks(self) -> bool:
        return self._query.mode == "relevance" and bool(self._words)

    async def _search(
        self, client: MeiliClient, uid: str, offset: int, limit: int, *, runs: bool = False
    ) -> dict[str, Any]:
        retrieved = ["card", "id"]
        if runs:
            retrieved.append("runs")
        elif self._query.highlight:
            retrieved += ["summary", "body"]
        base: dict[str, Any] = {"filter": self._filter, "attributesToRetrieve": retrieved}
        # Articles that are still to be verified must not stand for their story yet.
        distinct = {"distinct": COLLAPSED} if self._query.collapse and not runs else {}
        if not self._ranks:
            sort = [_SORTS.get(self._query.mode, "dated_at:desc")]
            body = base | {"q": "", "sort": sort, "offset": offset, "limit": limit} | distinct
            return dict(await client.post(f"/indexes/{uid}/search", body))
        text = words(" ".join(self._words[:_RANKED_WORDS]))
        liked = base | {"indexUid": uid, "q": text, "matchingStrategy": "last"}
        # What the server's own idea of words does not find is a match all the same, and comes last.
        other = base | {"indexUid": uid, "q": "", "federationOptions": {"weight": 0.001}}
        federation = {"offset": offset, "limit": limit} | distinct
        return dict(await client.post("/multi-search", {"federation": federation, "queries": [liked, other]}))

    async def _count(self, client: MeiliClient, uid: str, facets: Sequence[str]) -> dict[str, Any]:
        body: dict[str, Any] = {"q": "", "filter": self._filter, "limit": 0}
        if facets:
            body["facets"] = [f"k_{name}" for name in facets]
        return dict(await client.post(f"/indexes/{uid}/search", body))

    # --- phrases ----------------------------------------------------------------------------------------------------

    async def _verified(self, client: MeiliClient, uid: str) -> tuple[list[Hit], bool]:
        """Every match among the first `VERIFIED` articles that hold the words, and whether those were all of them."""
        found, seen = [], 0
        async for hits in self._candidates(client, uid):
            seen += len(hits)
            # What was looked at is not kept: two thousand bodies are no page.
            found += [{name: hit[name] for name in ("id", "card")} for hit in hits if self._holds(hit)]
        return found, seen < VERIFIED

    async def _candidates(self, client: MeiliClient, uid: str) -> AsyncIterator[list[Hit]]:
        for offset in range(0, VERIFIED, _PART):
            hits = (await self._search(client, uid, offset, _PART, runs=True))["hits"]
            yield hits
            if len(hits) < _PART:
                return

    def _holds(self, hit: Hit) -> bool:
        return matches(self._asked, _facts(hit))

    async def _with_texts(self, client: MeiliClient, uid: str, hits: list[Hit]) -> list[Hit]:
        if not (hits and self._query.highlight):
            return hits
        body = {"ids": [hit["id"] for hit in hits], "fields": ["id", "summary", "body"], "limit": len(hits)}
        answer = await client.post(f"/indexes/{uid}/documents/fetch", body)
        texts = {found["id"]: found for found in answer["results"]}
        return [hit | texts.get(hit["id"], {}) for hit in hits]

    # --- answers ----------------------------------------------------------------------------------------------------

    def _hit(self, found: Hit) -> SearchHit:
        card = card_of(found)
        score = min(1.0, max(0.0, float(found.get("_federation", {}).get("weightedRankingScore", 1.0))))
        if not self._query.highlight:
            return SearchHit(card, score)
        summary, body = (str(found.get(name) or "").replace(SEPARATOR, "") for name in ("summary", "body"))
        return SearchHit(card, score, marks(card, summary, body, self._words))


def _one_per_story(hits: list[Hit]) -> list[Hit]:
    """The first of each story, and everything that is in none."""
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
        language=card.language,
        story=card.story_id,
        dated_at=int(card.dated_at.timestamp()),
    )


def _counted(hits: Sequence[Hit], names: Sequence[FacetField]) -> FacetCounts:
    """Facets of articles that were looked at one by one."""
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
    """The filter of a node. Of a phrase only its words can be asked for: that is too much, which is right as long as
    the hits are looked at again, and wrong where it excludes. With `surely`, the filter may only be too narrow."""
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
