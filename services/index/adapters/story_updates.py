"""Story events of a publication, and the earlier articles that must be reindexed because of it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Final

from services.index.domain.publication import story_card
from shared.articles import Article, ArticleState
from shared.events import StoryCard
from shared.store import ArticleStore
from shared.store.articles.group_records import GroupDecision, StoryMove, StoryRecord, instant
from shared.store.articles.groups import union
from shared.store.articles.port import readable_article

_WRITTEN: Final = frozenset({ArticleState.RECEIVED, ArticleState.PUBLISHED})


@dataclass(frozen=True, slots=True)
class StoryUpdate:
    """The current story, its change, and whether the story was published before."""

    card: StoryCard
    move: StoryMove
    known: bool


def with_groups(articles: Sequence[Article], decisions: Sequence[GroupDecision]) -> list[Article]:
    """The articles with their story and original."""
    return [
        article.model_copy(update={"story_id": one.story, "duplicate_of": one.duplicate_of})
        for article, one in zip(articles, decisions, strict=True)
    ]


async def regrouped_articles(
    store: ArticleStore, decisions: Sequence[GroupDecision], beside: Sequence[Article]
) -> list[Article]:
    """Earlier articles whose story changed by these decisions, in their current state; without those in `beside`.

    Includes articles that another batch is about to publish: it may have written them before they were moved.
    """
    members = [
        ident
        for ident in union(one.change.moved for one in decisions if one.change)
        if ident not in {article.id for article in beside}
    ]
    records = await store.records(members)
    public = [
        ident for ident, record in zip(members, records, strict=True) if record is not None and record.state in _WRITTEN
    ]
    return [article for ident in public if (article := await readable_article(store, ident))]


async def story_updates(
    store: ArticleStore, articles: Sequence[Article], decisions: Mapping[str, GroupDecision]
) -> dict[str, StoryUpdate]:
    """{article id: story update} of the articles that change a story."""
    telling = {
        article.id: (one.story, one.change)
        for article in articles
        if (one := decisions.get(article.id)) and one.change and one.change.story and one.story
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
    """The first article of the story, if its current revision is searchable; else the one published now."""
    first = next(iter(story.members))
    (record,) = await store.records([first])
    if first == own.id or record is None or record.state is not ArticleState.PUBLISHED:
        return own
    lead = await readable_article(store, first)
    # a newer revision may be in the store but not yet indexed and published
    return own if lead is None or lead.rev > record.published_rev else lead
