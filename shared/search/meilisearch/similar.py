"""Related articles without vectors: candidates that share telling terms, then the cosine of the signatures.

Two requests: how many articles hold each term of the article, then the newest holders of its rarest and heaviest
terms. How rare the other terms of a neighbour are is not asked; they weigh as much as the article's own on average.
"""

from __future__ import annotations

from statistics import fmean
from typing import Any, Final

from shared.search.checks import MAX_SIMILAR, check_limit
from shared.search.meilisearch.client import MeiliClient
from shared.search.meilisearch.documents import card_of, key_of, signature_of, valid_id
from shared.search.meilisearch.filters import LIVE, compiled, quoted
from shared.search.port import SimilarHit, SimilarQuery
from shared.search.signatures import compared, rarity, unit

TERMS: Final = 60
_ASKED: Final = 12  # terms whose holders are fetched
_HOLDERS: Final = 25  # newest holders of each


async def similar_articles(client: MeiliClient, uid: str, doc_id: str, query: SimilarQuery) -> tuple[SimilarHit, ...]:
    """Nearest first; empty for an unknown id or an empty signature. Raises InvalidQuery(field="limit" or "filter")."""
    check_limit(query.limit, least=0, most=MAX_SIMILAR)
    narrow = compiled(query.filter)
    own = await _signature(client, uid, doc_id) if query.limit else []
    if not own:
        return ()
    documents, holding = await _held(client, uid, [term for term, _ in own])
    weights = {term: max(0.0, rarity(documents, number)) for term, number in holding.items()}
    usual = fmean(weights.values())
    mine = unit(own, weights.__getitem__)
    telling = sorted((term for term in mine if holding[term] > 1), key=lambda term: -mine[term])
    hits = []
    for document in await _holders(client, uid, doc_id, telling, narrow):
        theirs = unit(signature_of(document), lambda term: weights.get(term, usual))
        score, terms = compared(mine, theirs)
        if terms:
            hits.append(SimilarHit(card_of(document), score, terms))
    return tuple(sorted(hits, key=lambda hit: -hit.score)[: query.limit])


async def _signature(client: MeiliClient, uid: str, doc_id: str) -> list[tuple[str, float]]:
    if not valid_id(doc_id):
        return []
    body = {"ids": [doc_id], "filter": LIVE, "fields": ["signature"], "limit": 1}
    found = (await client.post(f"/indexes/{uid}/documents/fetch", body))["results"]
    # The same term twice would count twice in a filter.
    return list(dict(signature_of(found[0])[:TERMS]).items()) if found else []


async def _held(client: MeiliClient, uid: str, terms: list[str]) -> tuple[int, dict[str, int]]:
    """How many articles there are, and how many hold each term."""
    count = {"indexUid": uid, "q": "", "limit": 0}
    queries = [count | {"filter": LIVE}, *(count | {"filter": f"{LIVE} AND {_holds(term)}"} for term in terms)]
    results = (await client.post("/multi-search", {"queries": queries}))["results"]
    documents, *holding = (int(result["estimatedTotalHits"]) for result in results)
    return documents, dict(zip(terms, holding, strict=True))


async def _holders(client: MeiliClient, uid: str, doc_id: str, terms: list[str], narrow: str) -> list[dict[str, Any]]:
    """Each candidate once."""
    others = f"{narrow} AND NOT k_id = {quoted(key_of(doc_id))}"
    asked = {
        "indexUid": uid,
        "q": "",
        "limit": _HOLDERS,
        "sort": ["dated_at:desc"],
        "attributesToRetrieve": ["id", "card", "signature"],
    }
    queries = [asked | {"filter": f"{others} AND {_holds(term)}"} for term in terms[:_ASKED]]
    if not queries:
        return []
    results = (await client.post("/multi-search", {"queries": queries}))["results"]
    return list({hit["id"]: hit for result in results for hit in result["hits"]}.values())


def _holds(term: str) -> str:
    return f"k_terms = {quoted(key_of(term))}"
