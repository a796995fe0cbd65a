"""What an article's publication tells of its story, and which earlier articles must be written again for it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Final

from services.index.domain.publication import story_card
from shared.articles import Article, ArticleState
from shared.events import StoryCard
from shared.store import ArticleStore
from shared.store.articles.group_records import Settled, StoryMove, StoryRecord, instant
from shared.store.articles.groups import union
from shared.store.articles.port import readable_article

_WRITTEN: Final = frozenset({ArticleState.RECEIVED, ArticleState.PUBLISHED})


@dataclass(frozen=True, slots=True)
class StoryUpdate:
    """The story as it is now, what was done to it, and whether the log knows it."""

    card: StoryCard
    move: StoryMove
    known: bool


def with_groups(articles: Sequence[Article], settled: Sequence[Settled]) -> list[Article]:
    """The articles with what was decided of them."""
    return [
        article.model_copy(update={"story_id": one.story, "duplicate_of": one.duplicate_of})
        for article, one in zip(articles, settled, strict=True)
    ]


async def regrouped_articles(
    store: ArticleStore, settled: Sequence[Settled], beside: Sequence[Article]
) -> list[Article]:
    """Earlier articles whose story changed with these decisions, as they are now; `beside` are written anyway.

    Those too that another batch is about to announce: it may have written them before they were moved.
    """
    wanted = [
        ident
        for ident in union(one.change.moved for one in settled if one.change)
        if ident not in {article.id for article in beside}
    ]
    records = await store.records(wanted)
    public = [
        ident for ident, record in zip(wanted, records, strict=True) if record is not None and record.state in _WRITTEN
    ]
    return [article for ident in public if (article := await readable_article(store, ident))]


async def story_updates(
    store: ArticleStore, articles: Sequence[Article], settled: Mapping[str, Settled]
) -> dict[str, StoryUpdate]:
    """{article: what its publication tells of its story}, of those that have something to tell."""
    telling = {
        article.id: (one.story, one.change)
        for article in articles
        if (one := settled.get(article.id)) and one.change and one.change.story and one.story
    }
    ids = union([story] for story, _ in telling.values())
    stories = {one.id: one for one in await store.groups.stories(ids) if one is not None}
    by_id = {article.id: article for article in articles}
    found = {}
    for ident, (story_id, move) in telling.items():
        story = stories.get(story_id)
        if story is not None and story.members:
            lead = await _lead(store, story, by_id[ident])
            dates = [instant(at) for at in story.members.values()]
            found[ident] = StoryUpdate(story_card(story_id, lead, dates), move, story.announced)
    return found


async def _lead(store: ArticleStore, story: StoryRecord, own: Article) -> Article:
    """The first article of the story, if a search finds the revision that would be told; else the one announced now."""
    first = next(iter(story.members))
    (record,) = await store.records([first])
    if first == own.id or record is None or record.state is not ArticleState.PUBLISHED:
        return own
    lead = await readable_article(store, first)
    # a newer revision of it may be in the store already, and not yet in the index: nobody is told of that one
    return own if lead is None or lead.rev > record.published_rev else lead
