"""Comparing articles by their signatures: tf-idf vectors and their cosine. Pure functions, for every engine."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from typing import Final, Generic, TypeVar

from shared.search.port import SimilarBy
from shared.search.vectors import cosine, unit_sum

T = TypeVar("T")
Vector = dict[str, float]
MEANING_SHARE: Final = 0.3
"""Weight of vectors relative to terms. Terms match names and so the same story; vectors match the topic of articles
with few common words. The mixture is better than either, see docs/adr/0023.
"""
_AROUND: Final = 10
"""Number of nearest articles averaged into the article's vector, which stabilises the topic of short texts."""
EXPLAINED: Final = 5  # shared terms in the explanation of a neighbour


def rarity(documents: int, holding: int) -> float:
    """The idf of a term that occurs in `holding` of `documents` articles."""
    return math.log((documents + 1) / (holding + 0.5))


def unit(signature: Sequence[tuple[str, float]], weight_of: Callable[[str], float]) -> Vector:
    """The signature as a unit vector of tf-idf weights; empty when it has no weight."""
    raw: Vector = {}
    for term, frequency in signature:
        weight = weight_of(term)
        if frequency > 0 and weight > 0:
            raw[term] = (1.0 + math.log1p(frequency)) * weight
    length = math.sqrt(sum(value * value for value in raw.values()))
    return {term: value / length for term, value in raw.items()} if length else {}


def likeness(terms: float, meaning: float | None, by: SimilarBy) -> float:
    """Similarity of two articles in [0, 1], from the cosines of their terms and vectors (None: no vector)."""
    if meaning is None or by == "terms":
        return terms
    meaning = max(0.0, meaning)
    return meaning if by == "meaning" else (1.0 - MEANING_SHARE) * terms + MEANING_SHARE * meaning


@dataclass(frozen=True, slots=True)
class Near(Generic[T]):
    """A candidate: the cosine of its terms, the terms that explain it, its vector if both have one, and itself."""

    terms: float
    shared: tuple[str, ...]
    vector: Sequence[float] | None
    row: T


def ranked(meaning: Sequence[float] | None, found: Iterable[Near[T]], by: SimilarBy) -> list[tuple[float, Near[T]]]:
    """(similarity, candidate) of those that share a term, nearest first. `meaning` is the article's own vector.

    For `best`, the article's vector is shifted half-way to the nearest candidates before the last comparison.
    """
    candidates = [near for near in found if near.shared]
    first = _by_likeness(meaning, candidates, by)
    if meaning is None or by != "best":
        return first
    around = [(score, near.vector) for score, near in first[:_AROUND] if near.vector is not None]
    theirs = unit_sum(around)
    return first if theirs is None else _by_likeness(unit_sum([(1.0, meaning), (1.0, theirs)]), candidates, by)


def _by_likeness(
    meaning: Sequence[float] | None, candidates: Iterable[Near[T]], by: SimilarBy
) -> list[tuple[float, Near[T]]]:
    scored = []
    for near in candidates:
        close = cosine(meaning, near.vector) if meaning is not None and near.vector is not None else None
        if (alike := likeness(near.terms, close, by)) > 0:
            scored.append((alike, near))
    return sorted(scored, key=lambda pair: -pair[0])


def one_per_story(rows: Iterable[T], story_of: Callable[[T], object | None]) -> list[T]:
    """The first row of each story, in order; rows without a story are all kept."""
    seen: set[object] = set()
    kept: list[T] = []
    for row in rows:
        story = story_of(row)
        if story is None or story not in seen:
            kept.append(row)
            seen.add(story)
    return kept


def compared(mine: Vector, theirs: Vector) -> tuple[float, tuple[str, ...]]:
    """(cosine in [0, 1], the terms that contribute most to it)."""
    shared = {term: value * theirs[term] for term, value in mine.items() if term in theirs}
    return min(1.0, sum(shared.values())), tuple(sorted(shared, key=lambda term: -shared[term])[:EXPLAINED])
