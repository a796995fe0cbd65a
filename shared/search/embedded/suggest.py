"""Completions for search-as-you-type: tags that start with the text, titles with its words; typo-tolerant."""

from __future__ import annotations

import tantivy

from shared.articles import CANARY_SOURCE, Card
from shared.identity.tags import tag_prefix
from shared.search.checks import MAX_SUGGESTIONS, check_limit
from shared.search.embedded.filters import compile_filter
from shared.search.embedded.query import card_of
from shared.search.embedded.query_text import parse
from shared.search.embedded.ranking import RankedQuery
from shared.search.embedded.reader import View
from shared.search.embedded.schema import schema
from shared.search.filters import VISIBLE
from shared.search.port import Suggestion
from shared.search.suggestions import MAX_TAGS, matching_tags, tag_suggestion


def suggestions(view: View, prefix: str, limit: int) -> tuple[Suggestion, ...]:
    """Tags first (most used first), then titles. Raises InvalidQuery for hostile text or a wrong limit."""
    check_limit(limit, least=1, most=MAX_SUGGESTIONS)
    parsed = parse(prefix)
    if not parsed.words:
        return ()
    tags = _tags(view.searcher, prefix, min(MAX_TAGS, limit))
    return (*tags, *_titles(view, RankedQuery(parsed, ("title",)), limit - len(tags)))


def _tags(searcher: tantivy.Searcher, prefix: str, limit: int) -> tuple[Suggestion, ...]:
    slug = tag_prefix(prefix)
    if not slug:
        return ()
    found = searcher.terms_with_prefix("tags", slug, filter_query=compile_filter(VISIBLE), limit=limit)
    if not found:  # typos in the first letter are not tolerated
        found = searcher.terms_with_prefix("tags", slug[:1], filter_query=compile_filter(VISIBLE))
    return tuple(tag_suggestion(tag, _newest(searcher, tag)) for tag in matching_tags(slug, found)[:limit])


def _newest(searcher: tantivy.Searcher, tag: str) -> Card | None:
    tagged = tantivy.Query.term_query(schema(), "tags", tag, "basic")
    hits = searcher.search(tagged, limit=1, order_by_field="sort_key", order=tantivy.Order.Desc).hits
    return card_of(searcher.doc(hits[0][1])) if hits else None


def _titles(view: View, words: RankedQuery, limit: int) -> tuple[Suggestion, ...]:
    """Titles with all words as typed, then titles with typos."""
    unique: dict[str, Suggestion] = {}
    for fuzzy in (False, True):
        if len(unique) < limit:
            query = words.build(view.searcher, strategy="all", fuzzy=fuzzy, spelling=view.spelling())
            for _, at in view.searcher.search(query, limit=3 * limit, count=False).hits:
                card = card_of(view.searcher.doc(at))
                if card.source != CANARY_SOURCE:
                    unique.setdefault(card.title, Suggestion("title", card.title, card.id))
    return tuple(unique.values())[:limit]
