"""The only wire models: an envelope `meta` and one payload, frozen inside a major version.

Inside a major version only optional fields are added; a breaking change is a new stream. Golden examples of every
version are in `tests/contracts/events/`.
"""

from __future__ import annotations

from datetime import datetime
from typing import ClassVar, Self

from pydantic import BaseModel, ConfigDict, Field

from shared.articles import Card, InputKind
from shared.ids import new_event_id


class _Model(BaseModel):
    # Readers are tolerant: a newer producer may send fields this version does not know.
    model_config = ConfigDict(frozen=True, extra="ignore")


class EventMeta(_Model):
    """Who said what, when, and because of what. Ids are UUIDv7."""

    event_id: str
    type: str
    version: int = 1
    occurred_at: datetime
    correlation_id: str
    """One id from the producer's request to the last delivery."""
    causation_id: str | None = None
    """The `event_id` this event follows from; None for the first."""
    producer: str


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
    ) -> EventMeta:
        """A fresh envelope; `cause` hands on its correlation id."""
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
        )

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


class ArticleReceived(Event):
    """An original was accepted and is durable. Written by ingest in the same commit as the original."""

    TYPE = "article.received"
    article: ArticleRef


class ArticleEnriched(Event):
    """The article of this revision is in the store. Written by enrich in the same commit as the article."""

    TYPE = "article.enriched"
    article: ArticleRef


class Publication(Event):
    """A visible change: the article of `card.rev` can be found by search now. Written by index, after the fact.

    `meta.type` is `article.published` for the first visible revision and `article.updated` for later ones.
    """

    TYPE = "article.published"
    UPDATED: ClassVar[str] = "article.updated"
    card: Card
