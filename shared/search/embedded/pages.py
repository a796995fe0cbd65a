"""Answer a SearchQuery on one view of the index: passes, sorting, totals, facets, highlights."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

import tantivy

from shared.articles import Card
from shared.search.checks import check_page, facet_names
from shared.search.embedded.filters import compile_filter, live, silent
from shared.search.embedded.grammar import ParsedText, parse
from shared.search.embedded.highlight import Highlighter
from shared.search.embedded.query import TieredQuery, word_fields
from shared.search.embedded.reader import View, total_of
from shared.search.embedded.schema import texts_of
from shared.search.port import FacetCounts, FacetField, Highlight, SearchHit, SearchPage, SearchQuery, Total

FACET_VALUES: Final = 100
_MODES: Final = {"newest": tantivy.Order.Desc, "oldest": tantivy.Order.Asc}

_Hits = list[tuple[float, tantivy.DocAddress]]


@dataclass(frozen=True, slots=True)
class _Pass:
    """One attempt at an answer."""

    query: tantivy.Query
    hits: _Hits
    total: Total
    best: float
    fuzzy: bool


class PageQuery:
    """A checked query: raises InvalidQuery when made, so a bad one never reaches the engine."""

    def __init__(self, query: SearchQuery) -> None:
        check_page(query)
        self._query = query
        self._facets = facet_names(query.facets)
        self._parsed: ParsedText = parse(query.text)
        self._tiers = TieredQuery(self._parsed, word_fields(query.fields))
        self._filter = compile_filter(query.filter)

    def page(self, view: View) -> SearchPage:
        """Hits, total, and facets if asked for."""
        if self._parsed.matches_nothing:
            return SearchPage((), Total(0, exact=True), {name: {} for name in self._facets})
        answer = self._run(view.searcher)
        marks = Highlighter(self._parsed, fuzzy=answer.fuzzy) if self._query.highlight else None
        hits = tuple(_hit(view.searcher, at, score, answer.best, marks) for score, at in answer.hits)
        return SearchPage(hits, answer.total, _count(view.searcher, answer.query, self._facets))

    def counts(self, view: View, names: Sequence[FacetField]) -> FacetCounts:
        """Facets alone, over everything that `page` would count."""
        wanted = facet_names(names)
        if self._parsed.matches_nothing:
            return {name: {} for name in wanted}
        return _count(view.searcher, self._run(view.searcher).query, wanted)

    def _run(self, searcher: tantivy.Searcher) -> _Pass:
        if self._parsed.browsing:
            return self._ordered(searcher, fuzzy=False)
        if self._query.mode != "relevance":
            # A strict order by date has no place for lesser matches: typos count only when nothing else matches.
            exact = self._ordered(searcher, fuzzy=False)
            return exact if exact.total.value or not self._parsed.loosens else self._ordered(searcher, fuzzy=True)
        strict = self._ranked(searcher, loose=False)
        enough = strict.total.value >= self._query.offset + max(1, self._query.limit)
        return strict if enough or strict.total.exact else self._ranked(searcher, loose=True)

    def _ranked(self, searcher: tantivy.Searcher, *, loose: bool) -> _Pass:
        strategy = self._query.strategy if loose else "all"
        query = self._tiers.build(strategy=strategy, fuzzy=loose, narrow=self._narrow())
        found = searcher.search(query, limit=max(1, self._query.limit), offset=self._query.offset)
        drops_words = self._query.strategy == "last" and len(self._parsed.words) > 1
        exact = loose or not (self._parsed.loosens or drops_words)
        return self._pass(query, found, exact=exact, best=self._tiers.best, fuzzy=loose)

    def _ordered(self, searcher: tantivy.Searcher, *, fuzzy: bool) -> _Pass:
        query = silent(self._tiers.build(strategy="all", fuzzy=fuzzy, narrow=(live(), *self._narrow())))
        found = searcher.search(
            query,
            limit=max(1, self._query.limit),
            offset=self._query.offset,
            order_by_field="sort_key",
            order=_MODES.get(self._query.mode, tantivy.Order.Desc),
        )
        return self._pass(query, found, exact=fuzzy or not self._parsed.loosens, best=0.0, fuzzy=fuzzy)

    def _pass(
        self, query: tantivy.Query, found: tantivy.SearchResult, *, exact: bool, best: float, fuzzy: bool
    ) -> _Pass:
        hits = found.hits if self._query.limit else []
        return _Pass(query, hits, Total(total_of(found), exact=exact), best, fuzzy)

    def _narrow(self) -> tuple[tantivy.Query, ...]:
        return () if self._filter is None else (self._filter,)


def card_of(document: tantivy.Document) -> Card:
    """The card as it was written."""
    return Card.model_validate_json(_bytes(document, "card"))


def _hit(
    searcher: tantivy.Searcher, at: tantivy.DocAddress, score: float, best: float, marks: Highlighter | None
) -> SearchHit:
    document = searcher.doc(at)
    card = card_of(document)
    share = min(1.0, max(0.0, score / best)) if best else 1.0
    return SearchHit(card, share, {} if marks is None else _highlights(card, document, marks))


def _highlights(card: Card, document: tantivy.Document, marks: Highlighter) -> dict[str, Highlight]:
    summary, body = texts_of(_bytes(document, "texts"))
    return {"title": marks.whole(card.title), "dek": marks.whole(card.dek), "excerpt": marks.excerpt(summary, body)}


def _count(searcher: tantivy.Searcher, query: tantivy.Query, names: Sequence[FacetField]) -> FacetCounts:
    if not names:
        return {}
    wanted = {name: {"terms": {"field": name, "size": FACET_VALUES}} for name in names}
    answer = searcher.aggregate(query, wanted)
    return {
        name: {str(bucket["key"]): int(bucket["doc_count"]) for bucket in answer[name]["buckets"]} for name in names
    }


def _bytes(document: tantivy.Document, name: str) -> bytes:
    value = document.get_first(name)
    if isinstance(value, bytes):
        return value
    raise ValueError(f"a stored document has no {name}")
