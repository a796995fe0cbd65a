"""A checked SearchQuery as the body of a search, and the answer as a page."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Final

from shared.search.checks import (
    MAX_SUGGESTIONS,
    QUERY_ITEM,
    check_counts,
    check_fields,
    check_limit,
    check_page,
    clean_query,
    facet_names,
)
from shared.search.meilisearch.client import MeiliClient
from shared.search.meilisearch.documents import POST, PRE, card_of, value_of, words
from shared.search.meilisearch.filters import LIVE, compiled
from shared.search.meilisearch.marks import CROP_WORDS, excerpt, highlight
from shared.search.meilisearch.shape import FACET_VALUES
from shared.search.port import FacetCounts, FacetField, SearchHit, SearchPage, SearchQuery, Suggestion, Total

_WORD: Final = re.compile(r"[^\W_]")
_SORTS: Final = {"newest": "dated_at:desc", "oldest": "dated_at:asc"}
_MOST_TAGS: Final = 3
_MARKING: Final = {
    "attributesToHighlight": ["title", "dek", "summary", "body"],
    "attributesToCrop": ["summary", "body"],
    "cropLength": CROP_WORDS,
    "cropMarker": "…",
    "highlightPreTag": PRE,
    "highlightPostTag": POST,
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
        body = self._body(self._facets) | {"offset": self._query.offset, "limit": self._query.limit}
        if self._query.highlight:
            body |= _MARKING
        answer = await client.post(f"/indexes/{uid}/search", body)
        hits = tuple(self._hit(found) for found in answer["hits"])
        total = Total(int(answer["estimatedTotalHits"]), exact=self._text.browsing)
        return SearchPage(hits, total, counts_of(answer, self._facets))

    async def counts(self, client: MeiliClient, uid: str, names: Sequence[FacetField]) -> FacetCounts:
        """Facets alone, over everything that `page` would count."""
        wanted = facet_names(names)
        if self._text.matches_nothing or not wanted:
            return {name: {} for name in wanted}
        answer = await client.post(f"/indexes/{uid}/search", self._body(wanted) | {"limit": 0})
        return counts_of(answer, wanted)

    def _body(self, facets: Sequence[str]) -> dict[str, Any]:
        query, browsing = self._query, self._text.browsing
        strict = query.mode != "relevance"
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
        if facets:
            body["facets"] = [f"k_{name}" for name in facets]
        return body

    def _hit(self, found: dict[str, Any]) -> SearchHit:
        score = 1.0 if self._text.browsing else min(1.0, max(0.0, float(found["_rankingScore"])))
        marks = {}
        if self._query.highlight:
            shown = found["_formatted"]
            marks = {"title": highlight(shown["title"]), "dek": highlight(shown["dek"]), "excerpt": excerpt(shown)}
        return SearchHit(card_of(found), score, marks)


def counts_of(answer: dict[str, Any], names: Sequence[str]) -> FacetCounts:
    """Facet -> value -> count, largest first."""
    found = answer.get("facetDistribution") or {}
    counts: FacetCounts = {}
    for name in names:
        values = {value: int(count) for key, count in found.get(f"k_{name}", {}).items() if (value := value_of(key))}
        counts[name] = dict(sorted(values.items(), key=lambda item: -item[1])[:FACET_VALUES])
    return counts


async def suggestions(client: MeiliClient, uid: str, prefix: str, limit: int) -> tuple[Suggestion, ...]:
    """Tags first (most used first), then titles. Raises InvalidQuery for hostile text or a wrong limit."""
    check_limit(limit, least=1, most=MAX_SUGGESTIONS)
    read = read_text(prefix)
    if read.browsing:
        await client.get(f"/indexes/{uid}")  # a missing index is an error for every text
        return ()
    tags = await _tags(client, uid, read.text, min(_MOST_TAGS, limit))
    return (*tags, *await _titles(client, uid, read.text, limit - len(tags)))


async def _tags(client: MeiliClient, uid: str, text: str, limit: int) -> tuple[Suggestion, ...]:
    slug = "-".join(re.findall(r"[^\W_]+", text.lower()))
    body = {"facetName": "k_tags", "facetQuery": slug, "filter": LIVE}
    answer = await client.post(f"/indexes/{uid}/facet-search", body)
    hits = sorted(answer["facetHits"], key=lambda hit: -int(hit["count"]))
    values = [value for hit in hits if (value := value_of(hit["value"])) and value.startswith(slug)]
    return tuple(Suggestion("tag", value) for value in values[:limit])


async def _titles(client: MeiliClient, uid: str, text: str, limit: int) -> tuple[Suggestion, ...]:
    if not limit:
        return ()
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
