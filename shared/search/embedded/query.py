"""Runs a SearchQuery on one view of the index: passes, sorting, totals, facets, highlights."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Final

import orjson
import tantivy

from shared.articles import Card
from shared.clock import now
from shared.search.checks import MAX_DEPTH, check_page, facet_names
from shared.search.embedded.filters import compile_filter, live, unscored
from shared.search.embedded.highlight import Highlighter
from shared.search.embedded.query_text import ParsedText, parse
from shared.search.embedded.ranking import RankedQuery, word_fields
from shared.search.embedded.reader import View, total_of
from shared.search.embedded.schema import texts_of
from shared.search.errors import InvalidQuery
from shared.search.filters import Range
from shared.search.port import FacetCounts, FacetField, Highlight, SearchHit, SearchPage, SearchQuery, Total
from shared.search.recency import HEAVIEST, windows

FACET_VALUES: Final = 100
MODES: Final = {"newest": tantivy.Order.Desc, "oldest": tantivy.Order.Asc}

_ENOUGH: Final = 100
"""Number of exact matches from which the order `fresh` adds no typo matches, on any page."""
_WIDEST: Final = 20 * MAX_DEPTH
"""Most hits read for one page of a collapsed search."""

_MANY_WORDS: Final = 4
"""Fewer words mostly occur together, so ranking is tried first."""

_EXACT_BELOW: Final = 1_000
"""Totals below this are counted exactly, typo matches included."""

_Hits = list[tuple[float, tantivy.DocAddress]]


@dataclass(frozen=True, slots=True)
class QueryPass:
    """Result of one pass: hits with scores in [0, 1], and the query for facet counts."""

    query: tantivy.Query
    hits: _Hits
    total: Total
    fuzzy: bool


class PageQuery:
    """A checked query: raises InvalidQuery when made, so a bad one never reaches the engine."""

    def __init__(self, query: SearchQuery) -> None:
        check_page(query)
        if query.semantic_ratio:
            raise InvalidQuery("this search engine cannot rank by meaning", field="semantic_ratio")
        self._query = query
        self._facets = facet_names(query.facets)
        self._parsed: ParsedText = parse(query.text)
        self._ranked_query = RankedQuery(self._parsed, word_fields(query.fields))
        self._filter = compile_filter(query.filter)
        self._now = int(now().timestamp())

    def page(self, view: View) -> SearchPage:
        """Hits, total, and facets if asked for."""
        if self._parsed.matches_nothing:
            return SearchPage((), Total(0, exact=True), {name: {} for name in self._facets})
        answer = self._collect(view)
        marks = None
        if self._query.highlight:
            spelling = view.spelling() if answer.fuzzy else None
            marks = Highlighter(self._parsed, fuzzy=answer.fuzzy, spelling=spelling)
        hits = tuple(_hit(view.searcher, at, score, marks) for score, at in answer.hits)
        return SearchPage(hits, answer.total, _count(view.searcher, answer.query, self._facets))

    def counts(self, view: View, names: Sequence[FacetField]) -> FacetCounts:
        """Facets alone, over everything that `page` would count."""
        wanted = facet_names(names)
        if self._parsed.matches_nothing:
            return {name: {} for name in wanted}
        return _count(view.searcher, self._collect(view).query, wanted)

    def _collect(self, view: View) -> QueryPass:
        offset, limit = self._query.offset, self._query.limit
        if not (self._query.collapse and limit):
            found = self._run(view, offset, max(1, limit))
            return replace(found, hits=found.hits[:limit])
        reach = 3 * (offset + limit)
        while True:
            found = self._run(view, 0, reach)
            kept = _one_per_story(view.searcher, found.hits)
            if len(kept) >= offset + limit or reach >= min(found.total.value, _WIDEST):
                return replace(found, hits=kept[offset : offset + limit])
            reach *= 4

    def _run(self, view: View, offset: int, limit: int) -> QueryPass:
        mode = self._query.mode
        if self._parsed.browsing:
            return self._ordered(view, offset, limit, fuzzy=False)
        if mode in MODES:
            # In an order by date, typo matches would be mixed in: they count only if nothing else matches.
            exact = self._ordered(view, offset, limit, fuzzy=False)
            typos = self._parsed.loosens and not exact.total.value
            return self._ordered(view, offset, limit, fuzzy=True) if typos else exact
        ranked, wanted = (self._by_recency, _ENOUGH) if mode == "fresh" else (self._ranked, offset + limit)
        strict = None
        if mode == "fresh" or not self._is_loose(view, wanted):
            strict = ranked(view, offset, limit, loose=False)
        if strict is None or (strict.total.value < wanted and not strict.total.exact):
            return ranked(view, offset, limit, loose=True)
        return self._with_exact_total(view, strict)

    def _with_exact_total(self, view: View, found: QueryPass) -> QueryPass:
        """A page of exact matches alone, and the count of all matches where that number is small."""
        if found.total.exact or found.total.value >= _EXACT_BELOW:
            return found
        query = self._words(view, loose=True, ranking=False)
        counted = total_of(view.searcher.search(query, limit=1, order_by_field="sort_key"))
        return replace(found, query=query, total=Total(max(counted, found.total.value), exact=True))

    def _is_loose(self, view: View, wanted: int) -> bool:
        """Whether too few articles contain all words as typed; counting is cheaper than a useless ranking."""
        if len(self._parsed.words) < _MANY_WORDS or self._is_exact(loose=False):
            return False
        query = self._ranked_query.build(
            view.searcher, strategy="all", fuzzy=False, narrow=self._narrow(), ranking=False
        )
        return total_of(view.searcher.search(query, limit=1, order_by_field="sort_key")) < wanted

    def _ranked(self, view: View, offset: int, limit: int, *, loose: bool) -> QueryPass:
        query = self._words(view, loose=loose)
        found = view.searcher.search(query, limit=limit, offset=offset)
        total = Total(total_of(found), exact=self._is_exact(loose=loose))
        return QueryPass(query, self._shares(found), total, loose)

    def _by_recency(self, view: View, offset: int, limit: int, *, loose: bool) -> QueryPass:
        merged: _Hits = []
        total = 0
        for window in windows(self._now):
            dated = compile_filter(Range("dated_at", window.since, window.until))
            found = view.searcher.search(self._words(view, dated, loose=loose), limit=offset + limit)
            total += total_of(found)
            weight = window.weight / HEAVIEST
            merged += [(share * weight, at) for share, at in self._shares(found)]
        merged.sort(key=lambda hit: -hit[0])
        exact = self._is_exact(loose=loose)
        return QueryPass(
            self._words(view, loose=loose), merged[offset : offset + limit], Total(total, exact=exact), loose
        )

    def _ordered(self, view: View, offset: int, limit: int, *, fuzzy: bool) -> QueryPass:
        spelling = view.spelling() if fuzzy else None
        narrow = (live(), *self._narrow())
        query = unscored(
            self._ranked_query.build(view.searcher, strategy="all", fuzzy=fuzzy, narrow=narrow, spelling=spelling)
        )
        order = MODES.get(self._query.mode, tantivy.Order.Desc)
        found = view.searcher.search(query, limit=limit, offset=offset, order_by_field="sort_key", order=order)
        total = Total(total_of(found), exact=True)
        return QueryPass(query, [(1.0, at) for _, at in found.hits], total, fuzzy)

    def _words(self, view: View, *more: tantivy.Query | None, loose: bool, ranking: bool = True) -> tantivy.Query:
        strategy = self._query.strategy if loose else "all"
        narrow = (*self._narrow(), *(query for query in more if query is not None))
        spelling = view.spelling()
        return self._ranked_query.build(
            view.searcher, strategy=strategy, fuzzy=loose, narrow=narrow, spelling=spelling, ranking=ranking
        )

    def _is_exact(self, *, loose: bool) -> bool:
        drops_words = self._query.strategy == "last" and len(self._parsed.words) > 1
        return loose or not (self._parsed.loosens or drops_words)

    def _shares(self, found: tantivy.SearchResult) -> _Hits:
        best = self._ranked_query.best
        return [(min(1.0, max(0.0, score / best)), at) for score, at in found.hits]

    def _narrow(self) -> tuple[tantivy.Query, ...]:
        return () if self._filter is None else (self._filter,)


def _one_per_story(searcher: tantivy.Searcher, hits: _Hits) -> _Hits:
    """The best hit of each story, in order; the newest on a tie."""
    addresses = [at for _, at in hits]
    stories = searcher.fast_field_values("story_key", addresses)
    dates = searcher.fast_field_values("sort_key", addresses)
    kept: dict[int, tuple[float, int, tantivy.DocAddress]] = {}
    for (score, at), story, date in zip(hits, stories, dates, strict=True):
        known = kept.get(int(story or 0))
        # An order by date keeps the first hit of a story; otherwise the newest of equal scores wins.
        if known is None or (score == known[0] < 1.0 and int(date or 0) > known[1]):
            kept[int(story or 0)] = (score, int(date or 0), at)
    return [(score, at) for score, _, at in kept.values()]


def stored_card(document: tantivy.Document) -> bytes:
    """The stored JSON of the card."""
    return bytes_of(document, "card")


def card_of(document: tantivy.Document) -> Card:
    """The stored card."""
    return Card.model_validate_json(bytes_of(document, "card"))


def _hit(searcher: tantivy.Searcher, at: tantivy.DocAddress, score: float, marks: Highlighter | None) -> SearchHit:
    document = searcher.doc(at)
    stored = stored_card(document)
    return SearchHit(stored, score, {} if marks is None else _highlights(stored, document, marks))


def _highlights(stored: bytes, document: tantivy.Document, marks: Highlighter) -> dict[str, Highlight]:
    card = orjson.loads(stored)
    summary, body = texts_of(bytes_of(document, "texts"))
    whole = {name: marks.whole(card.get(name, "")) for name in ("title", "dek")}
    return whole | {"excerpt": marks.excerpt(summary, body)}


def _count(searcher: tantivy.Searcher, query: tantivy.Query, names: Sequence[FacetField]) -> FacetCounts:
    if not names:
        return {}
    wanted = {name: {"terms": {"field": name, "size": FACET_VALUES}} for name in names}
    answer = searcher.aggregate(query, wanted)
    return {
        name: {str(bucket["key"]): int(bucket["doc_count"]) for bucket in answer[name]["buckets"]} for name in names
    }


def bytes_of(document: tantivy.Document, name: str) -> bytes:
    """A stored value of the document."""
    value = document.get_first(name)
    if isinstance(value, bytes):
        return value
    raise ValueError(f"a stored document has no {name}")
