"""Entries of the public log as index commits them, without the article behind them."""

from __future__ import annotations

from typing import Any

from shared.articles import card_of
from shared.envelope import encode_event
from shared.events import LogEvent, Publication, StoryCard, StoryChange, Tombstone, Withdrawal
from shared.topology import PUBLICATIONS
from tests.support.builders import NOON, make_article, make_card


async def announce(client: Any, count: int = 1, **fields: Any) -> list[str]:
    """Publications; their log ids."""
    return [await log(client, publication(**({"title": f"Piece {number}"} | fields))) for number in range(count)]


async def log(client: Any, event: LogEvent) -> str:
    """Any event; its log id."""
    return (await client.xadd(PUBLICATIONS.key, {"__data__": encode_event(event)})).decode()


def publication(*, kind: str = Publication.TYPE, **fields: Any) -> Publication:
    meta = Publication.meta_for(producer="index", now=NOON).model_copy(update={"type": kind})
    return Publication(meta=meta, card=card_of(make_article(**fields)))


def withdrawal(
    *, kind: str = Withdrawal.RETRACTED, reason: str = "The quote was invented.", **fields: Any
) -> Withdrawal:
    card = make_card(**fields)
    kept = card.model_dump(include={"id", "rev", "slug", "section", "source", "language", "url"})
    meta = Withdrawal.meta_for(producer="index", now=NOON).model_copy(update={"type": kind})
    return Withdrawal(meta=meta, article=Tombstone(**kept, tags=card.tags, at=NOON, reason=reason))


def story_change(*, kind: str = StoryChange.TYPE, **fields: Any) -> StoryChange:
    lead = make_card(**fields)
    story = StoryCard(
        id="ovzwk4tomfwwkllpojqw4z3fne",
        slug="ferry",
        title=lead.title,
        articles=2,
        first_at=NOON,
        last_at=NOON,
        lead=lead,
    )
    meta = StoryChange.meta_for(producer="index", now=NOON).model_copy(update={"type": kind})
    return StoryChange(meta=meta, story=story, article_id=lead.id)
