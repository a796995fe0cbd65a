"""What an older event of an article looks like once the article is retracted: its tombstone, and never its text."""

from __future__ import annotations

from datetime import datetime

from shared.articles import Card
from shared.events import LogEvent, Publication, StoryChange, Tombstone, Withdrawal, about


def without_text(event: LogEvent, *, at: datetime, reason: str) -> LogEvent:
    """The event as it may be sent after the retraction of the article it is about.

    A publication becomes a retraction under its own event id and cursor; a story's change keeps its story, but neither
    the words of its lead nor the title, which may be the lead's. `at` is when the article was taken back.
    """
    if isinstance(event, Withdrawal):
        return event
    if isinstance(event, StoryChange):
        lead = event.story.lead.model_copy(update=_BLANK)
        return event.model_copy(update={"story": event.story.model_copy(update={"title": "", "lead": lead})})
    return _retraction(event, at, reason)


_BLANK = {"title": "", "dek": "", "summary": "", "authors": (), "image": None, "correction": ""}


def _retraction(event: Publication, at: datetime, reason: str) -> Withdrawal:
    card: Card = event.card
    kept = card.model_dump(include=set(Tombstone.model_fields) - {"at", "reason", "tags"})
    return Withdrawal(
        meta=event.meta.model_copy(update={"type": Withdrawal.RETRACTED}),
        article=Tombstone(**kept, tags=card.tags, at=at, reason=reason),
    )


def article_of(event: LogEvent) -> str:
    """The id of the article whose words the event carries."""
    return about(event).id
