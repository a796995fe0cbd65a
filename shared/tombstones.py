"""Rules for tombstones: which subscribers receive them, and how older events of a retracted article are reduced."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Final

from shared.events import LogEvent, Publication, StoryChange, Withdrawal, about

TOMBSTONE_TYPES: Final = frozenset({Withdrawal.TYPE, Withdrawal.RETRACTED})
IMPLIED_TYPES: Final = TOMBSTONE_TYPES | {Publication.RESTORED}
"""What comes with any choice of article types: removals, and the end of a removal."""
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
    """The event types that a subscriber with `types` receives; empty means all.

    A subscriber that may have received an article also receives its tombstone, and `article.restored` when it is there
    again: otherwise it would stay removed. A choice of tombstone types only, or of types that carry no article
    (stories), is not extended.
    """
    chosen = frozenset(types)
    receives_articles = any(name.startswith("article.") or ".article." in name for name in chosen - TOMBSTONE_TYPES)
    return chosen | IMPLIED_TYPES if receives_articles else chosen


def without_text(event: StoryChange) -> StoryChange:
    """The story event without the text of its lead article and without its title, which may be that of the lead."""
    lead = event.story.lead
    lead = lead.model_copy(update=_BLANK | {"slug": lead.id})
    return event.model_copy(update={"story": event.story.model_copy(update={"title": "", "lead": lead})})


def article_of(event: LogEvent) -> str:
    """The id of the article that the event's text comes from."""
    return about(event).id
