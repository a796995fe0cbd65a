"""How likely two articles tell of one event: six comparisons of their fingerprints, weighed to one probability.

The weights were fitted on pairs of articles of two public sets together (docs/adr on stories), not per set.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from datetime import datetime
from functools import cached_property
from typing import Final

from shared.articles import Fingerprint, TermKind

Vector = dict[str, float]
Weight = Callable[[str], float]
"""How much a term or pair says: more the fewer articles hold it; 0 for one that says nothing."""

_NEAR_DAYS: Final = 3.0
_FAR_DAYS: Final = 60.0


@dataclass(frozen=True)
class Profile:
    """What of an article is compared. `dated` are the days it is from, as ordinals; empty when it does not say."""

    id: str
    print: Fingerprint
    dated: tuple[float, ...]

    def vectors(self, weight_of: Weight) -> Vectors:
        """Its unit vectors under the weights that terms have now."""
        terms = self.print.terms
        return Vectors(
            self,
            whole=_unit(((item.term, item.weight) for item in terms), weight_of),
            names=_unit(((item.term, item.weight) for item in terms if item.kind is TermKind.NAME), weight_of),
            words=_unit(((item.term, item.weight) for item in terms if item.kind is TermKind.WORD), weight_of),
            numbers=_unit(((item.term, item.weight) for item in terms if item.kind is TermKind.NUMBER), weight_of),
            lead=_unit(((item.term, float(item.lead)) for item in terms if item.lead), weight_of),
            pairs=_unit(self.print.pairs, weight_of),
        )


@dataclass(frozen=True)
class Vectors:
    """A profile as unit vectors."""

    profile: Profile
    whole: Vector
    names: Vector
    words: Vector
    numbers: Vector
    lead: Vector
    pairs: Vector

    @cached_property
    def days(self) -> frozenset[int]:
        """Days the text names."""
        return frozenset(self.profile.print.days)


def features(left: Vectors, right: Vectors) -> tuple[float, ...]:
    """Cosines of the six vectors, whether both name one day, whether they are of the same days, how far apart."""
    near, gap = _apart(left.profile.dated, right.profile.dated)
    return (
        _cosine(left.whole, right.whole),
        _cosine(left.names, right.names),
        _cosine(left.words, right.words),
        _cosine(left.numbers, right.numbers),
        _cosine(left.lead, right.lead),
        _cosine(left.pairs, right.pairs),
        float(not left.days.isdisjoint(right.days)),
        near,
        gap,
    )


def _apart(left: tuple[float, ...], right: tuple[float, ...]) -> tuple[float, float]:
    if not left or not right:
        return 0.0, 0.0
    days = min(abs(a - b) for a in left for b in right)
    return float(days <= _NEAR_DAYS), min(days, _FAR_DAYS) / _FAR_DAYS


def _unit(items: Iterable[tuple[str, float]], weight_of: Weight) -> Vector:
    raw = {term: math.log1p(value) * weight for term, value in items if (weight := weight_of(term)) > 0}
    length = math.sqrt(sum(value * value for value in raw.values()))
    return {term: value / length for term, value in raw.items()} if length else {}


def _cosine(left: Vector, right: Vector) -> float:
    small, large = (left, right) if len(left) <= len(right) else (right, left)
    return sum(value * large[term] for term, value in small.items() if term in large)
