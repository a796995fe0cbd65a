"""Wire models of all events: an envelope `meta` and one payload.

Within a major version only optional fields are added; a breaking change is a new stream. Golden examples of every
version are in `tests/contracts/events/`.
"""

from __future__ import annotations

from datetime import datetime
from typing import Annotated, Any, ClassVar, Final, Self

from pydantic import BaseModel, ConfigDict, Discriminator, Field, TypeAdapter
from pydantic import Tag as PydanticTag

from shared.articles import Card, InputKind, Tag
from shared.ids import new_event_id


class _Model(BaseModel):
    # Tolerant reader: a newer producer may send fields that this version does not know.
    model_config = ConfigDict(frozen=True, extra="ignore")


class EventMeta(_Model):
    """Identity and origin of an event. Ids are UUIDv7."""

    event_id: str
    type: str
    version: int = 1
    occurred_at: datetime
    correlation_id: str
    """One id from the producer's request to the last delivery."""
    causation_id: str | None = None
    """The `event_id` of the event that caused this one; None for the first."""
    producer: str
    traceparent: str | None = Field(default=None, exclude_if=lambda value: value is None)
    """The W3C trace context of the producer's request, passed on unchanged to every event that it causes."""


class Event(_Model):
    """Base of all events."""

    TYPE: ClassVar[str]
    VERSION: ClassVar[int] = 1

    meta: EventMeta

    @classmethod
    def meta_for(
        cls,
        *,
        producer: str,
        now: datetime,
        correlation_id: str | None = None,
        cause: EventMeta | None = None,
        traceparent: str | None = None,
    ) -> EventMeta:
        """A fresh envelope; correlation id and trace context are inherited from `cause`."""
        event_id = new_event_id(unix_ms=int(now.timestamp() * 1000))
        inherited = cause.correlation_id if cause else None
        return EventMeta(
            event_id=event_id,
            type=cls.TYPE,
            version=cls.VERSION,
            occurred_at=now,
            correlation_id=correlation_id or inherited or event_id,
            causation_id=cause.event_id if cause else None,
            producer=producer,
            traceparent=traceparent or (cause.traceparent if cause else None),
        )

    @property
    def article_ref(self) -> tuple[str, int] | None:
        """(id, revision) of the article the event is about; None when it has none."""
        return None

    def log_keys(self) -> dict[str, Any]:
        """The keys that join log lines about this event: `event_id`, `correlation_id`, `article_id`, `rev`."""
        keys: dict[str, Any] = {"event_id": self.meta.event_id, "correlation_id": self.meta.correlation_id}
        ref = self.article_ref
        return keys if ref is None else {"article_id": ref[0], "rev": ref[1], **keys}

    def to_json(self) -> bytes:
        """The event as UTF-8 JSON."""
        return self.model_dump_json().encode()

    @classmethod
    def from_json(cls, data: bytes) -> Self:
        """Parse and validate; raises `pydantic.ValidationError`."""
        return cls.model_validate_json(data)


class ArticleRef(_Model):
    """The claim check of a work stream: ids only, the bytes are in the store."""

    article_id: str = Field(pattern=r"^[a-z2-7]{26}$")
    rev: int = Field(ge=1)
    kind: InputKind


class _ArticleWork(Event):
    article: ArticleRef

    @property
    def article_ref(self) -> tuple[str, int]:
        """(id, revision) of the article."""
        return self.article.article_id, self.article.rev


class ArticleReceived(_ArticleWork):
    """An original was accepted and stored durably. Written by ingest in the same commit as the original."""

    TYPE = "article.received"


class ArticleEnriched(_ArticleWork):
    """The article of this revision is in the store. Written by enrich in the same commit as the article."""

    TYPE = "article.enriched"


class Publication(Event):
    """A visible change: revision `card.rev` is searchable. Written by index after the engine confirmed it.

    `meta.type` is `article.published` for the first visible revision, `article.updated` for later ones,
    `article.corrected` for one that carries a correction note, and `article.restored` for a restored one.
    """

    TYPE = "article.published"
    UPDATED: ClassVar[str] = "article.updated"
    CORRECTED: ClassVar[str] = "article.corrected"
    RESTORED: ClassVar[str] = "article.restored"
    card: Card

    @property
    def article_ref(self) -> tuple[str, int]:
        """(id, revision) of the article."""
        return self.card.id, self.card.rev


class Tombstone(_Model):
    """Public data of a withdrawn or retracted article: no text, only what filters and caches need."""

    id: str
    rev: int
    slug: str
    tags: tuple[Tag, ...] = ()
    section: str | None = None
    source: str | None = None
    language: str = "und"
    url: str | None = None
    at: datetime
    """When it was withdrawn or retracted."""
    reason: str = ""
    """The public reason given by the editor."""


class RemovedText(_Model):
    """Data of a removed article for filter matching. Never sent to subscribers."""

    terms: str
    """A `TermFilter` of its words, as base64."""
    story_id: str | None = None
    dated_at: datetime


class Withdrawal(Event):
    """An article is no longer searchable. Written by index after the search engine has removed it.

    `meta.type` is `article.withdrawn` (a notice remains, it can be restored) or `article.retracted` (text erased).
    """

    TYPE = "article.withdrawn"
    RETRACTED: ClassVar[str] = "article.retracted"
    article: Tombstone
    removed: RemovedText | None = None
    """None in events of older versions."""

    @property
    def article_ref(self) -> tuple[str, int]:
        """(id, revision) of the article."""
        return self.article.id, self.article.rev


class StoryCard(_Model):
    """A story: articles about the same news. `lead` is its representative article."""

    id: str
    slug: str
    title: str
    language: str = "und"
    articles: int
    """Number of articles, without near-copies."""
    first_at: datetime
    last_at: datetime
    lead: Card


class StoryChange(Event):
    """A story was created (with its second article), extended or merged. Written by index with the article's event.

    `meta.type` is `story.created`, `story.extended` or `story.merged`.
    """

    TYPE = "story.created"
    EXTENDED: ClassVar[str] = "story.extended"
    MERGED: ClassVar[str] = "story.merged"
    story: StoryCard
    article_id: str
    """Id of the article that caused the change."""
    merged: tuple[str, ...] = ()
    """Ids of the stories that are now part of this one; they redirect to it."""


class RejectedArticle(_Model):
    """An article that was accepted and cannot become an article, and why. Holds no text of the page."""

    id: str
    rev: int
    source: str | None = None
    external_id: str | None = None
    url: str | None = None
    stage: str
    """The service that rejected it."""
    rule: str
    detail: str
    received_at: datetime
    """When this revision was accepted."""


class Rejection(Event):
    """An accepted revision was rejected. For the key that posted it and for admins; not part of the public log."""

    TYPE = "article.rejected"
    article: RejectedArticle
    owner: str
    """Id of the API key that posted it, `source:ID` for a polled source, empty when unknown. Never sent."""

    @property
    def article_ref(self) -> tuple[str, int]:
        """(id, revision) of the article."""
        return self.article.id, self.article.rev


LogEvent = Publication | Withdrawal | StoryChange
"""An event of the public log."""
StreamEvent = LogEvent | Rejection
"""An event of any log that subscribers follow."""


def about(event: LogEvent) -> Card | Tombstone:
    """What stream filters match: the article's card, its tombstone, or the lead of the story."""
    if isinstance(event, Publication):
        return event.card
    return event.article if isinstance(event, Withdrawal) else event.story.lead


_LOG_MODELS: Final[dict[str, type[Publication | Withdrawal | StoryChange]]] = {
    "article.published": Publication,
    "article.updated": Publication,
    "article.corrected": Publication,
    "article.restored": Publication,
    "article.withdrawn": Withdrawal,
    "article.retracted": Withdrawal,
    "story.created": StoryChange,
    "story.extended": StoryChange,
    "story.merged": StoryChange,
}

LOG_EVENT_TYPES: Final = tuple(_LOG_MODELS)
"""Every `meta.type` of the public log."""


def _model_name(value: Any) -> str | None:
    try:
        return _LOG_MODELS[value["meta"]["type"]].__name__
    except (KeyError, TypeError):
        return None


_LOG_EVENT: Final[TypeAdapter[LogEvent]] = TypeAdapter(
    Annotated[
        Annotated[Publication, PydanticTag("Publication")]
        | Annotated[Withdrawal, PydanticTag("Withdrawal")]
        | Annotated[StoryChange, PydanticTag("StoryChange")],
        Discriminator(_model_name),
    ]
)


def read_log_event(data: bytes) -> LogEvent:
    """Parse an entry of the public log by its `meta.type`; raises `pydantic.ValidationError`, a ValueError."""
    return _LOG_EVENT.validate_json(data)
