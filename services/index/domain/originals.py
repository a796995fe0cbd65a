"""Which of two articles with the same text is the original.

A later text never becomes the original of an earlier one of another source, except by the operator's trust ranks or an
editor's ruling. "Earlier" compares claims: the order in which the archive first held the texts, not the articles.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Final

from services.index.domain.copies import copy_of, share_held
from services.index.domain.similarity import Profile
from shared.articles import Duplicate
from shared.claims import Claim, Ruling
from shared.source_patterns import SourceTrust

HELD: Final = 0.65
"""Share of a revision's word triples that the claimed text must hold for the claim to stand."""
NOW: Final = 2**62
"""The order of a text that the archive has not held before."""


class Rule(StrEnum):
    """Why one article is the original of another."""

    FIRST = "first"
    """It held the text earlier."""
    FULLER = "fuller"
    """It is the full text of an excerpt of the same source."""
    TRUST = "trust"
    """Its source has a higher trust rank."""
    EDITOR = "editor"
    """An editor declared it the original."""


@dataclass(frozen=True, slots=True)
class Known:
    """An article that was decided. `order` is lower the earlier the archive held its text."""

    profile: Profile
    order: int
    story: str | None = None
    duplicate_of: Duplicate | None = None
    claim: Claim | None = None
    """None for an article that was decided before claims were stored."""
    ruling: Ruling | None = None
    is_back: bool = False
    """Whether it was removed and is decided again after its restoration."""


@dataclass(frozen=True, slots=True)
class Copy:
    """What an article is a copy of, and why that one is the original."""

    of: Duplicate
    rule: Rule


def holds_claim(profile: Profile, before: Known) -> bool:
    """Whether a revision keeps the claim of its article: most of it was in the text that was claimed.

    The claimed text, not the last revision: many small steps would otherwise walk into another article's text.
    """
    return before.claim is None or share_held(profile, before.claim) >= HELD


def rule_for(whole: Known, part: Known, trust: SourceTrust, *, excerpt: bool) -> Rule | None:
    """Why `whole` is the original of `part`, of which it holds the text; None where it is not."""
    ours, theirs = part.profile.source, whole.profile.source
    if part.ruling is not None and part.ruling.covers(theirs):
        return None
    if whole.ruling is not None and whole.ruling.is_original and whole.ruling.covers(ours):
        return Rule.EDITOR
    earlier = whole.order < part.order
    if ours == theirs:
        return Rule.FIRST if earlier else (Rule.FULLER if excerpt else None)
    if trust.rank(ours) != trust.rank(theirs):
        return Rule.TRUST if trust.rank(theirs) > trust.rank(ours) else None
    return Rule.FIRST if earlier else None


def with_originals(near: Sequence[Known], articles: Mapping[str, Known]) -> list[Known]:
    """The articles, and the originals of those that are copies."""
    known = {one.profile.id: one for one in near}
    for one in near:
        if one.duplicate_of is not None and (first := articles.get(one.duplicate_of.article_id)):
            known.setdefault(first.profile.id, first)
    return list(known.values())


def original_of(article: Known, near: Iterable[Known], trust: SourceTrust) -> Copy | None:
    """The article that this one is a copy of; one that is no copy itself, if there is one.

    A copy may hold more than its original, so what resembles a copy only is considered last.
    """
    ident = article.profile.id
    direct: list[tuple[bool, float, int, Copy]] = []
    through: list[tuple[bool, float, int, Copy]] = []
    for known in near:
        if known.profile.id == ident:
            continue  # its own earlier text, as the original of a copy
        found = copy_of(article.profile, known.profile)
        rule = rule_for(known, article, trust, excerpt=found.excerpt) if found else None
        if found is None or rule is None:
            continue
        if known.duplicate_of is None:
            direct.append((found.excerpt, -found.score, known.order, Copy(found, rule)))
        elif known.duplicate_of.article_id != ident:
            first = found.model_copy(update={"article_id": known.duplicate_of.article_id})
            through.append((found.excerpt, -found.score, known.order, Copy(first, rule)))
    candidates = direct or through
    return min(candidates, key=lambda item: item[:3])[3] if candidates else None


def copies_of(whole: Known, near: Iterable[Known], trust: SourceTrust) -> dict[str, Copy]:
    """Those of the articles that are copies of the whole one from now on, by id.

    Of articles that are copies already only those of such an article: what has another original keeps it.
    """
    found: dict[str, Copy] = {}
    for known in sorted(near, key=lambda one: one.duplicate_of is not None):
        if known.duplicate_of is not None and known.duplicate_of.article_id not in found:
            continue
        copied = copy_of(known.profile, whole.profile)
        rule = rule_for(whole, known, trust, excerpt=copied.excerpt) if copied else None
        if copied is not None and rule is not None:
            found[known.profile.id] = Copy(copied, rule)
    return found
