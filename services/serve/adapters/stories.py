"""Reads stories from the store, following merges."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Final

from shared.articles import Article, ArticleState
from shared.store import ArticleStore
from shared.store.articles.group_records import StoryRecord, instant

_HOPS: Final = 16
"""Maximum length of a chain of merges."""


@dataclass(frozen=True, slots=True)
class PublicStory:
    """A story with published articles only: `page` has some of them, newest first, `lead` the first to arrive."""

    id: str
    total: int
    first_at: datetime
    last_at: datetime
    lead: Article
    page: tuple[Article, ...]


async def current_story(store: ArticleStore, story_id: str) -> StoryRecord | None:
    """The story, or the one it was merged into; None if the id is unknown."""
    for _ in range(_HOPS):
        (record,) = await store.groups.stories([story_id])
        if record is None or record.into is None:
            return record
        story_id = record.into
    return None


async def public_story(store: ArticleStore, record: StoryRecord, *, limit: int) -> PublicStory | None:
    """The story and its newest articles; None if none of them is published."""
    ids = list(record.members)
    records = await store.records(ids)
    public = [
        ident
        for ident, one in zip(ids, records, strict=True)
        if one is not None and one.state is ArticleState.PUBLISHED
    ]
    if not public:
        return None
    newest = sorted(public, key=lambda ident: (-record.members[ident], ident))
    lead, *page = await store.articles([public[0], *newest[:limit]])
    if not isinstance(lead, Article):
        return None
    dates = [record.members[ident] for ident in public]
    articles = tuple(article for article in page if isinstance(article, Article))
    return PublicStory(record.id, len(public), instant(min(dates)), instant(max(dates)), lead, articles)
