"""Completions for search-as-you-type: tags that start with the text, and titles that hold its words."""

from __future__ import annotations

from typing import Final

import tantivy

from shared.search.checks import MAX_SUGGESTIONS, check_limit, slug_start
from shared.search.embedded.filters import live
from shared.search.embedded.query import card_of
from shared.search.embedded.query_text import parse
from shared.search.embedded.ranking import RankedQuery
from shared.search.embedded.reader import View
from shared.search.port import Suggestion

_MOST_TAGS: Final = 3


def suggestions(view: View, prefix: str, limit: int) -> tuple[Suggestion, ...]:
    """Tags first (most used first), then titles. Raises InvalidQuery for hostile text or a wrong limit."""
    check_limit(limit, least=1, most=MAX_SUGGESTIONS)
    parsed = parse(prefix)
    if not parsed.words:
        return ()
    tags = _tags(view.searcher, prefix, min(_MOST_TAGS, limit))
    return (*tags, *_titles(view.searcher, RankedQuery(parsed, ("title",)), limit - len(tags)))


def _tags(searcher: tantivy.Searcher, prefix: str, limit: int) -> tuple[Suggestion, ...]:
    slug = slug_start(prefix)
    if not slug:
        return ()
    found = searcher.terms_with_prefix("tags", slug, filter_query=live(), limit=limit)
    return tuple(Suggestion("tag", term) for term, _ in found)


def _titles(searcher: tantivy.Searcher, words: RankedQuery, limit: int) -> tuple[Suggestion, ...]:
    if not limit:
        return ()
    hits = searcher.search(words.build(searcher, strategy="all", fuzzy=False), limit=3 * limit, count=False).hits
    unique: dict[str, Suggestion] = {}
    for _, at in hits:
        card = card_of(searcher.doc(at))
        unique.setdefault(card.title, Suggestion("title", card.title, card.id))
    return tuple(unique.values())[:limit]
