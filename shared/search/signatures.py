"""Comparing articles by their signatures: tf-idf vectors and their cosine. Pure functions, for every engine."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from typing import Final

Vector = dict[str, float]
EXPLAINED: Final = 5  # shared terms that a neighbour is explained by


def rarity(documents: int, holding: int) -> float:
    """The weight of a term (idf) that `holding` of `documents` articles hold."""
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


def compared(mine: Vector, theirs: Vector) -> tuple[float, tuple[str, ...]]:
    """(cosine in [0, 1], the terms that contribute most to it)."""
    shared = {term: value * theirs[term] for term, value in mine.items() if term in theirs}
    return min(1.0, sum(shared.values())), tuple(sorted(shared, key=lambda term: -shared[term])[:EXPLAINED])
