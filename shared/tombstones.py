"""Tombstones: which subscribers get them, and what an older event may still say once its article is retracted."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Final

from shared.events import LogEvent, StoryChange, Withdrawal, about

TOMBSTONE_TYPES: Final = frozenset({Withdrawal.TYPE, Withdrawal.RETRACTED})
_BLANK: Final = {
    "title": "",
    "dek": "",
    "summary": "",
    "authors": (),
    "image": None,
    "correction": "",
    "corrections": (),
}


def with_tombstones(types: Iterable[str]) -> frozenset[str]:
    """The event types that a subscriber receives who chose `types`; none means all.

    A subscriber that may have received an article also receives its tombstone. A choice of tombstone types only, or of
    types that carry no article (stories), is not extended.
    """
    chosen = frozenset(types)
    receives_articles = any(name.startswith("article.") or ".article." in name for name in chosen - TOMBSTONE_TYPES)
    return chosen | TOMBSTONE_TYPES if receives_articles else chosen


def without_text(event: StoryChange) -> StoryChange:
    """The event without the words of its lead, nor the title, which may be the lead's."""
    lead = event.story.lead.model_copy(update=_BLANK)
    return event.model_copy(update={"story": event.story.model_copy(update={"title": "", "lead": lead})})


def article_of(event: LogEvent) -> str:
    """The id of the article whose words the event carries."""
    return about(event).id
