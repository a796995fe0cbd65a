"""What to tell the world about an article that is searchable now: a first publication, an update, or nothing."""

from __future__ import annotations

from datetime import datetime
from typing import Final

from shared.articles import Article, card_of
from shared.events import EventMeta, Publication

PRODUCER: Final = "index"


def is_news(article: Article, published_rev: int) -> bool:
    """Whether this revision was not announced yet; `published_rev` is 0 before the first publication."""
    return article.rev > published_rev


def publication(article: Article, *, published_rev: int, cause: EventMeta, now: datetime) -> Publication | None:
    """The event for this revision, following from `cause`; None when it, or a later one, was announced before."""
    if not is_news(article, published_rev):
        return None
    meta = Publication.meta_for(producer=PRODUCER, now=now, cause=cause)
    if published_rev > 0:
        meta = meta.model_copy(update={"type": Publication.UPDATED})
    return Publication(meta=meta, card=card_of(article))
