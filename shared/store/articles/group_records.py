"""What the store keeps of copies and stories, and the decision that one commit enters."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any, Final

from shared.articles import Article, Duplicate
from shared.ids import ARTICLE_ID

SLICES: Final = 8
SLICE: Final = 12_500
"""Articles of a slice of the probes; the oldest of 8 goes when a ninth begins, so 100,000 articles are looked at."""


@dataclass(frozen=True, slots=True)
class GroupsState:
    """Where the archive stands. `version` changes with every decision."""

    version: int = 0
    documents: int = 0
    order: int = 0
    slice: int = 0
    in_slice: int = 0

    def next(self, *, counted: bool) -> GroupsState:
        """The state that a commit at this one leaves; `counted` when its terms were."""
        number, held = (self.slice + 1, 0) if self.in_slice >= SLICE else (self.slice, self.in_slice)
        return GroupsState(self.version + 1, self.documents + counted, self.order + 1, number, held + 1)


@dataclass(frozen=True, slots=True)
class StoryRecord:
    """A story as stored. `members` maps article ids to their dates in Unix seconds, in order of arrival."""

    id: str
    members: Mapping[str, int]
    order: int
    announced: bool = False
    into: str | None = None
    """The story that this one is part of now; then it has no members."""


@dataclass(frozen=True, slots=True)
class GroupDecision:
    """What was decided of an article. `change` is what its publication has yet to tell of its story."""

    rev: int
    order: int
    story: str | None
    duplicate_of: Duplicate | None
    change: StoryMove | None
    why: dict[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class StoryMove:
    """What an article did to its story, until it is announced: the stories merged, the articles that moved along.

    `story` is empty where there is no news of one: then earlier articles became excerpts of it, and nothing else.
    """

    story: str
    merged: tuple[str, ...] = ()
    moved: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Grouping:
    """One decision to commit, made at `state`."""

    state: GroupsState
    article_id: str
    rev: int
    story: StoryRecord | None
    in_story: bool
    """Whether the article is one of the story's own, and not only a copy of one."""
    duplicate_of: Duplicate | None
    move: StoryMove | None
    why: Mapping[str, Any]
    probes: Sequence[str]
    terms: Sequence[str]
    """Its terms if they are to be counted: once for each article."""
    excerpts: Mapping[str, Duplicate] = field(default_factory=dict)
    """Earlier articles that are excerpts of it from now on; they are among `move.moved`."""


def dated(article: Article) -> int:
    """When the article is from, in Unix seconds."""
    return int(article.dated_at.timestamp())


def instant(seconds: int) -> datetime:
    """Unix seconds as an instant."""
    return datetime.fromtimestamp(seconds, UTC)


def valid_story_id(text: str) -> bool:
    """Whether a story can have this id."""
    return bool(ARTICLE_ID.match(text))
