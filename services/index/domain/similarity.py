"""Probability that two articles report the same event: a logistic model over comparisons of their fingerprints.

The weights were fitted on pairs of two public data sets, see docs/adr/0022.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Final

from shared.articles import Article
from shared.fingerprints import Fingerprint, TermKind

Vector = dict[str, float]
WeightOf = Callable[[str], float]
"""Inverse document frequency of a term; 0 for ubiquitous terms."""

_NEAR_DAYS: Final = 3.0
_FAR_DAYS: Final = 60.0
_SECONDS_A_DAY: Final = 86_400
_UNIX_EPOCH: Final = 719_163  # ordinal of 1970-01-01
_MAIN: Final = 15
"""Number of main terms; they identify the topic, not the event."""


@dataclass(frozen=True)
class Profile:
    """Comparable data of an article. `dated` are its dates as ordinals; empty if unknown."""

    id: str
    fingerprint: Fingerprint
    dated: tuple[float, ...]
    source: str | None = None

    @cached_property
    def sample(self) -> tuple[int, ...]:
        """Hashes of its word triples, ascending."""
        digits = self.fingerprint.shingles
        return tuple(int(digits[at : at + 8], 16) for at in range(0, len(digits), 8))

    @cached_property
    def days(self) -> frozenset[int]:
        """Days mentioned in its text."""
        return frozenset(self.fingerprint.days)


@dataclass(frozen=True, slots=True)
class Vectors:
    """A profile as unit vectors, and as weights with sum 1 of its main terms and of its first names."""

    whole: Vector
    names: Vector
    numbers: Vector
    lead: Vector
    main: Vector
    first_names: Vector


def profile_of(article: Article) -> Profile:
    """The profile of an article. Dated by its source, else by the dates at the top of its text."""
    given = article.published_at
    if given is None:
        return Profile(
            article.id, article.fingerprint, tuple(map(float, article.fingerprint.written_on)), article.source
        )
    days = (given.timestamp() / _SECONDS_A_DAY + _UNIX_EPOCH,)
    return Profile(article.id, article.fingerprint, days, article.source)


def vectors(profile: Profile, weight_of: WeightOf) -> Vectors:
    """The profile's unit vectors with the current term weights."""
    terms = [(item, weight) for item in profile.fingerprint.terms if (weight := weight_of(item.term)) > 0]
    whole = {item.term: math.log1p(item.weight) * weight for item, weight in terms}
    lead = {item.term: math.log1p(item.lead) * weight for item, weight in terms if item.lead}
    kinds = {item.term: item.kind for item, _ in terms}
    return Vectors(
        whole=_unit(whole.items()),
        names=_unit((term, value) for term, value in whole.items() if kinds[term] is TermKind.NAME),
        numbers=_unit((term, value) for term, value in whole.items() if kinds[term] is TermKind.NUMBER),
        lead=_unit(lead.items()),
        main=_shares(sorted(whole.items(), key=lambda item: (-item[1], item[0]))[:_MAIN]),
        first_names=_shares((term, value) for term, value in lead.items() if kinds[term] is TermKind.NAME),
    )


def features(left: Profile, a: Vectors, right: Profile, b: Vectors) -> tuple[float, ...]:
    """Features: cosines of the four vectors, overlap of main terms and first names, common days, time distance.

    Overlap of main terms in both directions (minimum and maximum), of first names the maximum; time as equality of days
    and as distance.
    """
    near, gap = _apart(left.dated, right.dated)
    main = _held(a.main, b.whole), _held(b.main, a.whole)
    return (
        _cosine(a.whole, b.whole),
        _cosine(a.names, b.names),
        _cosine(a.numbers, b.numbers),
        _cosine(a.lead, b.lead),
        min(main),
        max(main),
        max(_held(a.first_names, b.whole), _held(b.first_names, a.whole)),
        float(not left.days.isdisjoint(right.days)),
        near,
        gap,
    )


WEIGHTS: Final = (23.08, 5.56, 4.46, 7.32, -9.03, -4.39, 4.26, 1.67, 3.64, -3.22)
"""One weight per feature. Main terms have negative weight: different events of one topic share them."""
BIAS: Final = -9.03
_SOFTNESS: Final = 2.0  # temperature: keeps means over a story away from 0 and 1


def similarity(left: Profile, a: Vectors, right: Profile, b: Vectors, *, date_weight: float = 1.0) -> float:
    """Probability that both report the same event, in (0, 1).

    `date_weight` in [0, 1] is the significance of equal dates: 0 if all articles have the same date.
    """
    *found, near, gap = features(left, a, right, b)
    found += [near * date_weight, gap]
    odds = BIAS + sum(weight * value for weight, value in zip(WEIGHTS, found, strict=True))
    return 1.0 / (1.0 + math.exp(-odds / _SOFTNESS))


def date_weight(profile: Profile, others: Sequence[Profile]) -> float:
    """The share of articles with other dates: low in a live stream, high in an archive."""
    dated = [other for other in others if other.dated]
    if not dated or not profile.dated:
        return 1.0
    return 1.0 - sum(_apart(profile.dated, other.dated)[0] for other in dated) / len(dated)


def _apart(left: tuple[float, ...], right: tuple[float, ...]) -> tuple[float, float]:
    if not left or not right:
        return 0.0, 0.0
    days = min(abs(a - b) for a in left for b in right)
    return float(days <= _NEAR_DAYS), min(days, _FAR_DAYS) / _FAR_DAYS


def _unit(items: Iterable[tuple[str, float]]) -> Vector:
    raw = dict(items)
    length = math.sqrt(sum(value * value for value in raw.values()))
    return {term: value / length for term, value in raw.items()} if length else {}


def _cosine(left: Vector, right: Vector) -> float:
    small, large = (left, right) if len(left) <= len(right) else (right, left)
    return sum(value * large[term] for term, value in small.items() if term in large)


def _shares(items: Iterable[tuple[str, float]]) -> Vector:
    raw = dict(items)
    total = sum(raw.values())
    return {term: value / total for term, value in raw.items()} if total else {}


def _held(shares: Vector, by: Vector) -> float:
    return sum(share for term, share in shares.items() if term in by)
