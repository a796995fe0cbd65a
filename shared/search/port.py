"""The search port: the interface that index writes through and serve reads through, independent of the engine.

Writes are two-phase: a `WriteReceipt` says the engine accepted a batch, `outcomes` says when it is visible. `rev`
ordering is part of the contract: an older revision never replaces a newer one. Filters are a tree, never a string.
Highlights are text with spans; the API escapes them. Scores are in [0, 1] and comparable within one page only.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Sequence
from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Final, Literal, Protocol

from shared.articles import Card
from shared.query import Query
from shared.search.filters import Filter
from shared.search.hits import Highlight as Highlight  # noqa: PLC0414 - part of the port
from shared.search.hits import SearchHit as SearchHit  # noqa: PLC0414 - part of the port
from shared.search.hits import SimilarHit as SimilarHit  # noqa: PLC0414 - part of the port
from shared.search.outcomes import WriteOutcome as WriteOutcome  # noqa: PLC0414 - how mypy knows a re-export
from shared.search.outcomes import WriteReceipt as WriteReceipt  # noqa: PLC0414 - how mypy knows a re-export


class Cap(StrEnum):
    """Optional capabilities of an engine."""

    HYBRID = "hybrid"
    """Hybrid ranking by words and vectors."""
    SYNC_VISIBILITY = "sync-visibility"
    """Writes are visible when they return."""


VECTOR_LENGTH: Final = 64
"""Length of every vector; shorter ones are padded with zeros, which does not change cosines."""


# --- documents ------------------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class IndexDoc:
    """One indexed article. `dated_at` is Unix seconds. `signature` feeds `similar`."""

    id: str
    rev: int
    title: str
    dek: str
    summary: str
    body: str
    tags: tuple[str, ...]
    """Tag slugs."""
    section: str | None
    source: str | None
    authors: tuple[str, ...]
    language: str
    dated_at: int
    word_count: int
    keyphrases: tuple[str, ...]
    signature: tuple[tuple[str, float], ...]
    card: Card
    """Returned with each hit, unchanged."""
    story: str | None = None
    """Id of its story, for `collapse`."""
    duplicate_of: str | None = None
    """Id of the article this one is a near-copy of."""
    url: str | None = None
    """Its `url_key`, for the filter field `url`."""
    entities: tuple[str, ...] = ()
    """Names of people, organisations and places."""
    vector: tuple[float, ...] | None = None
    """For hybrid search and `similar` by meaning: VECTOR_LENGTH finite numbers."""


@dataclass(frozen=True, slots=True)
class IndexSpec:
    """Name and version of an index; the version changes whenever documents or settings do."""

    name: str = "articles"
    version: str = "1"


class EnsureResult(StrEnum):
    """Result of `ensure`."""

    UNCHANGED = "unchanged"
    CREATED = "created"
    PATCHED = "patched"
    NEEDS_REINDEX = "needs-reindex"


# --- queries and results --------------------------------------------------------------------------------------------

FacetField = Literal["tags", "section", "source", "language", "entities"]
QueryField = Literal["title", "dek", "summary", "body", "tags", "keyphrases", "entities", "authors"]
Mode = Literal["relevance", "newest", "oldest", "fresh"]
SimilarBy = Literal["best", "terms", "meaning"]


@dataclass(frozen=True, slots=True)
class SearchQuery:
    """One search. `text` is words, `"phrases"` and `-not` words; empty matches all, newest first.

    `offset + limit` may not exceed 1,000. `strategy` `last` drops words from the end until something matches.
    `fresh` is relevance weighted by age, see `shared.search.recency`; without words it is `newest`.
    """

    text: str = ""
    filter: Filter | None = None
    mode: Mode = "relevance"
    offset: int = 0
    limit: int = 10
    facets: tuple[FacetField, ...] = ()
    highlight: bool = False
    fields: tuple[QueryField, ...] = ()
    """Search these fields only; empty means all."""
    strategy: Literal["last", "all"] = "last"
    query: Query | None = None
    """A parsed query, matched strictly as `shared.query.matching` defines. Then `text`, `fields` and `strategy` have
    their defaults, `mode` is not `fresh`, and `filter` applies as usual."""
    collapse: Literal["story"] | None = None
    """`story`: only the best hit of each story, the newest on a tie. Totals and facets still count every article."""
    vector: tuple[float, ...] | None = None
    """The vector of `text`, from the embedder of the documents."""
    semantic_ratio: float = 0.0
    """0 ranks by words only, 1 by vectors only; above 0 it requires `vector`, relevance, and Cap.HYBRID."""


@dataclass(frozen=True, slots=True)
class Total:
    """A count, and whether it is exact or a lower bound."""

    value: int
    exact: bool


FacetCounts = dict[str, dict[str, int]]
"""Facet -> value -> count, largest first, at most 100 values each."""


@dataclass(frozen=True, slots=True)
class SearchPage:
    """One page of hits."""

    hits: tuple[SearchHit, ...]
    total: Total
    facets: FacetCounts = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class SimilarQuery:
    """Neighbours of an article: at most `limit`, matching `filter`, one per story if collapsed.

    `by` terms or vectors; `best` is the better one on this engine. An article without a vector is compared by terms.
    `min_score` is in [0, 1]: neighbours below it are excluded.
    """

    limit: int = 6
    min_score: float = 0.0
    filter: Filter | None = None
    collapse: Literal["story"] | None = None
    by: SimilarBy = "best"


@dataclass(frozen=True, slots=True)
class Suggestion:
    """A completion of a prefix: an article's title (with its id) or a tag slug (with its label)."""

    kind: Literal["title", "tag"]
    text: str
    id: str | None = None
    label: str | None = None
    """Of a tag: its label in the newest article with it."""


@dataclass(frozen=True, slots=True)
class IndexStats:
    """`epoch` changes with every visible commit: a cache key. `generation` names the live index."""

    documents: int
    pending: int
    epoch: str
    generation: str
    engine: str


class Staging(Protocol):
    """A new generation of the index, not live yet. Leaving its context without `promote` discards it."""

    async def write(self, docs: Sequence[IndexDoc]) -> None:
        """Add documents, ordered by rev too. Raises Rejected, possibly in a later call, for rejected ones."""
        ...

    async def count(self) -> int:
        """Documents in the new index once all writes have completed. Raises Rejected for rejected documents."""
        ...

    def reader(self) -> SearchIndex:
        """A reader of the new index before it is live, to verify it. The caller closes it."""
        ...

    async def promote(self) -> None:
        """Swap it in atomically: no search fails or sees a partial index."""
        ...


class SearchIndex(Protocol):
    """A search engine behind the port. `tests/contracts/test_search_index*.py` is its contract."""

    capabilities: frozenset[Cap]

    async def ensure(self, spec: IndexSpec) -> EnsureResult:
        """Create or open the index; idempotent. The first call of a writer."""
        ...

    async def upsert(self, docs: Sequence[IndexDoc], *, op_id: str) -> WriteReceipt:
        """Write documents; for each id the highest revision is kept, among the batch and the stored one."""
        ...

    async def delete(self, ids: Sequence[tuple[str, int]], *, op_id: str) -> WriteReceipt:
        """Remove (id, rev); a later upsert of the same or a lower revision does not bring it back."""
        ...

    async def outcomes(self, receipts: Sequence[WriteReceipt]) -> Sequence[WriteOutcome]:
        """The outcomes of these batches, in one cheap call."""
        ...

    async def search(self, query: SearchQuery) -> SearchPage:
        """Raises InvalidQuery, SearchUnavailable or IndexMissing."""
        ...

    async def similar(self, doc_id: str, query: SimilarQuery) -> Sequence[SimilarHit]:
        """Nearest first, never the article itself; empty for an unknown id or one without features."""
        ...

    async def facets(self, query: SearchQuery, names: Sequence[FacetField]) -> FacetCounts:
        """Counts over everything the query matches."""
        ...

    async def suggest(self, prefix: str, *, limit: int = 8) -> Sequence[Suggestion]:
        """Completions for search-as-you-type."""
        ...

    def reindex(self, spec: IndexSpec) -> AbstractAsyncContextManager[Staging]:
        """Start a new generation; live writes during the rebuild go to both."""
        ...

    async def prune(self, *, older_than: float) -> int:
        """Delete previous generations and leftovers of failed rebuilds older than this many seconds; returns the count.

        Age counts from the last write to a generation or the start of the rebuild that replaced it, whichever is
        later. A swap itself deletes nothing.
        """
        ...

    def documents(self) -> AsyncIterator[tuple[str, int]]:
        """Every visible (id, rev), unordered, for verification."""
        ...

    async def stats(self) -> IndexStats:
        """Size and epoch."""
        ...

    async def aclose(self) -> None:
        """Release the engine; a writer finishes its commit first."""
        ...
