"""Records of copies and stories, and the decision stored by one commit."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any, Final

from shared.articles import Article, Duplicate
from shared.claims import Claim, Ruling
from shared.ids import ARTICLE_ID

SLICES: Final = 8
SLICE: Final = 12_500
"""Articles per slice of the probe index. 8 slices are kept, so about 100,000 articles are searched."""


@dataclass(frozen=True, slots=True)
class GroupsState:
    """Version and counters of the grouping state. `version` increases with every decision."""

    version: int = 0
    documents: int = 0
    order: int = 0
    slice: int = 0
    in_slice: int = 0

    def next(self, *, counted: bool) -> GroupsState:
        """The state after a commit; `counted` if the terms of its article were counted."""
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
    """The story that this one was merged into; a merged story has no members."""


@dataclass(frozen=True, slots=True)
class GroupDecision:
    """The stored decision on an article. `change` is the story change that is not published yet."""

    rev: int
    order: int
    story: str | None
    duplicate_of: Duplicate | None
    change: StoryMove | None
    why: dict[str, Any] = field(default_factory=dict)
    claim: Claim | None = None
    ruling: Ruling | None = None
    source: str | None = None
    """The source that the article belongs to, empty for none; None for a record that does not say."""


@dataclass(frozen=True, slots=True)
class StoryMove:
    """An unpublished change of a story: stories merged, articles moved.

    `story` is empty if no story changed and earlier articles only became excerpts of this one.
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
    """Whether the article is a member of the story, not only a copy of a member."""
    duplicate_of: Duplicate | None
    move: StoryMove | None
    why: Mapping[str, Any]
    probes: Sequence[str]
    terms: Sequence[str]
    """The terms to count; each article is counted once."""
    rule: str = ""
    """Why the other one is the original; empty where there is none."""
    claim: Claim | None = None
    """To be stored; None keeps the stored one."""
    is_new_claim: bool = True
    """Whether the article goes to the end of the order of texts."""
    copies: Mapping[str, tuple[Duplicate, str]] = field(default_factory=dict)
    """Earlier articles that are copies of it from now on, and why; they are among `move.moved`."""


def dated(article: Article) -> int:
    """The article date in Unix seconds."""
    return int(article.dated_at.timestamp())


def instant(seconds: int) -> datetime:
    """The instant of Unix seconds."""
    return datetime.fromtimestamp(seconds, UTC)


def valid_story_id(text: str) -> bool:
    """Whether the text has the form of a story id."""
    return bool(ARTICLE_ID.match(text))
