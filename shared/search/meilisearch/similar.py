"""Related articles: candidates by vector and by significant terms, ranked by both cosines.

First the document frequencies of the article's terms are counted, then the newest articles with its rarest and heaviest
terms are read; vector neighbours concurrently. Frequencies of other terms of a candidate are not counted; they get the
average weight of the article's own terms.

Documents are read with a filter instead of a search, which would cost the server four times as much.
"""

from __future__ import annotations

import asyncio
from collections.abc import Iterable, Sequence
from statistics import fmean
from typing import Any, Final

from shared.search.checks import check_similar
from shared.search.meilisearch.client import MeiliClient
from shared.search.meilisearch.documents import EMBEDDER, key_of, signature_of, valid_id, vector_of
from shared.search.meilisearch.filters import LIVE, compiled, quoted
from shared.search.port import SimilarHit, SimilarQuery
from shared.search.signatures import Near, compared, one_per_story, ranked, rarity, unit

TERMS: Final = 60
_TERMS_LOOKED_UP: Final = 12  # terms for which articles are fetched
_ARTICLES_PER_TERM: Final = 25  # newest articles of each
_FRESH_SECONDS: Final = 600.0
_REMEMBERED: Final = 200_000  # terms
_COMMON: Final = 20  # articles
_CONCURRENT_REQUESTS: Final = 4
"""Maximum concurrent requests for one article."""
_NEIGHBOURS: Final = 60  # by vector
_SHOWN: Final = ["id", "card", "signature", "vector", "k_story"]


class TermCounts:
    """Cache of document frequencies of common terms; counting 60 terms is the most expensive part.

    Rare terms are counted each time: one article more can be the only neighbour.
    """

    def __init__(self, *, fresh_seconds: float = _FRESH_SECONDS) -> None:
        self._fresh_seconds = fresh_seconds
        self._since = float("-inf")
        self._documents = 0
        self._holding: dict[str, int] = {}

    async def of(self, client: MeiliClient, uid: str, terms: Sequence[str]) -> tuple[int, dict[str, int]]:
        """(number of articles, document frequency of each term)."""
        at = asyncio.get_running_loop().time()
        if at - self._since > self._fresh_seconds or len(self._holding) > _REMEMBERED:
            self._since, self._holding = at, {}
        unknown = [term for term in terms if term not in self._holding]
        counted: dict[str, int] = {}
        if unknown:
            self._documents, counted = await _count_articles(client, uid, unknown)
            self._holding |= {term: number for term, number in counted.items() if number >= _COMMON}
        return self._documents, {term: counted.get(term) or self._holding.get(term, 0) for term in terms}


async def similar_articles(
    client: MeiliClient, uid: str, counts: TermCounts, doc_id: str, query: SimilarQuery
) -> tuple[SimilarHit, ...]:
    """Nearest first; empty for an unknown id or an empty signature. Raises InvalidQuery that names the field."""
    check_similar(query)
    others = f"{compiled(query.filter)} AND NOT k_id = {quoted(key_of(doc_id))}" if valid_id(doc_id) else ""
    own = await _own(client, uid, doc_id) if query.limit and others else None
    signature = list(dict(signature_of(own)[:TERMS]).items()) if own else []  # without repeated terms
    if not own or not signature:
        return ()
    meaning = vector_of(own)
    by_terms, by_vector = await asyncio.gather(
        _by_terms(client, uid, counts, signature, others, is_enabled=meaning is None or query.by != "meaning"),
        _by_vector(client, uid, doc_id, others) if meaning and query.by != "terms" else _nothing(),
    )
    weights, holders = by_terms
    usual = fmean(weights.values()) if weights else 1.0
    mine = unit(signature, lambda term: weights.get(term, usual))
    found: list[Near[dict[str, Any]]] = []
    for document in _distinct([*by_vector, *holders]):
        score, terms = compared(mine, unit(signature_of(document), lambda term: weights.get(term, usual)))
        found.append(Near(score, terms, vector_of(document) if meaning else None, document))
    nearest = [pair for pair in ranked(meaning, found, query.by) if pair[0] >= query.min_score]
    if query.collapse:
        nearest = one_per_story(nearest, lambda pair: pair[1].row.get("k_story"))
    return tuple(SimilarHit(near.row["card"], score, near.shared) for score, near in nearest[: query.limit])


async def _own(client: MeiliClient, uid: str, doc_id: str) -> dict[str, Any] | None:
    body = {"ids": [doc_id], "filter": LIVE, "fields": ["signature", "vector"], "limit": 1}
    found = (await client.post(f"/indexes/{uid}/documents/fetch", body))["results"]
    return dict(found[0]) if found else None


async def _by_vector(client: MeiliClient, uid: str, doc_id: str, others: str) -> list[dict[str, Any]]:
    body = {"id": doc_id, "embedder": EMBEDDER, "filter": others, "limit": _NEIGHBOURS, "attributesToRetrieve": _SHOWN}
    return list((await client.post(f"/indexes/{uid}/similar", body))["hits"])


async def _nothing() -> list[dict[str, Any]]:
    return []


async def _by_terms(
    client: MeiliClient,
    uid: str,
    counts: TermCounts,
    signature: list[tuple[str, float]],
    others: str,
    *,
    is_enabled: bool,
) -> tuple[dict[str, float], list[dict[str, Any]]]:
    """(weight of each term, candidates with the most significant terms)."""
    if not is_enabled:
        return {}, []
    documents, holding = await counts.of(client, uid, [term for term, _ in signature])
    weights = {term: max(0.0, rarity(documents, number)) for term, number in holding.items()}
    mine = unit(signature, weights.__getitem__)
    telling = sorted((term for term in mine if holding[term] > 1), key=lambda term: -mine[term])
    return weights, await _articles_with(client, uid, telling, others)


def _distinct(documents: Iterable[dict[str, Any]]) -> Iterable[dict[str, Any]]:
    return {document["id"]: document for document in documents}.values()


async def _count_articles(client: MeiliClient, uid: str, terms: list[str]) -> tuple[int, dict[str, int]]:
    """Number of articles, and document frequency of each term."""
    count = {"fields": ["id"], "limit": 0}
    conditions = [LIVE, *(f"{LIVE} AND {_holds(term)}" for term in terms)]
    pages = await _fetched(client, uid, [count | {"filter": condition} for condition in conditions])
    documents, *holding = (int(page["total"]) for page in pages)
    return documents, dict(zip(terms, holding, strict=True))


async def _articles_with(client: MeiliClient, uid: str, terms: list[str], others: str) -> list[dict[str, Any]]:
    """The newest articles with each of the first terms, possibly with repeats."""
    newest = {"fields": _SHOWN, "limit": _ARTICLES_PER_TERM, "sort": ["dated_at:desc"]}
    bodies = [newest | {"filter": f"{others} AND {_holds(term)}"} for term in terms[:_TERMS_LOOKED_UP]]
    return [row for page in await _fetched(client, uid, bodies) for row in page["results"]]


async def _fetched(client: MeiliClient, uid: str, bodies: Sequence[dict[str, Any]]) -> list[dict[str, Any]]:
    """The requested pages of documents, in order."""

    limit = asyncio.Semaphore(_CONCURRENT_REQUESTS)

    async def fetch(body: dict[str, Any]) -> dict[str, Any]:
        async with limit:
            return dict(await client.post(f"/indexes/{uid}/documents/fetch", body))

    return list(await asyncio.gather(*map(fetch, bodies)))


def _holds(term: str) -> str:
    return f"k_terms = {quoted(key_of(term))}"
