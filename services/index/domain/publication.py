"""Events of a searchable article: published, updated, corrected, restored, or none."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Final

from shared.articles import Article, card_of
from shared.events import EventMeta, Publication, RemovedText, StoryCard, StoryChange, Tombstone, Withdrawal

PRODUCER: Final = "index"


def is_news(article: Article, published_rev: int) -> bool:
    """Whether this revision is unpublished; `published_rev` is 0 before the first publication."""
    return article.rev > published_rev


def publication(
    article: Article, *, published_rev: int, comes_back: bool = False, cause: EventMeta, now: datetime
) -> Publication | None:
    """The event for this revision, caused by `cause`; None if it, or a later one, was published before.

    `comes_back`: the last published event of the article is its withdrawal.
    """
    if not is_news(article, published_rev):
        return None
    meta = Publication.meta_for(producer=PRODUCER, now=now, cause=cause)
    if published_rev > 0:
        meta = meta.model_copy(update={"type": _type_of_later(article, published_rev, comes_back=comes_back)})
    return Publication(meta=meta, card=card_of(article))


def _type_of_later(article: Article, published_rev: int, *, comes_back: bool) -> str:
    if comes_back:
        return Publication.RESTORED
    is_corrected = any(note.rev > published_rev for note in article.correction_notes)
    return Publication.CORRECTED if is_corrected else Publication.UPDATED


def withdrawal(
    tombstone: Tombstone, removed: RemovedText | None, *, retracted: bool, cause: EventMeta, now: datetime
) -> Withdrawal:
    """The event of an article that is no longer searchable."""
    meta = Withdrawal.meta_for(producer=PRODUCER, now=now, cause=cause)
    if retracted:
        meta = meta.model_copy(update={"type": Withdrawal.RETRACTED})
    return Withdrawal(meta=meta, article=tombstone, removed=removed)


def story_card(story_id: str, lead: Article, dates: Sequence[datetime]) -> StoryCard:
    """The card of a story: `lead` represents it, `dates` are those of its articles."""
    return StoryCard(
        id=story_id,
        slug=lead.slug,
        title=lead.title,
        language=lead.language,
        articles=len(dates),
        first_at=min(dates),
        last_at=max(dates),
        lead=card_of(lead),
    )


def story_change(
    story: StoryCard, article_id: str, *, merged: Sequence[str], known: bool, cause: EventMeta, now: datetime
) -> StoryChange:
    """The event of a story change. A story without earlier events is `created`, whatever the change."""
    meta = StoryChange.meta_for(producer=PRODUCER, now=now, cause=cause)
    if known:
        meta = meta.model_copy(update={"type": StoryChange.MERGED if merged else StoryChange.EXTENDED})
    return StoryChange(meta=meta, story=story, article_id=article_id, merged=tuple(merged))
