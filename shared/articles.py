"""Frozen value types shared by services: submissions, articles, cards and their parts.

All instants are timezone-aware UTC; `language` is BCP 47; bodies are plain text in paragraphs, never HTML.
"""

from __future__ import annotations

from datetime import datetime
from enum import StrEnum
from typing import Annotated, Final

from pydantic import BaseModel, ConfigDict, Field

from shared.fingerprints import EMPTY_FINGERPRINT, Fingerprint

Slug = Annotated[str, Field(pattern=r"^[^\s/#?%&]+$", max_length=120)]


class _Value(BaseModel):
    # Readers are tolerant: during a rolling upgrade an older service meets the fields of a newer one.
    model_config = ConfigDict(frozen=True, extra="ignore", ser_json_inf_nan="constants")


class InputKind(StrEnum):
    """Format of the original bytes."""

    TEXT = "text"
    HTML = "html"
    JSON = "json"


class ArticleState(StrEnum):
    """State of an article. Only `published` articles are searchable, streamed and shown."""

    RECEIVED = "received"
    PUBLISHED = "published"
    WITHDRAWN = "withdrawn"
    RETRACTED = "retracted"
    REJECTED = "rejected"

    @classmethod
    def _missing_(cls, value: object) -> ArticleState | None:
        """Earlier versions reserved `withheld` for accepted and not shown; stored values still load."""
        return cls.REJECTED if value == "withheld" else None


class Submission(_Value):
    """Metadata that a producer sends with a page. Every field is optional; none is trusted as HTML."""

    model_config = ConfigDict(extra="forbid")

    source: str | None = None
    """The producer's name for the publication, for example `example-gazette`."""
    external_id: str | None = None
    """The producer's id of the article inside `source`."""
    version: int | None = None
    """The producer's own version number; a lower one than stored is refused."""
    url: str | None = None
    title: str | None = None
    dek: str | None = None
    section: str | None = None
    language: str | None = None
    authors: tuple[str, ...] = ()
    tags: tuple[str, ...] = ()
    published_at: datetime | None = None
    correction: str | None = None
    """Public correction note of this revision."""


class Tag(_Value):
    """A normalised tag: `slug` is the identity (`world-news`), `label` the text a reader sees (`World News`)."""

    slug: Slug
    label: str


class Teaser(_Value):
    """One item of a page's own recommended list: a weak label for related articles."""

    title: str
    text: str = ""
    url: str | None = None


class RemovedSpan(_Value):
    """A span that was removed from the input, and the rule that removed it. `line` counts from 1."""

    rule: str
    text: str
    line: int | None = None


class Step(_Value):
    """What one enrichment step did: its name and version, its time in ms, and what it decided, in a few words."""

    name: str
    version: str
    took_ms: float
    note: str = ""


class Keyphrase(_Value):
    """A phrase and its weight in (0, 1], heaviest first in any list."""

    phrase: str
    weight: float


class EntityKind(StrEnum):
    """Kind of a named entity."""

    PERSON = "person"
    ORGANISATION = "organisation"
    PLACE = "place"


class Entity(_Value):
    """A named person, organisation or place. `id` is stable across articles, for example `person:ada-lovelace`."""

    kind: EntityKind
    id: str
    name: str
    mentions: int = 1


class Image(_Value):
    """An image of the page, by URL only: never fetched, never stored."""

    url: str
    caption: str = ""


class Duplicate(_Value):
    """The article this one is a near-copy of, and the share of word triples of the shorter text that both have."""

    article_id: str
    score: float
    """In (0, 1]."""
    excerpt: bool = False
    """Whether it is a short excerpt of the other, such as the teaser of a page in a feed."""


class CorrectionNote(_Value):
    """A public note of what a revision corrected. It is shown until an editor removes it."""

    text: str
    at: datetime
    """When the revision was accepted."""
    rev: int


class Article(_Value):
    """A clean article at one revision: the output of enrich, and the content of the store's `doc` blob."""

    id: str
    rev: int
    slug: Slug
    title: str
    dek: str = ""
    paragraphs: tuple[str, ...] = ()
    summary: str = ""
    tags: tuple[Tag, ...] = ()
    section: str | None = None
    source: str | None = None
    authors: tuple[str, ...] = ()
    language: str = "und"
    url: str | None = None
    published_at: datetime | None = None
    """Publication time according to the source; None if unknown."""
    received_at: datetime
    """When this revision was accepted."""
    first_received_at: datetime
    """When revision 1 was accepted."""
    word_count: int = 0
    reading_minutes: int = 0
    keyphrases: tuple[Keyphrase, ...] = ()
    recommended: tuple[Teaser, ...] = ()
    entities: tuple[Entity, ...] = ()
    images: tuple[Image, ...] = ()
    """The lead image first."""
    story_id: str | None = None
    """The story it belongs to; a story has at least two articles that are not copies of each other."""
    duplicate_of: Duplicate | None = None
    correction: str = ""
    """The newest correction note; `corrections` has all of them."""
    corrections: tuple[CorrectionNote, ...] = ()
    """Oldest first; kept across updates until an editor removes one."""
    fingerprint: Fingerprint = EMPTY_FINGERPRINT
    signature: tuple[tuple[str, float], ...] = ()
    """The heaviest stemless terms with their term frequencies, for re-ranking related articles."""

    @property
    def correction_notes(self) -> tuple[CorrectionNote, ...]:
        """The notes, also of articles stored by versions without a list."""
        return _correction_notes(self)

    @property
    def body(self) -> str:
        """The paragraphs joined by blank lines."""
        return "\n\n".join(self.paragraphs)

    @property
    def dated_at(self) -> datetime:
        """The instant that orders the article in streams: `published_at`, else `first_received_at`.

        A date in the future would keep an article at the top, so it is replaced by the time of receipt.
        """
        if self.published_at is None or self.published_at > self.received_at:
            return self.first_received_at
        return self.published_at


class Provenance(_Value):
    """Provenance of an article: the trace of one enrichment run."""

    rev: int
    input_kind: InputKind
    input_sha256: str
    output_sha256: str
    pipeline_version: str
    started_at: datetime
    took_ms: float
    steps: tuple[Step, ...] = ()
    cuts: tuple[RemovedSpan, ...] = ()


CANARY_SOURCE: Final = "broadsheet-selfcheck"
"""Source of self-check articles. They pass through the whole pipeline; lists, facets, suggestions, feeds and streams
include them only for requests that name this source."""


class Card(_Value):
    """The fields of an article in the public log and search results: everything but the body."""

    id: str
    rev: int
    slug: str
    title: str
    dek: str = ""
    summary: str = ""
    tags: tuple[Tag, ...] = ()
    section: str | None = None
    source: str | None = None
    authors: tuple[str, ...] = ()
    language: str = "und"
    url: str | None = None
    dated_at: datetime
    published_at: datetime | None = None
    received_at: datetime
    word_count: int = 0
    reading_minutes: int = 0
    image: Image | None = None
    story_id: str | None = None
    duplicate_of: str | None = None
    """Id of the article this one is a near-copy of."""
    correction: str = ""
    """The newest correction note."""
    corrections: tuple[CorrectionNote, ...] = ()
    """Oldest first."""

    @property
    def correction_notes(self) -> tuple[CorrectionNote, ...]:
        """The notes, also of cards written by versions without a list."""
        return _correction_notes(self)


def card_of(article: Article) -> Card:
    """The public card of an article."""
    shared_fields = article.model_dump(
        include=set(Card.model_fields) - {"tags", "duplicate_of", "image", "corrections"}
    )
    return Card(
        **shared_fields,
        tags=article.tags,
        corrections=article.corrections,
        dated_at=article.dated_at,
        image=article.images[0] if article.images else None,
        duplicate_of=article.duplicate_of.article_id if article.duplicate_of else None,
    )


def _correction_notes(one: Article | Card) -> tuple[CorrectionNote, ...]:
    if one.corrections or not one.correction:
        return one.corrections
    return (CorrectionNote(text=one.correction, at=one.received_at, rev=one.rev),)
