"""Related articles: candidates by shared terms, then the cosine of the stored signatures, and of the vectors if any.

A signature has the article's heaviest (term, frequency) pairs; the index has their document frequencies, so results
improve as the archive grows, and the shared terms explain them. tantivy's more-like-this query is not used: it panics
on an index with deleted documents.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

import orjson
import tantivy

from shared.search.checks import check_similar, has_surrogate
from shared.search.embedded.filters import compile_filter, unscored
from shared.search.embedded.query import stored_card
from shared.search.embedded.reader import View
from shared.search.embedded.schema import schema
from shared.search.port import SimilarHit, SimilarQuery
from shared.search.signatures import Near, Vector, compared, one_per_story, ranked, rarity, unit
from shared.search.vectors import unpacked

TERMS: Final = 60
CANDIDATES: Final = 150
_REMEMBERED: Final = 200_000  # terms
_DRIFT: Final = 0.1  # growth of the archive after which term weights are recounted


class TermWeights:
    """Cache of inverse document frequencies, valid while the archive stays about the same size.

    Shared by threads without a lock: a lost update costs one lookup.
    """

    def __init__(self) -> None:
        self._generation = ""
        self._documents = 0
        self._weights: Vector = {}

    def vector(self, view: View, signature: Sequence[tuple[str, float]]) -> Vector:
        """The signature as a unit vector of tf-idf weights; empty when it has no weight."""
        self._refresh(view)
        known, searcher = self._weights, view.searcher

        def weight_of(term: str) -> float:
            if term not in known:
                known[term] = rarity(self._documents, searcher.doc_freq("signature_terms", term))
            return known[term]

        return unit(signature, weight_of)

    def _refresh(self, view: View) -> None:
        documents = view.searcher.num_docs
        drifted = abs(documents - self._documents) > _DRIFT * self._documents
        if drifted or view.generation != self._generation or len(self._weights) > _REMEMBERED:
            self._generation, self._documents, self._weights = view.generation, documents, {}


def similar_articles(view: View, weights: TermWeights, doc_id: str, query: SimilarQuery) -> tuple[SimilarHit, ...]:
    """Nearest first; empty for an unknown id or an empty signature. Raises InvalidQuery that names the field.

    Candidates share terms with the article; vectors affect their order.
    """
    check_similar(query)
    narrow = compile_filter(query.filter)
    own = _find(view.searcher, doc_id)
    if own is None or not query.limit:
        return ()
    mine, meaning = weights.vector(view, _signature(own)), _vector(own)
    if not mine:
        return ()
    found: list[Near[tantivy.Document]] = []
    for _, at in view.searcher.search(_candidates(doc_id, mine, narrow), limit=CANDIDATES, count=False).hits:
        document = view.searcher.doc(at)
        score, terms = compared(mine, weights.vector(view, _signature(document)))
        found.append(Near(score, terms, _vector(document) if meaning else None, document))
    nearest = [pair for pair in ranked(meaning, found, query.by) if pair[0] >= query.min_score]
    if query.collapse:
        nearest = one_per_story(nearest, lambda pair: pair[1].row.get_first("story"))
    return tuple(SimilarHit(stored_card(near.row), score, near.shared) for score, near in nearest[: query.limit])


def _vector(document: tantivy.Document) -> tuple[float, ...] | None:
    stored = document.get_first("vector")
    return unpacked(stored) if isinstance(stored, bytes) else None


def _find(searcher: tantivy.Searcher, doc_id: str) -> tantivy.Document | None:
    if has_surrogate(doc_id):
        return None
    hits = searcher.search(tantivy.Query.term_query(schema(), "id", doc_id, "basic"), limit=1, count=False).hits
    return searcher.doc(hits[0][1]) if hits else None


def _signature(document: tantivy.Document) -> list[tuple[str, float]]:
    stored = document.get_first("signature")
    return [(term, weight) for term, weight in orjson.loads(stored)] if isinstance(stored, bytes) else []


def _candidates(doc_id: str, mine: Vector, narrow: tantivy.Query | None) -> tantivy.Query:
    heaviest = sorted(mine, key=lambda term: -mine[term])[:TERMS]
    shares = [
        # Squared, because the term has a weight in both articles: the sum approximates the cosine.
        tantivy.Query.const_score_query(
            tantivy.Query.term_query(schema(), "signature_terms", term, "basic"), mine[term] ** 2
        )
        for term in heaviest
    ]
    any_share = tantivy.Query.boolean_query([(tantivy.Occur.Should, share) for share in shares])
    itself = tantivy.Query.term_query(schema(), "id", doc_id, "basic")
    clauses = [(tantivy.Occur.Must, any_share), (tantivy.Occur.MustNot, itself)]
    if narrow is not None:
        clauses.append((tantivy.Occur.Must, unscored(narrow)))
    return tantivy.Query.boolean_query(clauses)
