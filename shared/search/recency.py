"""Recency weighting of the order `fresh`: disjoint windows of age, each with a factor for scores.

Neither engine has a decay function. Windows are one round trip on a server that merges weighted searches, and the same
arithmetic in process. The factors are close to each other, so that age decides only between matches of similar score.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

_DAY: Final = 86_400
_MINUTE: Final = 60
_AGES: Final = ((2 * _DAY, 1.15), (14 * _DAY, 1.05))
_OLDER: Final = 0.95
HEAVIEST: Final = max(weight for _, weight in _AGES)
"""Divisor of weighted scores, which keeps them in [0, 1]."""


@dataclass(frozen=True, slots=True)
class Window:
    """Articles with `since <= dated_at < until` (Unix seconds, None is open) and the weight of their scores."""

    since: int | None
    until: int | None
    weight: float


def windows(now: int) -> tuple[Window, ...]:
    """The windows at `now`, newest first. Edges are whole minutes, so equal queries of a minute are the same query."""
    minute = now - now % _MINUTE
    edges = [minute - age for age, _ in _AGES]
    weights = [weight for _, weight in _AGES]
    newer = map(Window, edges, [None, *edges], weights)
    return (*newer, Window(None, edges[-1], _OLDER))
