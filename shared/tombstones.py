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

    Whoever may have received an article also receives its tombstone. Only a choice of nothing but tombstone types is
    taken as it is.
    """
    chosen = frozenset(types)
    return chosen | TOMBSTONE_TYPES if chosen - TOMBSTONE_TYPES else chosen


def without_text(event: StoryChange) -> StoryChange:
    """The event without the words of its lead, nor the title, which may be the lead's."""
    lead = event.story.lead.model_copy(update=_BLANK)
    return event.model_copy(update={"story": event.story.model_copy(update={"title": "", "lead": lead})})


def article_of(event: LogEvent) -> str:
    """The id of the article whose words the event carries."""
    return about(event).id
