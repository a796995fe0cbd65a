"""Strict search on tantivy: compiles the AST to one boolean query over the field of strict tokens."""

from __future__ import annotations

from dataclasses import replace

import tantivy

from shared.query.ast import All, Dated, Either, Field, Node, Not, Text
from shared.search.checks import check_strict
from shared.search.embedded.filters import compile_filter, live, unscored
from shared.search.embedded.query import MODES, PageQuery, QueryPass, bytes_of
from shared.search.embedded.query_text import MAX_WORDS, ParsedText, Word
from shared.search.embedded.ranking import RankedQuery, word_fields
from shared.search.embedded.reader import View, total_of
from shared.search.embedded.schema import STRICT, schema, texts_of
from shared.search.port import SearchHit, SearchPage, SearchQuery, Total
from shared.search.strict import filter_of, strict_highlights, wanted_words


class StrictPage(PageQuery):
    """A checked strict query: raises InvalidQuery when made. `relevance` ranks matches like a plain text query.

    Totals are exact. Collapsing and facets are those of `PageQuery`.
    """

    def __init__(self, query: SearchQuery) -> None:
        super().__init__(query)
        parsed = check_strict(query)
        self._required_words = wanted_words(parsed)
        must = [live(), _compiled(parsed.root), *self._narrow()]
        self._matching = unscored(tantivy.Query.boolean_query([(tantivy.Occur.Must, one) for one in must]))
        self._relevance = RankedQuery(
            ParsedText(words=tuple(map(Word.plain, self._required_words[:MAX_WORDS]))), word_fields(())
        )

    def page(self, view: View) -> SearchPage:
        """Hits, total, and facets if asked for."""
        page = super().page(view)
        if not self._query.highlight:
            return page
        return replace(page, hits=tuple(self._highlighted(view, hit) for hit in page.hits))

    def _run(self, view: View, offset: int, limit: int) -> QueryPass:
        if self._query.mode == "relevance" and self._required_words:
            relevance = self._relevance.build(view.searcher, strategy="last", fuzzy=False)
            query = tantivy.Query.boolean_query(
                [(tantivy.Occur.Must, self._matching), (tantivy.Occur.Should, relevance)]
            )
            found = view.searcher.search(query, limit=limit, offset=offset)
            hits = [(min(1.0, max(0.0, score / self._relevance.best)), at) for score, at in found.hits]
        else:
            order = MODES.get(self._query.mode, tantivy.Order.Desc)
            found = view.searcher.search(
                self._matching, limit=limit, offset=offset, order_by_field="sort_key", order=order
            )
            hits = [(1.0, at) for _, at in found.hits]
        return QueryPass(self._matching, hits, Total(total_of(found), exact=True), fuzzy=False)

    def _highlighted(self, view: View, hit: SearchHit) -> SearchHit:
        query = tantivy.Query.term_query(schema(), "id", hit.card.id, "basic")
        (_, at), *_ = view.searcher.search(query, limit=1).hits
        summary, body = texts_of(bytes_of(view.searcher.doc(at), "texts"))
        return replace(hit, highlights=strict_highlights(hit.card, summary, body, self._required_words))


def _compiled(node: Node) -> tantivy.Query:
    match node:
        case Text((token,)):
            return tantivy.Query.term_query(schema(), STRICT, token, "basic")
        case Text(tokens):
            return tantivy.Query.phrase_query(schema(), STRICT, list(tokens))
        case Field() | Dated():
            return compile_filter(filter_of(node)) or live()
        case Not(inner):
            # A boolean query of exclusions alone matches nothing.
            return tantivy.Query.boolean_query(
                [(tantivy.Occur.Must, live()), (tantivy.Occur.MustNot, _compiled(inner))]
            )
        case All(nodes):
            return tantivy.Query.boolean_query([(tantivy.Occur.Must, _compiled(inner)) for inner in nodes])
        case Either(nodes):
            return tantivy.Query.boolean_query([(tantivy.Occur.Should, _compiled(inner)) for inner in nodes])
