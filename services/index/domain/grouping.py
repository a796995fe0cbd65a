"""Decides whether a new article is a copy of an earlier one, part of a story, or neither.

`Archive` has the stored data of one decision. `decide` reads it and `Archive.apply` adds the decision, so that the next
article of a batch sees it.
"""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Final

from services.index.domain.originals import NOW, Copy, Known, Rule, copies_of, holds_claim, original_of, with_originals
from services.index.domain.similarity import Profile, Vectors, date_weight, similarity, vectors
from shared.articles import Duplicate
from shared.claims import Claim
from shared.ids import article_id
from shared.source_patterns import SourceTrust

JOIN: Final = 0.48
"""Minimum similarity for an article to join a story."""
MERGE: Final = 0.5
"""Minimum mean similarity for two stories to merge if an article would join both."""
_BEST: Final = 0.3  # weight of the best member in the comparison with a story; the rest is the mean of all
_ALSO: Final = 0.8  # fraction of JOIN above which another story is considered for a merge
_RIVALS: Final = 2
PROBES: Final = 16
"""Number of heaviest terms and smallest triples in the probe index."""
CANDIDATES: Final = 24
COMPARED: Final = 16
"""Number of newest members of a story that an article is compared with."""
FULL: Final = 500
"""Maximum articles of a story."""
_TRIPLE: Final = 3.0  # weight of a shared triple in candidate selection, relative to a shared term


@dataclass(frozen=True, slots=True)
class Story:
    """A story: its articles without copies, in order of arrival. `order` is lower for older stories."""

    id: str
    members: tuple[str, ...]
    order: int


@dataclass(frozen=True, slots=True)
class Decision:
    """The decision on one article, with reasons. `story` is its new state, with members."""

    article_id: str
    probes: tuple[str, ...]
    duplicate_of: Duplicate | None = None
    rule: Rule | None = None
    """Why the other one is the original."""
    claim: Claim | None = None
    """To be stored; None keeps the stored one."""
    is_new_claim: bool = True
    """Whether the text counts as new: it takes its place at the end of the order."""
    story: Story | None = None
    new: bool = False
    """Whether this article creates the story, as its second member."""
    merged: tuple[Story, ...] = ()
    """Stories merged into `story`."""
    moved: tuple[str, ...] = ()
    """Earlier articles whose story changed with this decision, and those of `copies`."""
    copies: Mapping[str, Copy] = field(default_factory=dict)
    """Earlier articles that are copies of this one: teasers that came before the full text, by trust or by ruling."""
    similarity: float = 0.0
    """Similarity of the nearest story, joined or not."""
    compared: int = 0
    """Number of earlier articles it was compared with."""


@dataclass
class Archive:
    """The stored articles and stories: all, or those relevant to the articles to decide."""

    documents: int = 0
    order: int = 0
    trust: SourceTrust = field(default_factory=SourceTrust)
    holding: Counter[str] = field(default_factory=Counter)
    """Term -> number of articles with it."""
    found_by: dict[str, list[str]] = field(default_factory=dict)
    """Probe -> ids of the articles with it, oldest first."""
    articles: dict[str, Known] = field(default_factory=dict)
    stories: dict[str, Story] = field(default_factory=dict)
    _vectors: dict[str, Vectors] = field(default_factory=dict)

    def weight_of(self, term: str) -> float:
        """Inverse document frequency of a term."""
        return max(0.0, math.log((self.documents + 2) / (self.holding[term] + 1.5)))

    def candidates(self, own: str, probes: Iterable[str]) -> list[str]:
        """The articles that share the most probes, at most CANDIDATES, best first."""
        shares: Counter[str] = Counter()
        for probe in probes:
            weight = _TRIPLE if probe.startswith(_TRIPLES) else self.weight_of(probe[1:])
            for ident in self.found_by.get(probe, ()):
                shares[ident] += weight  # type: ignore[assignment]  # a Counter of weights
        shares.pop(own, None)
        return [ident for ident, _ in shares.most_common(CANDIDATES)]

    def vectors(self, ident: str) -> Vectors:
        """An article's unit vectors, cached."""
        if ident not in self._vectors:
            self._vectors[ident] = vectors(self.articles[ident].profile, self.weight_of)
        return self._vectors[ident]

    def note(self, profile: Profile) -> None:
        """Count the terms of a new article."""
        self.documents += 1
        self.holding.update({item.term for item in profile.fingerprint.terms})

    def apply(self, profile: Profile, decision: Decision) -> None:
        """Add a decision."""
        self.order += 1
        ident, story = profile.id, decision.story
        known = self.articles.get(ident)
        self.articles[ident] = Known(
            profile,
            known.order if known and not decision.is_new_claim else self.order,
            story.id if story else None,
            decision.duplicate_of,
            decision.claim or (known.claim if known else None),
            known.ruling if known else None,
        )
        for probe in decision.probes:
            self.found_by.setdefault(probe, []).append(ident)
        if story is not None:
            self.stories[story.id] = story
            for moved in decision.moved:
                self.articles[moved] = replace(self.articles[moved], story=story.id)
        for copied, copy in decision.copies.items():
            self.articles[copied] = replace(self.articles[copied], duplicate_of=copy.of)
        for gone in decision.merged:
            self.stories.pop(gone.id, None)


_TERMS: Final = "t"
_TRIPLES: Final = "s"


def probes(profile: Profile, archive: Archive) -> tuple[str, ...]:
    """Lookup keys of an article: its smallest triples and heaviest terms."""
    weighed = sorted(
        ((math.log1p(item.weight) * archive.weight_of(item.term), item.term) for item in profile.fingerprint.terms),
        key=lambda pair: (-pair[0], pair[1]),
    )
    triples = (f"{_TRIPLES}{value:08x}" for value in profile.sample[:PROBES])
    return (*triples, *(f"{_TERMS}{term}" for weight, term in weighed[:PROBES] if weight > 0))


def decide(profile: Profile, archive: Archive) -> Decision:
    """Decide on the article. The archive must have its candidates and the newest members of their stories."""
    mine = probes(profile, archive)
    near = [archive.articles[ident] for ident in archive.candidates(profile.id, mine) if ident in archive.articles]
    before = archive.articles.get(profile.id)
    is_held = before is not None and holds_claim(profile, before)
    own = Known(profile, before.order if before and is_held else NOW, ruling=before.ruling if before else None)
    found = original_of(own, with_originals(near, archive.articles), archive.trust)
    is_unclaimed = not is_held or before is None or before.claim is None
    decision = Decision(
        profile.id,
        mine,
        found.of if found else None,
        found.rule if found else None,
        Claim.of(profile.sample, profile.fingerprint.shingle_count) if is_unclaimed else None,
        is_new_claim=not is_held,
        compared=len(near),
    )
    is_declared = own.ruling is not None and own.ruling.is_original
    if decision.duplicate_of is None and (before is None or before.is_back or is_declared):
        return _with_copies(own, decision, near, archive)
    if before is not None and before.story is not None and before.story in archive.stories:
        return replace(decision, story=archive.stories[before.story])  # an edited article stays in its story
    if decision.duplicate_of is not None:
        return _beside_the_original(decision, archive)
    return _with_story(profile, decision, near, archive)


def _beside_the_original(decision: Decision, archive: Archive) -> Decision:
    """A copy belongs to the story of its original without being a member."""
    origin = archive.articles.get(decision.duplicate_of.article_id) if decision.duplicate_of else None
    story = archive.stories.get(origin.story) if origin and origin.story else None
    return replace(decision, story=story)


def _with_copies(own: Known, decision: Decision, near: Sequence[Known], archive: Archive) -> Decision:
    """The article takes the place of earlier ones that are its copies: in their story, and as what is compared."""
    profile = own.profile
    copies = copies_of(own, near, archive.trust)
    stories = [archive.articles[ident].story for ident in copies]
    before = archive.articles.get(profile.id)
    at_home = archive.stories.get(before.story) if before and before.story else None
    home = at_home or next((archive.stories[ident] for ident in stories if ident in archive.stories), None)
    kept = {
        ident: copy
        for (ident, copy), story in zip(copies.items(), stories, strict=True)
        if story is None or (home is not None and story == home.id)
    }
    if home is not None:
        members = [profile.id if ident in kept else ident for ident in home.members]
        placed = replace(decision, story=replace(home, members=tuple(dict.fromkeys(members))))
    else:
        placed = _with_story(profile, decision, [known for known in near if known.profile.id not in kept], archive)
    return replace(placed, copies=kept, moved=tuple(dict.fromkeys((*placed.moved, *kept))))


def _with_story(profile: Profile, decision: Decision, near: Sequence[Known], archive: Archive) -> Decision:
    own = _NewArticle(
        profile, vectors(profile, archive.weight_of), date_weight(profile, [known.profile for known in near])
    )
    found = _nearest(own, near, archive)
    if not found:
        return decision
    (score, ident, members), *others = found
    decision = replace(decision, similarity=round(score, 4))
    if score < JOIN:
        return decision
    rivals = [(other, theirs) for value, other, theirs in others[:_RIVALS] if value >= JOIN * _ALSO]
    joined = [
        (other, theirs) for other, theirs in rivals if _are_one_story([*members, profile.id], theirs, own, archive)
    ]
    return _merged(profile, decision, [ident, *(other for other, _ in joined)], archive)


@dataclass(frozen=True, slots=True)
class _NewArticle:
    """The article to decide on."""

    profile: Profile
    vectors: Vectors
    date_weight: float

    def similarity(self, ident: str, archive: Archive) -> float:
        other = archive.articles[ident].profile
        return similarity(self.profile, self.vectors, other, archive.vectors(ident), date_weight=self.date_weight)


def _nearest(own: _NewArticle, near: Sequence[Known], archive: Archive) -> list[tuple[float, str, list[str]]]:
    """(similarity, id, members compared) of nearby stories and articles without story, nearest first."""
    found: dict[str, list[str]] = {}
    for known in near:
        if known.duplicate_of is not None:
            continue
        story = archive.stories.get(known.story) if known.story else None
        if story is not None and len(story.members) >= FULL:
            continue
        newest = story.members[-COMPARED:] if story else ()
        members = [ident for ident in newest if ident in archive.articles]
        if story is not None and known.profile.id in story.members and known.profile.id not in members:
            members.append(known.profile.id)
        found[story.id if story else known.profile.id] = members or [known.profile.id]
    scored = []
    for ident, members in found.items():
        values = [own.similarity(member, archive) for member in members]
        scored.append((_BEST * max(values) + (1 - _BEST) * sum(values) / len(values), ident, members))
    return sorted(scored, key=lambda item: (-item[0], item[1]))


def _are_one_story(left: Sequence[str], right: Sequence[str], own: _NewArticle, archive: Archive) -> bool:
    """Whether two stories are similar on average over all pairs; the left one includes the new article."""
    values = []
    for a in left:
        one, its = (
            (own.profile, own.vectors) if a == own.profile.id else (archive.articles[a].profile, archive.vectors(a))
        )
        for b in right:
            other = archive.articles[b].profile
            values.append(similarity(one, its, other, archive.vectors(b), date_weight=own.date_weight))
    return sum(values) / len(values) >= MERGE


def _merged(profile: Profile, decision: Decision, groups: Sequence[str], archive: Archive) -> Decision:
    """The decision to merge an article with these stories and articles; the oldest story is kept."""
    stories = sorted((archive.stories[ident] for ident in groups if ident in archive.stories), key=lambda s: s.order)
    alone = [ident for ident in groups if ident not in archive.stories]
    room = FULL - sum(len(story.members) for story in stories[1:]) - len(alone) - 1
    if stories and len(stories[0].members) > room:
        stories, alone = stories[:1], []
    moved = [ident for story in stories[1:] for ident in story.members] + alone
    if stories:
        kept = stories[0]
        story = replace(kept, members=tuple(dict.fromkeys((*kept.members, *moved, profile.id))))
    else:
        alone = sorted(alone, key=lambda ident: archive.articles[ident].order)
        # Deterministic: the same two articles always create the same story id.
        story = Story(article_id("story", alone[0], profile.id), (*alone, profile.id), archive.order + 1)
    return replace(decision, story=story, new=not stories, merged=tuple(stories[1:]), moved=tuple(dict.fromkeys(moved)))
