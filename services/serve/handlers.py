"""Use cases of serve: search, related articles, one article, its trace."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from typing import cast

from services.serve.domain.related import (
    MIN_SCORE,
    OVERFETCH,
    SMALL_ARCHIVE,
    SmallArchive,
    diversify,
    is_near_in_small_archive,
)
from services.serve.domain.search_request import SearchRequest
from services.serve.domain.terms import Expression, Term
from shared.articles import CANARY_SOURCE, Article, ArticleState, Card, Provenance
from shared.errors import CorruptRecord
from shared.observability.metrics import SEARCH_SECONDS
from shared.query import Query
from shared.query.canary import names_canary
from shared.search.checks import MAX_SIMILAR
from shared.search.errors import InvalidQuery
from shared.search.filters import NO_CANARY, And, Eq, Exists, Filter, FilterField, In, Not, Or, Range
from shared.search.port import FacetField, QueryField, SearchIndex, SearchPage, SearchQuery, SimilarHit, SimilarQuery
from shared.search.strict import filter_of
from shared.store import ArticleStore
from shared.store.articles.lifecycle import REMOVED_STATES, current_removal
from shared.store.articles.port import Record, readable_article

NO_COPIES = Not(Exists("duplicate_of"))
"""Filter of lists: near-copies are excluded unless requested."""
_SEARCH_SECONDS, _SIMILAR_SECONDS = map(SEARCH_SECONDS.labels, ("search", "similar"))
NOT_PUBLIC = REMOVED_STATES | {ArticleState.REJECTED}
"""States of articles that are never shown, even if the index still returns them."""


class NotPublic(Exception):
    """The article does not exist (`gone` False) or was retracted (`gone` True)."""

    def __init__(self, reason: str, *, gone: bool = False) -> None:
        super().__init__(reason)
        self.gone = gone


@dataclass(frozen=True, slots=True)
class RemovalNotice:
    """Public notice of a withdrawn article: title, reason and time."""

    id: str
    rev: int
    title: str
    reason: str
    at: datetime


class Withdrawn(NotPublic):
    """The article was withdrawn and may be restored; a notice is shown instead."""

    def __init__(self, notice: RemovalNotice) -> None:
        super().__init__(f"article {notice.id} was withdrawn: {notice.reason}", gone=True)
        self.notice = notice


# --- articles -------------------------------------------------------------------------------------------------------


async def public_article(store: ArticleStore, article_id: str) -> Article:
    """A published article. Raises NotPublic, also if it is not published yet, or Withdrawn."""
    (record,) = await store.records([article_id])
    if record is None:
        raise NotPublic(f"there is no article {article_id}")
    if record.state in REMOVED_STATES:
        raise await _gone_error(store, record)
    if record.state is not ArticleState.PUBLISHED:
        raise NotPublic(f"article {article_id} is not published; see its trace")
    (article,) = await store.articles([article_id])
    if article is None:
        raise NotPublic(f"article {article_id} is not in the store")
    if not isinstance(article, Article):
        raise CorruptRecord(f"article {article_id}: {article.reason}")
    return article


async def _gone_error(store: ArticleStore, record: Record) -> NotPublic:
    act = current_removal(record.acts)
    reason = act.reason if act else ""
    if record.state is ArticleState.RETRACTED or act is None:
        suffix = f": {reason}" if reason else ""
        return NotPublic(f"article {record.article_id} was {record.state.value}{suffix}", gone=True)
    article = await readable_article(store, record.article_id)
    title = article.title if article else ""
    return Withdrawn(RemovalNotice(record.article_id, act.rev, title, reason, act.at))


async def trace(store: ArticleStore, article_id: str) -> tuple[Record, Provenance | None]:
    """State and provenance of an article; provenance is None until it is enriched. Raises NotPublic."""
    (record,) = await store.records([article_id])
    if record is None:
        raise NotPublic(f"there is no article {article_id}")
    if not record.doc_rev or record.state in REMOVED_STATES:  # removed spans are text of the article, too
        return record, None
    return record, await store.provenance(article_id)


async def related(
    index: SearchIndex, article: Article, *, limit: int, since: int | None = None
) -> Sequence[SimilarHit]:
    """The article's neighbours since a time (Unix seconds), nearest first, with the terms they share.

    At most one per story, no copies, with a limit per source. In the article's language unless there are none; only
    above the minimum score.
    Small archives have a threshold of their own.
    """
    parts: list[Filter] = [NO_COPIES, Range("dated_at", gte=since)]
    if article.source != CANARY_SOURCE:
        parts.append(NO_CANARY)
    if article.duplicate_of is not None:
        parts.append(Not(Eq("id", article.duplicate_of.article_id)))
    query = SimilarQuery(limit=min(limit * OVERFETCH, MAX_SIMILAR), collapse="story", min_score=MIN_SCORE)
    own = Eq("language", article.language.partition("-")[0])
    with _SIMILAR_SECONDS.time():
        hits = await index.similar(article.id, replace(query, filter=And((*parts, own))))
        hits = hits or await index.similar(article.id, replace(query, filter=And(tuple(parts))))
        if len(hits) < limit:
            wider = replace(query, filter=And((*parts, own)), min_score=0.0)
            hits = await _with_small_archive(index, article, hits, wider)
    return [hits[at] for at in diversify([hit.card.source for hit in hits], limit)]


async def _with_small_archive(
    index: SearchIndex, article: Article, hits: Sequence[SimilarHit], wider: SimilarQuery
) -> Sequence[SimilarHit]:
    """`hits`, and in a small archive the neighbours that are near enough there, nearest first."""
    everything = SearchQuery(filter=And((NO_COPIES, NO_CANARY)), mode="newest", limit=1, facets=("tags",))
    counted = await index.search(everything)
    archive = SmallArchive(counted.total.value, counted.facets.get("tags", {}))
    if archive.articles >= SMALL_ARCHIVE:
        return hits
    hit_ids = {hit.card.id for hit in hits}
    found = [
        hit
        for hit in await index.similar(article.id, wider)
        if hit.card.id not in hit_ids and is_near_in_small_archive(article, hit.card, hit.score, archive)
    ]
    return sorted([*hits, *found], key=lambda hit: -hit.score)


@dataclass(frozen=True, slots=True)
class Recommendation:
    """One entry of a page's recommended list. `card` is the matching article in the archive, if any."""

    title: str
    text: str
    card: Card | None = None
    url: str | None = None


async def recommended(index: SearchIndex, article: Article, *, limit: int) -> list[Recommendation]:
    """The page's own recommendations, linked to articles with equal titles, then related articles."""
    teasers = article.recommended[:limit]
    cards = await asyncio.gather(*(_article_titled(index, teaser.title) for teaser in teasers))
    found = [
        Recommendation(teaser.title, teaser.text, card, teaser.url) for teaser, card in zip(teasers, cards, strict=True)
    ]
    if len(found) < limit:
        known = {card.id for card in cards if card is not None} | {article.id}
        hits = await related(index, article, limit=limit + len(known))
        near = [hit.card for hit in hits if hit.card.id not in known]
        found += [Recommendation(card.title, card.dek or card.summary, card) for card in near]
    return found[:limit]


async def _article_titled(index: SearchIndex, title: str) -> Card | None:
    # the title as a phrase: quotes inside it would end the phrase
    words = title.replace('"', " ").strip()[:300]
    try:
        page = await index.search(SearchQuery(text=f'"{words}"', fields=("title",), filter=NO_CANARY, limit=3))
    except InvalidQuery:  # a title that is not a valid query matches no article
        return None
    wanted = _letters_of(title)
    return next((hit.card for hit in page.hits if _letters_of(hit.card.title) == wanted), None)


def _letters_of(title: str) -> str:
    return "".join(char for char in title.casefold() if char.isalnum())


# --- search ---------------------------------------------------------------------------------------------------------


async def search(index: SearchIndex, request: SearchRequest, *, vector: tuple[float, ...] | None = None) -> SearchPage:
    """One page of results; `vector` is the query vector. A URL finds its article.

    Raises InvalidQuery, SearchUnavailable or IndexMissing.
    """
    if url := request.interpretation.url:
        page = await index.search(query_of(request.for_url(url)))
        if page.total.value:
            return page
    query = query_of(request)
    if vector is not None:
        query = replace(query, vector=vector, semantic_ratio=request.meaning)
    with _SEARCH_SECONDS.time():
        return await index.search(query)


async def newest(index: SearchIndex, *, limit: int, tag: str | None = None, without: str | None = None) -> list[Card]:
    """The newest articles, of all or of one tag, except `without`."""
    wanted = And((NO_COPIES, NO_CANARY, *([Eq("tags", tag)] if tag is not None else [])))
    page = await index.search(SearchQuery(filter=wanted, mode="newest", limit=limit + (without is not None)))
    return [hit.card for hit in page.hits if hit.card.id != without][:limit]


async def tag_counts(index: SearchIndex) -> dict[str, int]:
    """Tags and how many articles carry them, most frequent first."""
    counts = await index.facets(SearchQuery(filter=And((NO_COPIES, NO_CANARY))), ("tags",))
    return counts.get("tags", {})


def query_of(request: SearchRequest) -> SearchQuery:
    """The request as a query of the search port."""
    return SearchQuery(
        text=request.interpretation.words,
        query=request.interpretation.query,
        filter=_filter_of(request),
        mode=request.order,
        offset=request.offset,
        limit=request.page_size,
        facets=cast("tuple[FacetField, ...]", request.facets),
        highlight=request.highlights,
        fields=cast("tuple[QueryField, ...]", request.fields),
        collapse=request.collapse,
    )


def _filter_of(request: SearchRequest) -> Filter | None:
    parts: list[Filter] = [filter_of(node) for node in request.interpretation.filters]
    fields: tuple[tuple[FilterField, Expression], ...] = (
        ("tags", request.tags),
        ("section", request.sections),
        ("source", request.sources),
        ("language", request.languages),
    )
    for field, expression in fields:
        parts += [_clause(field, clause) for clause in expression.clauses]
    if request.since is not None or request.until is not None:
        parts.append(Range("dated_at", gte=request.since, lt=request.until))
    if request.ids:
        parts.append(In("id", request.ids))
    if request.url:
        parts.append(Eq("url", request.url))
    if not (request.ids or request.url or _names_canary(request)):
        parts.append(NO_CANARY)
    if request.duplicates != "all":
        parts.append(Exists("duplicate_of") if request.duplicates == "only" else NO_COPIES)
    if not parts:
        return None
    return parts[0] if len(parts) == 1 else And(tuple(parts))


def _names_canary(request: SearchRequest) -> bool:
    interpretation = request.interpretation
    queries = [*([interpretation.query] if interpretation.query else []), *map(Query, interpretation.filters)]
    return request.sources.names(CANARY_SOURCE) or any(map(names_canary, queries))


def _clause(field: FilterField, clause: tuple[Term, ...]) -> Filter:
    terms: list[Filter] = [Not(Eq(field, term.value)) if term.negated else Eq(field, term.value) for term in clause]
    return terms[0] if len(terms) == 1 else Or(tuple(terms))
