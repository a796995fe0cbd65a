"""Judges a run from the outside: the producer's ledger against the log, a dump of store and index, and HTTP.

It knows nothing of the code under test; `test_checker.py` plants faults to prove that it sees them.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field

from tests.chaos.ledger import Ledger


@dataclass(frozen=True, slots=True)
class LoggedEvent:
    """One entry of the public log, in log order."""

    article_id: str
    rev: int
    type: str
    title: str


@dataclass(frozen=True, slots=True)
class LoggedStory:
    """One story event of the public log, in log order. `merged` are the stories that are part of it from then on."""

    story_id: str
    article_id: str
    type: str
    merged: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Stored:
    """One article as the store holds it."""

    article_id: str
    rev: int
    published_rev: int
    title: str
    story_id: str | None = None


@dataclass
class Evidence:
    """Everything the checker may look at. `over_http` maps ids to the revision that the public API serves."""

    ledger: Ledger
    log: list[LoggedEvent]
    store: dict[str, Stored]
    index: list[tuple[str, int]]
    over_http: dict[str, int] = field(default_factory=dict)
    http_total: int | None = None
    stories: list[LoggedStory] = field(default_factory=list)
    members: dict[str, tuple[str, ...]] = field(default_factory=dict)
    """Story -> its articles, of the stories that the store or the log names."""


def faults(evidence: Evidence) -> list[str]:
    """Every broken promise, one line each; empty when all were kept."""
    return [
        *_lost(evidence),
        *_announced_twice(evidence.log),
        *_out_of_order(evidence.log),
        *_wrong_types(evidence.log),
        *_announced_but_not_indexed(evidence),
        *_index_differs_from_store(evidence),
        *_http_differs(evidence),
        *_stories_told_twice(evidence.stories),
        *_twin_stories(evidence),
    ]


def _lost(evidence: Evidence) -> Iterable[str]:
    """An acknowledged revision must be in the store and in the log, or a later one, and the newest text must win."""
    announced = _highest(evidence.log)
    for ident, ack in evidence.ledger.latest().items():
        stored = evidence.store.get(ident)
        if stored is None or stored.rev < ack.rev:
            yield f"lost: {ident} rev {ack.rev} was acknowledged, the store has {stored.rev if stored else 'nothing'}"
        elif stored.title != ack.title:
            yield f"lost: {ident} rev {ack.rev} should say {ack.title!r}, the store says {stored.title!r}"
        if announced.get(ident, 0) < ack.rev:
            yield f"lost: {ident} rev {ack.rev} was acknowledged, the log has {announced.get(ident, 'nothing')}"


def _announced_twice(log: list[LoggedEvent]) -> Iterable[str]:
    for (ident, rev), times in Counter((event.article_id, event.rev) for event in log).items():
        if times > 1:
            yield f"duplicate: {ident} rev {rev} was announced {times} times"


def _out_of_order(log: list[LoggedEvent]) -> Iterable[str]:
    seen: dict[str, int] = {}
    for event in log:
        if event.rev < seen.get(event.article_id, 0):
            yield f"reordered: {event.article_id} rev {event.rev} was announced after rev {seen[event.article_id]}"
        seen[event.article_id] = max(event.rev, seen.get(event.article_id, 0))


def _wrong_types(log: list[LoggedEvent]) -> Iterable[str]:
    seen: set[str] = set()
    for event in log:
        expected = "article.updated" if event.article_id in seen else "article.published"
        if event.type != expected:
            yield f"mistyped: {event.article_id} rev {event.rev} is {event.type}, should be {expected}"
        seen.add(event.article_id)


def _announced_but_not_indexed(evidence: Evidence) -> Iterable[str]:
    indexed = dict(evidence.index)
    for ident, rev in _highest(evidence.log).items():
        if indexed.get(ident, 0) < rev:
            yield f"unsearchable: {ident} rev {rev} was announced, the index has {indexed.get(ident, 'nothing')}"


def _index_differs_from_store(evidence: Evidence) -> Iterable[str]:
    for ident, times in Counter(ident for ident, _ in evidence.index).items():
        if times > 1:
            yield f"index: {ident} is there {times} times"
    indexed: Mapping[str, int] = dict(evidence.index)
    stored = {ident: row.published_rev for ident, row in evidence.store.items() if row.published_rev}
    for ident in sorted(indexed.keys() | stored.keys()):
        if indexed.get(ident) != stored.get(ident):
            yield f"index: {ident} is {indexed.get(ident)} in the index and {stored.get(ident)} in the store"


def _http_differs(evidence: Evidence) -> Iterable[str]:
    for ident, rev in evidence.over_http.items():
        stored = evidence.store.get(ident)
        if stored is None or stored.rev != rev:
            yield f"http: {ident} is served at rev {rev}, the store has {stored.rev if stored else 'nothing'}"
    if evidence.http_total is not None and evidence.http_total != len(evidence.index):
        yield f"http: search counts {evidence.http_total}, the index holds {len(evidence.index)}"


def _stories_told_twice(told: list[LoggedStory]) -> Iterable[str]:
    """A story is created once, and first; each article tells of it once; one that was merged is not heard of again."""
    for (story, article), times in Counter((event.story_id, event.article_id) for event in told).items():
        if times > 1:
            yield f"story: {story} was told {times} times by {article}"
    created: set[str] = set()
    ended: set[str] = set()
    for event in told:
        if (event.type == "story.created") == (event.story_id in created):
            yield f"story: {event.story_id} was told by {event.type} when it was{_not(event.story_id in created)} known"
        for ident in {event.story_id, *event.merged} & ended:
            yield f"story: {ident} was told by {event.type} after it was merged"
        created.add(event.story_id)
        ended |= set(event.merged)


def _twin_stories(evidence: Evidence) -> Iterable[str]:
    """An article is one of one story at most, and that is the one that it names; a merged story holds none."""
    held = Counter(ident for members in evidence.members.values() for ident in members)
    for ident, times in held.items():
        if times > 1:
            yield f"story: {ident} is in {times} stories"
    for story, members in evidence.members.items():
        for ident in members:
            named = evidence.store[ident].story_id if ident in evidence.store else None
            if named != story:
                yield f"story: {ident} is in {story} and names {named}"
    for story in {ident for event in evidence.stories for ident in event.merged}:
        if evidence.members.get(story):
            yield f"story: {story} was merged and holds {len(evidence.members[story])} articles"


def _not(known: bool) -> str:
    return "" if known else " not"


def _highest(log: list[LoggedEvent]) -> dict[str, int]:
    highest: dict[str, int] = {}
    for event in log:
        highest[event.article_id] = max(event.rev, highest.get(event.article_id, 0))
    return highest
