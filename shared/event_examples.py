"""One example of every event that subscribers receive, for documents and tests. The facts in them are invented."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any, Final

from shared.articles import Card, Image, Tag
from shared.events import (
    LOG_EVENT_TYPES,
    EventMeta,
    Publication,
    RejectedArticle,
    Rejection,
    StoryCard,
    StoryChange,
    StreamEvent,
    Tombstone,
    Withdrawal,
)

_AT: Final = datetime(2026, 3, 14, 12, 1, tzinfo=UTC)
_ID: Final = "mfzwizltoq2gk43uorzhkytvmq"
_STORY: Final = "ovzwk4tomfwwkllpojqw4z3fne"


def example_event(kind: str) -> StreamEvent:
    """The event of this type, such as `article.published`; raises KeyError for another name."""
    if kind not in {*LOG_EVENT_TYPES, Rejection.TYPE}:
        raise KeyError(kind)
    meta = EventMeta(
        event_id="0195948f-39e0-7c3a-9d1e-5f4b8a2c6d70",
        type=kind,
        occurred_at=_AT,
        correlation_id="0195948f-2c41-7b02-8a6f-1c9d3e5f7a90",
        causation_id="0195948f-31d8-7e55-b0c4-2a7f9b1d3e60",
        producer="index",
    )
    if kind == Rejection.TYPE:
        return Rejection(meta=meta.model_copy(update={"producer": "enrich"}), article=_rejected(), owner="0a1b2c3d4e5f")
    if kind.startswith("story."):
        return StoryChange(meta=meta, story=_story(), article_id=_ID, merged=_merged(kind))
    if kind in {Withdrawal.TYPE, Withdrawal.RETRACTED}:
        kept = _card().model_dump(include={"id", "rev", "slug", "section", "source", "language", "url"})
        return Withdrawal(
            meta=meta, article=Tombstone(**kept, tags=_card().tags, at=_AT, reason="The quote was invented.")
        )
    note = "An earlier version named the wrong pier." if kind == Publication.CORRECTED else ""
    return Publication(meta=meta, card=_card(correction=note))


def _merged(kind: str) -> tuple[str, ...]:
    return ("nvxxezlbozsxe6jnonuw24dmmu",) if kind == StoryChange.MERGED else ()


def _rejected() -> RejectedArticle:
    return RejectedArticle(
        id=_ID,
        rev=1,
        source="example-gazette",
        external_id="ferry-line",
        url="https://gazette.example/ferry-line-reopens",
        stage="enrich",
        rule="no-body",
        detail="no article text was found on the page",
        received_at=_AT,
    )


def _story() -> StoryCard:
    return StoryCard(
        id=_STORY,
        slug="ferry-line-reopens",
        title="Ferry line reopens",
        language="en",
        articles=2,
        first_at=_AT,
        last_at=_AT,
        lead=_card(),
    )


def _card(**fields: Any) -> Card:
    values: dict[str, Any] = {
        "id": _ID,
        "rev": 1,
        "slug": "ferry-line-reopens",
        "title": "Ferry line reopens after nineteen years",
        "dek": "Two electric boats cross the bay every twenty minutes",
        "summary": "The ferry line across the bay of Lindmouth runs again.",
        "tags": (Tag(slug="transport", label="Transport"), Tag(slug="city-news", label="City News")),
        "section": "local",
        "source": "example-gazette",
        "authors": ("Mara Holt",),
        "language": "en",
        "url": "https://gazette.example/ferry-line-reopens",
        "dated_at": _AT,
        "published_at": _AT,
        "received_at": _AT,
        "word_count": 310,
        "reading_minutes": 2,
        "image": Image(url="https://gazette.example/ferry.jpg", caption="The first boat"),
    }
    return Card(**(values | fields))
