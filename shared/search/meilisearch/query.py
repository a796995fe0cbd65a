"""Converts a checked SearchQuery to a search request, and the response to a page."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator, Sequence
from itertools import product
from typing import Any, Final

from shared.clock import now
from shared.query.spellings import spellings_in
from shared.search.checks import (
    check_fields,
    check_page,
    facet_names,
)
from shared.search.hits import CLOSE, OPEN
from shared.search.meilisearch.client import MeiliClient
from shared.search.meilisearch.documents import EMBEDDER, value_of
from shared.search.meilisearch.filters import compiled
from shared.search.meilisearch.highlight import CROP_WORDS, highlights
from shared.search.meilisearch.query_text import parse
from shared.search.meilisearch.settings import FACET_VALUES
from shared.search.port import FacetCounts, FacetField, SearchHit, SearchPage, SearchQuery, Total
from shared.search.recency import HEAVIEST, Window, windows

_SORTS: Final = {"newest": "dated_at:desc", "oldest": "dated_at:asc"}
COLLAPSED: Final = "k_story"
_LESSER_READING: Final = 0.9
"""Weight of a match of a run split into two words."""
_MARKING: Final = {
    "attributesToHighlight": ["title", "dek", "summary", "body"],
    "attributesToCrop": ["summary", "body"],
    "cropLength": CROP_WORDS,
    "cropMarker": "…",
    "highlightPreTag": OPEN,
    "highlightPostTag": CLOSE,
}


class PageQuery:
    """A checked query: raises InvalidQuery when made, so a bad one never reaches the server."""

    def __init__(self, query: SearchQuery) -> None:
        check_page(query)
        check_fields(query.fields)
        self._query = query
        self._facets = facet_names(query.facets)
        self._text = parse(query.text, joins=not query.fields)
        self._filter = compiled(query.filter)

    async def page(self, client: MeiliClient, uid: str) -> SearchPage:
        """Hits, total, and facets if asked for."""
        if self._text.matches_nothing:
            # Requested anyway: a missing index is an error for every query.
            answer = await client.post(f"/indexes/{uid}/search", {"q": "", "limit": 0})
            return SearchPage((), Total(0, exact=True), {name: {} for name in self._facets})
        answer, counted = await self._answers(client, uid)
        hits = tuple(self._hits(answer["hits"]))
        # The server counts all matches, independent of the page; by vector everything matches.
        total = Total(int(counted["estimatedTotalHits"]), exact=not self._query.semantic_ratio)
        return SearchPage(hits, total, counts_of(counted, self._facets))

    async def counts(self, client: MeiliClient, uid: str, names: Sequence[FacetField]) -> FacetCounts:
        """Facets alone, over everything that `page` would count."""
        facets = facet_names(names)
        if self._text.matches_nothing or not facets:
            return {name: {} for name in facets}
        return counts_of(await self._count(client, uid, facets), facets)

    async def _answers(self, client: MeiliClient, uid: str) -> tuple[dict[str, Any], dict[str, Any]]:
        """(hits, counts). Collapsed hits need a separate count, since a collapsed search counts only its results."""
        collapse = self._query.collapse is not None
        if self._is_merged and collapse:
            merged = client.post("/multi-search", self._federated(uid, ()))
            answer, counted = await asyncio.gather(merged, self._count(client, uid, self._facets))
        elif self._is_merged:
            answer = counted = await client.post("/multi-search", self._federated(uid, self._facets))
        elif collapse:
            page = self._page_body(()) | {"distinct": COLLAPSED}
            queries = [page | {"indexUid": uid}, self._body(self._facets) | {"limit": 0, "indexUid": uid}]
            answer, counted = (await client.post("/multi-search", {"queries": queries}))["results"]
        else:
            answer = counted = await client.post(f"/indexes/{uid}/search", self._page_body(self._facets))
        return answer, counted

    async def _count(self, client: MeiliClient, uid: str, facets: Sequence[str]) -> dict[str, Any]:
        """Number of matching articles, and facets over all of them."""
        if len(self._text.texts) == 1:
            return dict(await client.post(f"/indexes/{uid}/search", self._body(facets) | {"limit": 0}))
        federation = _with_facets({"limit": 0}, uid, facets)
        queries = [self._body(()) | {"q": text, "indexUid": uid} for text in self._text.texts]
        return dict(await client.post("/multi-search", {"federation": federation, "queries": queries}))

    @property
    def _is_merged(self) -> bool:
        """Whether several searches are merged to one page."""
        return self._windowed or len(self._text.texts) > 1

    @property
    def _windowed(self) -> bool:
        return self._query.mode == "fresh" and not self._text.browsing

    def _federated(self, uid: str, facets: Sequence[str]) -> dict[str, Any]:
        """One search per variant of the text and age window, merged by weighted score."""
        federation: dict[str, Any] = {"offset": self._query.offset, "limit": self._query.limit}
        if self._query.collapse:
            federation["distinct"] = COLLAPSED
        body = self._body(()) | self._marking() | {"indexUid": uid}
        ages = windows(int(now().timestamp())) if self._windowed else (Window(None, None, HEAVIEST),)
        queries = []
        for window, (at, text) in product(ages, enumerate(self._text.texts)):
            weight = window.weight * (_LESSER_READING if at else 1.0)
            only = {"q": text, "filter": _within(self._filter, window)}
            queries.append(body | only | {"federationOptions": {"weight": weight}})
        return {"federation": _with_facets(federation, uid, facets), "queries": queries}

    def _page_body(self, facets: Sequence[str]) -> dict[str, Any]:
        page = {"offset": self._query.offset, "limit": self._query.limit}
        return self._body(facets) | self._marking() | page

    def _marking(self) -> dict[str, Any]:
        return _MARKING if self._query.highlight else {}

    def _body(self, facets: Sequence[str]) -> dict[str, Any]:
        query, browsing = self._query, self._text.browsing
        strict = query.mode in _SORTS
        body: dict[str, Any] = {
            "q": self._text.text,
            "filter": self._filter,
            # An order by date excludes typo matches.
            "matchingStrategy": "all" if strict or browsing else query.strategy,
            "attributesToRetrieve": ["card"],
            "showRankingScore": True,
        }
        if strict or browsing:
            body["sort"] = [_SORTS.get(query.mode, _SORTS["newest"])]
        if query.fields:
            body["attributesToSearchOn"] = list(dict.fromkeys(query.fields))
        if query.semantic_ratio:
            body |= {"vector": query.vector, "hybrid": {"embedder": EMBEDDER, "semanticRatio": query.semantic_ratio}}
        if facets:
            body["facets"] = _attributes(facets)
        return body

    def _hits(self, found: list[dict[str, Any]]) -> Iterator[SearchHit]:
        merged, browsing, highlight = self._is_merged, self._text.browsing, self._query.highlight
        spellings = spellings_in(self._query.text) if highlight else ()
        for one in found:
            score = 1.0
            if merged:
                score = float(one["_federation"]["weightedRankingScore"]) / HEAVIEST
            elif not browsing:
                score = float(one["_rankingScore"])
            if not 0.0 <= score <= 1.0:
                score = min(1.0, max(0.0, score))
            yield SearchHit(one["card"], score, highlights(one["_formatted"], spellings) if highlight else {})


def _with_facets(federation: dict[str, Any], uid: str, facets: Sequence[str]) -> dict[str, Any]:
    return federation | ({"facetsByIndex": {uid: _attributes(facets)}, "mergeFacets": {}} if facets else {})


def _attributes(names: Sequence[str]) -> list[str]:
    return [f"k_{name}" for name in names]


def _within(condition: str, window: Window) -> str:
    parts = [condition]
    if window.since is not None:
        parts.append(f"dated_at >= {window.since}")
    if window.until is not None:
        parts.append(f"dated_at < {window.until}")
    return " AND ".join(parts)


def counts_of(answer: dict[str, Any], names: Sequence[str]) -> FacetCounts:
    """Facet -> value -> count, largest first."""
    found = answer.get("facetDistribution") or {}
    counts: FacetCounts = {}
    for name in names:
        values = {value: int(count) for key, count in found.get(f"k_{name}", {}).items() if (value := value_of(key))}
        counts[name] = dict(sorted(values.items(), key=lambda item: -item[1])[:FACET_VALUES])
    return counts
