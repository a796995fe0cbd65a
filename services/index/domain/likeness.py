"""How likely two articles tell of one event: comparisons of their fingerprints, weighed to one probability.

The weights were fitted on the pairs of two public sets together, see docs/adr on stories for the numbers.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Final

from shared.articles import Article, Fingerprint, TermKind

Vector = dict[str, float]
WeightOf = Callable[[str], float]
"""How much a term says: more the fewer articles hold it; 0 for one that says nothing."""

_NEAR_DAYS: Final = 3.0
_FAR_DAYS: Final = 60.0
_SECONDS_A_DAY: Final = 86_400
_UNIX_EPOCH: Final = 719_163  # ordinal of 1970-01-01


@dataclass(frozen=True)
class Profile:
    """What of an article is compared. `dated` are the days it is from, as ordinals; empty when it does not say."""

    id: str
    print: Fingerprint
    dated: tuple[float, ...]

    @cached_property
    def sample(self) -> tuple[int, ...]:
        """Hashes of its word triples, ascending."""
        digits = self.print.shingles
        return tuple(int(digits[at : at + 8], 16) for at in range(0, len(digits), 8))

    @cached_property
    def days(self) -> frozenset[int]:
        """Days that its text names."""
        return frozenset(self.print.days)


@dataclass(frozen=True, slots=True)
class Vectors:
    """A profile as unit vectors."""

    whole: Vector
    names: Vector
    numbers: Vector
    lead: Vector


def profile_of(article: Article) -> Profile:
    """What of an article is compared: it is from the day its source names, else from those at the top of its text."""
    given = article.published_at
    if given is None:
        return Profile(article.id, article.fingerprint, tuple(map(float, article.fingerprint.written_on)))
    return Profile(article.id, article.fingerprint, (given.timestamp() / _SECONDS_A_DAY + _UNIX_EPOCH,))


def vectors(profile: Profile, weight_of: WeightOf) -> Vectors:
    """The profile's unit vectors under the weights that terms have now."""
    terms = [(item, weight) for item in profile.print.terms if (weight := weight_of(item.term)) > 0]
    return Vectors(
        whole=_unit((item.term, math.log1p(item.weight) * weight) for item, weight in terms),
        names=_unit(
            (item.term, math.log1p(item.weight) * weight) for item, weight in terms if item.kind is TermKind.NAME
        ),
        numbers=_unit(
            (item.term, math.log1p(item.weight) * weight) for item, weight in terms if item.kind is TermKind.NUMBER
        ),
        lead=_unit((item.term, math.log1p(item.lead) * weight) for item, weight in terms if item.lead),
    )


def features(left: Profile, a: Vectors, right: Profile, b: Vectors) -> tuple[float, ...]:
    """Cosines of the four vectors, whether both name one day, whether they are of the same days, how far apart."""
    near, gap = _apart(left.dated, right.dated)
    return (
        _cosine(a.whole, b.whole),
        _cosine(a.names, b.names),
        _cosine(a.numbers, b.numbers),
        _cosine(a.lead, b.lead),
        float(not left.days.isdisjoint(right.days)),
        near,
        gap,
    )


WEIGHTS: Final = (7.93, 7.57, 3.52, 8.49, 1.17, 3.65, -1.41)
"""One for each of `features`."""
BIAS: Final = -7.81
_SOFTNESS: Final = 2.0  # spreads the probabilities, so that means over a story are not all near 0 or 1


def likeness(left: Profile, a: Vectors, right: Profile, b: Vectors, *, day_tells: float = 1.0) -> float:
    """How likely both tell of one event, in (0, 1).

    `day_tells`, in [0, 1], is how much it says that both are of the same days: nothing where everything is.
    """
    *found, near, gap = features(left, a, right, b)
    found += [near * day_tells, gap]
    odds = BIAS + sum(weight * value for weight, value in zip(WEIGHTS, found, strict=True))
    return 1.0 / (1.0 + math.exp(-odds / _SOFTNESS))


def day_tells(profile: Profile, others: Sequence[Profile]) -> float:
    """The share of others that are not of the same days: in a live stream all are, in an archive few."""
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
