"""Port of the article store. Its adapter is `redis.py`; the contract tests are in tests/contracts."""

from __future__ import annotations

from collections.abc import AsyncIterator, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Literal, Protocol

from shared.articles import Article, ArticleState, InputKind, Provenance, Submission
from shared.events import ArticleEnriched, ArticleReceived, Publication, StoryChange
from shared.source_patterns import matches_source
from shared.store.articles.article_sources import ArticleSources
from shared.store.articles.groups import ArticleGroups
from shared.store.articles.lifecycle import Act, Lifecycle
from shared.topology import Stream


@dataclass(frozen=True, slots=True)
class PollRef:
    """One poll of a source, for which the outcomes of its articles are counted. `number` counts the polls."""

    source_id: str
    number: int


@dataclass(frozen=True, slots=True)
class Acceptance:
    """One original to accept. `event` has a placeholder revision, which the commit replaces."""

    article_id: str
    kind: InputKind
    media_type: str
    data: bytes
    submission: Submission
    content_digest: str
    """Hex digest of everything that affects the article; the same digest makes no new revision."""
    event: ArticleReceived
    owner: str
    """Id of the API key that sent it; scopes the idempotency key."""
    idempotency_key: str
    """The producer's idempotency key, or one generated for this request so that internal retries are safe."""
    fingerprint: str
    """Hex digest of the request; the same key with another fingerprint is a conflict."""
    keep_seconds: int = 86_400
    """Time to live of the idempotency key."""
    poll: PollRef | None = None
    """The poll that found it; None for a producer's request."""


@dataclass(frozen=True, slots=True)
class AcceptOutcome:
    """Result of one acceptance.

    `accepted`: a new revision is durable and its event is on the stream. `unchanged`: the stored revision already
    has this content. `replayed`: the result of an earlier identical request. `key-reused`: the idempotency key
    belongs to another request. `stale`: the producer's version is not greater than the stored one. `retracted`: the
    article was retracted permanently. `foreign`: an administrator moved the article to another source.
    """

    status: Literal["accepted", "unchanged", "replayed", "key-reused", "stale", "retracted", "foreign"]
    article_id: str
    """Another one than that of the acceptance where that article belongs to another source."""
    rev: int


@dataclass(frozen=True, slots=True)
class Original:
    """The stored original of an article's latest revision."""

    article_id: str
    rev: int
    kind: InputKind
    media_type: str
    data: bytes
    sha256: str
    """Hex digest of `data`."""
    submission: Submission
    received_at: datetime
    first_received_at: datetime
    owner: str = ""
    """Id of the API key that sent this revision, `source:ID` for a poll; empty for one of an older version."""


@dataclass(frozen=True, slots=True)
class Record:
    """State of an article without its blobs. A revision is 0 if the stage has not happened."""

    article_id: str
    rev: int
    state: ArticleState
    kind: InputKind
    doc_rev: int
    published_rev: int
    received_at: datetime
    first_received_at: datetime
    enriched_at: datetime | None
    published_at: datetime | None
    publication_id: str | None
    """Log id of the newest publication."""
    rejected_rev: int
    reason: str | None
    """Why `rejected_rev` was rejected."""
    acts: tuple[Act, ...] = ()
    """The last twenty editorial actions, oldest first."""
    announced_state: ArticleState | None = None
    """Withdrawn or retracted if that is the last published state."""


@dataclass(frozen=True, slots=True)
class Entry:
    """A stream entry to acknowledge."""

    entry_id: str
    group: str


@dataclass(frozen=True, slots=True)
class Enrichment:
    """One enriched revision to commit: acknowledges `entry`, writes the article, appends its event."""

    entry: Entry
    article: Article
    provenance: Provenance
    event: ArticleEnriched


@dataclass(frozen=True, slots=True)
class Announcement:
    """One visible revision to commit: acknowledges `entries` and writes `event` unless the revision was published."""

    entries: Sequence[Entry]
    article_id: str
    rev: int
    first: bool
    """Whether the caller read no earlier publication; on a mismatch nothing is changed."""
    event: Publication | None
    """None only acknowledges."""
    story: StoryChange | None = None
    """The story event, written right after `event`."""
    story_known: bool = False
    """Whether the caller read that the story was published before; on a mismatch nothing is changed."""


@dataclass(frozen=True, slots=True)
class Credential:
    """An API key as stored: never the secret, only its SHA-256."""

    key_id: str
    name: str
    secret_sha256: str
    scopes: frozenset[str]
    created_at: datetime
    revoked_at: datetime | None = None
    expires_at: datetime | None = None
    """Refused from this instant on; None never expires."""
    sources: frozenset[str] = field(default_factory=frozenset)
    """Sources it writes: names, prefixes that end in `*`, or `*` alone for all. None by default."""
    predates_sources: bool = False
    """Whether it was stored before keys had sources. Such a key writes all until an operator decides."""

    def ended(self, at: datetime) -> Literal["", "key-revoked", "key-expired"]:
        """Why the key is refused at this time; empty while it is valid."""
        if self.revoked_at is not None:
            return "key-revoked"
        return "key-expired" if self.expires_at is not None and self.expires_at <= at else ""

    def writes(self, source: str | None) -> bool:
        """Whether it may write articles of this source. Articles without a source need `*`."""
        return matches_source(self.sources, source)


class ArticleStore(Protocol):
    """System of record. Every change of an article is one atomic commit together with its event.

    All methods raise `StoreUnavailable` while Redis is unavailable. `originals` and `articles` return a marker for a
    damaged blob; `records` and `provenance` raise `CorruptRecord`.
    """

    groups: ArticleGroups
    """Copies and stories; `articles` and `scan` include their decisions."""
    lifecycle: Lifecycle
    """Withdrawal, retraction and restoration."""
    sources: ArticleSources
    """The source that each article belongs to."""

    async def accept(self, acceptances: Sequence[Acceptance]) -> list[AcceptOutcome]:
        """Store originals durably and append their events, in order, one atomic commit each."""
        ...

    async def originals(self, article_ids: Sequence[str]) -> list[Original | CorruptOriginal | RemovedOriginal | None]:
        """The latest originals; None if unknown, a marker if damaged or removed. One never affects another."""
        ...

    async def commit_enriched(self, items: Sequence[Enrichment]) -> list[bool]:
        """Commit each; False if another consumer finished the entry or a newer revision was accepted."""
        ...

    async def acknowledge(self, stream: Stream, entries: Sequence[Entry]) -> int:
        """Acknowledge entries that need no work, such as superseded revisions; returns how many were pending."""
        ...

    async def articles(self, article_ids: Sequence[str]) -> list[Article | CorruptArticle | None]:
        """The latest enriched articles; None if there is none, a marker if damaged. One never affects another."""
        ...

    async def provenance(self, article_id: str) -> Provenance | None:
        """The provenance of the latest enriched revision."""
        ...

    async def records(self, article_ids: Sequence[str]) -> list[Record | None]:
        """The states of articles."""
        ...

    async def commit_published(self, items: Sequence[Announcement]) -> list[str | None]:
        """Commit each; the log id of the new publication, or None if nothing was published."""
        ...

    def scan(self, *, batch: int = 200) -> AsyncIterator[list[Article]]:
        """All enriched articles in batches, each at least once, unordered; damaged ones are skipped and logged."""
        ...

    async def ping(self) -> None:
        """Write probe: returns if the store accepts commits."""
        ...

    async def aclose(self) -> None:
        """Release connections."""
        ...


@dataclass(frozen=True, slots=True)
class CorruptOriginal:
    """Marker of a stored but damaged original."""

    article_id: str
    reason: str
    owner: str = ""


@dataclass(frozen=True, slots=True)
class CorruptArticle:
    """Marker of a stored but damaged article."""

    article_id: str
    reason: str


@dataclass(frozen=True, slots=True)
class RemovedOriginal:
    """Marker of the original of a withdrawn or retracted article; it is not parsed."""

    article_id: str
    rev: int


async def readable_article(store: ArticleStore, article_id: str) -> Article | None:
    """The latest enriched article; None if there is none or it is damaged."""
    (article,) = await store.articles([article_id])
    return article if isinstance(article, Article) else None
