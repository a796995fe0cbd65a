"""A checked SearchQuery as the body of a search, and the answer as a page."""

from __future__ import annotations

import asyncio
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any, Final

from shared.clock import now
from shared.search.checks import (
    QUERY_ITEM,
    check_counts,
    check_fields,
    check_page,
    clean_query,
    facet_names,
)
from shared.search.hits import CLOSE, OPEN
from shared.search.meilisearch.client import MeiliClient
from shared.search.meilisearch.documents import EMBEDDER, value_of, words
from shared.search.meilisearch.filters import compiled
from shared.search.meilisearch.highlight import CROP_WORDS, highlights
from shared.search.meilisearch.settings import FACET_VALUES
from shared.search.port import FacetCounts, FacetField, SearchHit, SearchPage, SearchQuery, Total
from shared.search.recency import HEAVIEST, Window, windows

_WORD: Final = re.compile(r"[^\W_]")
_SORTS: Final = {"newest": "dated_at:desc", "oldest": "dated_at:asc"}
COLLAPSED: Final = "k_story"
_MARKING: Final = {
    "attributesToHighlight": ["title", "dek", "summary", "body"],
    "attributesToCrop": ["summary", "body"],
    "cropLength": CROP_WORDS,
    "cropMarker": "…",
    "highlightPreTag": OPEN,
    "highlightPostTag": CLOSE,
}


@dataclass(frozen=True, slots=True)
class ReadText:
    """What the text of a query asks for."""

    text: str
    browsing: bool
    """Nothing to rank by: everything (less the exclusions), newest first."""
    matches_nothing: bool
    """There was text, but no word in it."""


def read_text(text: str) -> ReadText:
    """Raises InvalidQuery for text that no engine takes."""
    clean = words(clean_query(text))
    if '"' not in clean and "-" not in clean:  # words alone, as in most searches: nothing to count
        has_words = _WORD.search(clean) is not None
        return ReadText(clean, browsing=not has_words, matches_nothing=not has_words and bool(clean.strip()))
    found = phrases = exclusions = 0
    for item in QUERY_ITEM.finditer(clean):
        if not _WORD.search(item["word"] or item["phrase"] or ""):
            continue
        found += 1
        exclusions += item["minus"] is not None
        phrases += item["minus"] is None and item["word"] is None
    check_counts(phrases, exclusions)
    return ReadText(clean, browsing=found == exclusions, matches_nothing=bool(clean.strip()) and not found)


class PageQuery:
    """A checked query: raises InvalidQuery when made, so a bad one never reaches the server."""

    def __init__(self, query: SearchQuery) -> None:
        check_page(query)
        check_fields(query.fields)
        self._query = query
        self._facets = facet_names(query.facets)
        self._text = read_text(query.text)
        self._filter = compiled(query.filter)

    async def page(self, client: MeiliClient, uid: str) -> SearchPage:
        """Hits, total, and facets if asked for."""
        if self._text.matches_nothing:
            # Asked all the same: a missing index is an error for every query.
            answer = await client.post(f"/indexes/{uid}/search", {"q": "", "limit": 0})
            return SearchPage((), Total(0, exact=True), {name: {} for name in self._facets})
        answer, counted = await self._answers(client, uid)
        hits = tuple(self._hits(answer["hits"]))
        total = Total(int(counted["estimatedTotalHits"]), exact=self._text.browsing)
        return SearchPage(hits, total, counts_of(counted, self._facets))

    async def counts(self, client: MeiliClient, uid: str, names: Sequence[FacetField]) -> FacetCounts:
        """Facets alone, over everything that `page` would count."""
        wanted = facet_names(names)
        if self._text.matches_nothing or not wanted:
            return {name: {} for name in wanted}
        answer = await client.post(f"/indexes/{uid}/search", self._body(wanted) | {"limit": 0})
        return counts_of(answer, wanted)

    async def _answers(self, client: MeiliClient, uid: str) -> tuple[dict[str, Any], dict[str, Any]]:
        """(the hits, the counts): collapsed hits are counted apart, for a collapsed search counts what it shows."""
        collapse, search = self._query.collapse is not None, f"/indexes/{uid}/search"
        counting = self._body(self._facets) | {"limit": 0}
        if self._windowed and collapse:
            merged = client.post("/multi-search", self._federated(uid, ()))
            answer, counted = await asyncio.gather(merged, client.post(search, counting))
        elif self._windowed:
            answer = counted = await client.post("/multi-search", self._federated(uid, self._facets))
        elif collapse:
            page = self._page_body(()) | {"distinct": COLLAPSED}
            queries = [page | {"indexUid": uid}, counting | {"indexUid": uid}]
            answer, counted = (await client.post("/multi-search", {"queries": queries}))["results"]
        else:
            answer = counted = await client.post(search, self._page_body(self._facets))
        return answer, counted

    @property
    def _windowed(self) -> bool:
        return self._query.mode == "fresh" and not self._text.browsing

    def _federated(self, uid: str, facets: Sequence[str]) -> dict[str, Any]:
        """One search per window of age, merged by weighted score."""
        federation: dict[str, Any] = {"offset": self._query.offset, "limit": self._query.limit}
        if self._query.collapse:
            federation["distinct"] = COLLAPSED
        if facets:
            federation |= {"facetsByIndex": {uid: _attributes(facets)}, "mergeFacets": {}}
        body = self._body(()) | self._marking() | {"indexUid": uid}
        queries = [
            body | {"filter": _within(self._filter, window), "federationOptions": {"weight": window.weight}}
            for window in windows(int(now().timestamp()))
        ]
        return {"federation": federation, "queries": queries}

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
            # A strict order by date has no place for lesser matches.
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
        windowed, browsing, highlight = self._windowed, self._text.browsing, self._query.highlight
        for one in found:
            score = 1.0
            if windowed:
                score = float(one["_federation"]["weightedRankingScore"]) / HEAVIEST
            elif not browsing:
                score = float(one["_rankingScore"])
            if not 0.0 <= score <= 1.0:
                score = min(1.0, max(0.0, score))
            yield SearchHit(one["card"], score, highlights(one["_formatted"]) if highlight else {})


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
