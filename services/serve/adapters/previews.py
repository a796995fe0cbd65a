"""Preview of a saved search: past matches, and the log cursor after which its events continue."""

from __future__ import annotations

from dataclasses import dataclass, replace

from shared.articles import Card
from shared.clock import now
from shared.query import parse
from shared.query.canary import names_canary
from shared.search.filters import NO_CANARY, And, Filter, Range
from shared.search.port import SearchIndex, SearchQuery, Total
from shared.store import ArticleStore, PublicationLog
from shared.store.articles.port import Record
from shared.store.publication_log import parse_cursor


@dataclass(frozen=True, slots=True)
class Preview:
    """Past matches of a saved search, and the cursor after which its events continue."""

    cards: tuple[Card, ...]
    total: Total
    cursor: str


async def preview(
    index: SearchIndex, store: ArticleStore, publications: PublicationLog, q: str, *, since: int, limit: int
) -> Preview:
    """The newest matches of a saved search since a time (Unix seconds).

    An article is published only after it is searchable, so everything in the log up to its end is searchable. Articles
    published after that are omitted; the stream delivers them.
    """
    cursor = (await publications.bounds()).last
    query = parse(q, now=now())
    parts: list[Filter] = [
        Range("dated_at", gte=since),
        *([] if names_canary(query) else [NO_CANARY]),
    ]
    page = await index.search(SearchQuery(query=query, filter=And(tuple(parts)), mode="newest", limit=limit))
    records = await store.records([hit.card.id for hit in page.hits])
    cards = tuple(
        hit.card
        for hit, record in zip(page.hits, records, strict=True)
        if record is not None and _announced(record, hit.card.rev, cursor)
    )
    return Preview(cards, replace(page.total, value=page.total.value - len(page.hits) + len(cards)), cursor)


def _announced(record: Record, rev: int, cursor: str) -> bool:
    return (
        record.publication_id is not None
        and record.published_rev >= rev
        and parse_cursor(record.publication_id) <= parse_cursor(cursor)
    )
