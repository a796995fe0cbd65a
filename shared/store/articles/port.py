"""What services need of the article store. One adapter today (`redis.py`); the contract suite is in tests/contracts."""

from __future__ import annotations

from collections.abc import AsyncIterator, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Literal, Protocol

from shared.articles import Article, ArticleState, InputKind, Provenance, Submission
from shared.events import ArticleEnriched, ArticleReceived, Publication, StoryChange
from shared.source_patterns import matches_source
from shared.store.articles.groups import ArticleGroups
from shared.store.articles.lifecycle import Act, Lifecycle
from shared.topology import Stream


@dataclass(frozen=True, slots=True)
class PollRef:
    """One poll of a source: outcomes of its articles are counted for it. `number` counts the polls of the source."""

    source_id: str
    number: int


@dataclass(frozen=True, slots=True)
class Acceptance:
    """One original to be accepted. `event` carries a placeholder revision; the commit fills in the real one."""

    article_id: str
    kind: InputKind
    media_type: str
    data: bytes
    submission: Submission
    content_digest: str
    """Hex digest over everything that would change the article: the same digest again is not a new revision."""
    event: ArticleReceived
    owner: str
    """Id of the API key that sent it; scopes the idempotency key."""
    idempotency_key: str
    """The producer's key, or one the service made for this request so that its own retries are safe."""
    fingerprint: str
    """Hex digest of the request: the same key with another fingerprint is a conflict."""
    keep_seconds: int = 86_400
    """How long the idempotency key is remembered."""
    poll: PollRef | None = None
    """The poll that found it, None for a request of a producer."""


@dataclass(frozen=True, slots=True)
class AcceptOutcome:
    """What became of one acceptance.

    `accepted`: a new revision is durable and its event is on the stream. `unchanged`: the stored revision already
    has this content. `replayed`: this request was answered before; same revision. `key-reused`: the idempotency key
    belongs to another request. `stale`: the producer's version is not above the stored one. `retracted`: the article
    was taken back for ever.
    """

    status: Literal["accepted", "unchanged", "replayed", "key-reused", "stale", "retracted"]
    article_id: str
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
    """Where an article stands, without its blobs. Revisions are 0 where the stage has not happened."""

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
    """What editors did to it: the last twenty acts, oldest first."""
    announced_state: ArticleState | None = None
    """Withdrawn or retracted when that is the last that the public log said of it."""


@dataclass(frozen=True, slots=True)
class Entry:
    """A stream entry that a stage is about to finish."""

    entry_id: str
    group: str


@dataclass(frozen=True, slots=True)
class Enrichment:
    """One enriched revision to commit: acknowledges `entry`, writes the article, announces it."""

    entry: Entry
    article: Article
    provenance: Provenance
    event: ArticleEnriched


@dataclass(frozen=True, slots=True)
class Announcement:
    """One visible revision to commit: acknowledges `entries` and writes `event` unless that revision was announced."""

    entries: Sequence[Entry]
    article_id: str
    rev: int
    first: bool
    """Whether the caller saw no earlier publication; a mismatch leaves everything as it is."""
    event: Publication | None
    """None only acknowledges: there is nothing new to announce."""
    story: StoryChange | None = None
    """What the article did to its story: written right after `event`."""
    story_known: bool = False
    """Whether the caller saw the story announced before; a mismatch leaves everything as it is."""


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

    def writes(self, source: str | None) -> bool:
        """Whether it may write articles of this source. Articles without a source need `*`."""
        return matches_source(self.sources, source)


class ArticleStore(Protocol):
    """Holds the truth. Every change of an article is one atomic commit together with its event.

    All methods raise `StoreUnavailable` while Redis cannot answer. `originals` and `articles` return a marker for a
    damaged blob; `records` and `provenance` raise `CorruptRecord`.
    """

    groups: ArticleGroups
    """What was decided of copies and stories; `articles` and `scan` answer with it."""
    lifecycle: Lifecycle
    """Taking articles back and bringing them back."""

    async def accept(self, acceptances: Sequence[Acceptance]) -> list[AcceptOutcome]:
        """Make originals durable and announce them, in order, one atomic commit each."""
        ...

    async def originals(self, article_ids: Sequence[str]) -> list[Original | CorruptOriginal | RemovedOriginal | None]:
        """The latest originals; None where unknown, a marker where damaged or taken back: none blocks another."""
        ...

    async def commit_enriched(self, items: Sequence[Enrichment]) -> list[bool]:
        """Commit each; False where the entry was finished by somebody else or a newer revision was accepted."""
        ...

    async def acknowledge(self, stream: Stream, entries: Sequence[Entry]) -> int:
        """Finish entries for which nothing is to be done, such as those of superseded revisions; how many were open."""
        ...

    async def articles(self, article_ids: Sequence[str]) -> list[Article | CorruptArticle | None]:
        """The latest enriched articles; None where there is none, a marker where it is damaged: none blocks another."""
        ...

    async def provenance(self, article_id: str) -> Provenance | None:
        """How the latest enriched revision came to be."""
        ...

    async def records(self, article_ids: Sequence[str]) -> list[Record | None]:
        """Where articles stand."""
        ...

    async def commit_published(self, items: Sequence[Announcement]) -> list[str | None]:
        """Commit each; the log id of the new publication, or None where nothing was announced."""
        ...

    def scan(self, *, batch: int = 200) -> AsyncIterator[list[Article]]:
        """All enriched articles, in batches, each at least once, in no order; damaged ones are skipped and logged."""
        ...

    async def ping(self) -> None:
        """A write probe: returns when the store can take a commit now."""
        ...

    async def aclose(self) -> None:
        """Release connections."""
        ...


@dataclass(frozen=True, slots=True)
class CorruptOriginal:
    """Stands for an original that is stored but damaged."""

    article_id: str
    reason: str
    owner: str = ""


@dataclass(frozen=True, slots=True)
class CorruptArticle:
    """Stands for an article that is stored but damaged."""

    article_id: str
    reason: str


@dataclass(frozen=True, slots=True)
class RemovedOriginal:
    """Stands for the original of an article that is withdrawn or retracted: there is nothing to parse."""

    article_id: str
    rev: int


async def readable_article(store: ArticleStore, article_id: str) -> Article | None:
    """The latest enriched article; None where there is none, and for a damaged one: it holds up nothing around it."""
    (article,) = await store.articles([article_id])
    return article if isinstance(article, Article) else None
