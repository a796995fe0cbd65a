"""The block model: how likely a block of a page is body, by a small forest of boosted decision trees.

The trees stand in `block_model.json` as plain numbers; `broadsheet/training/fit_blocks.py` fits them on judged pages.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache
from importlib import resources
from typing import Any, Final

import numpy as np
import orjson

from services.enrich.domain.markup.block_features import NAMES

THRESHOLD: Final = 0.4
"""A block that is at least this likely is body."""


@dataclass(frozen=True, slots=True)
class _Forest:
    """All nodes of all trees in one row of arrays; a leaf holds its value and leads to itself."""

    roots: Any
    feature: Any
    limit: Any
    after: Any
    """Two places for each node: the node to the left, and the one to the right."""
    value: Any
    depth: int
    start: float


def likelihoods(rows: Any) -> list[float]:
    """How likely each block is body, in (0, 1), from its row of `block_features.NAMES`."""
    if not len(rows):
        return []
    forest = _forest()
    numbers = np.ascontiguousarray(rows, dtype=np.float64)
    values = numbers.ravel()
    starts = np.arange(0, values.size, numbers.shape[1])[:, None]
    node = np.broadcast_to(forest.roots, (len(numbers), len(forest.roots)))
    for _ in range(forest.depth):
        goes_right = values.take(starts + forest.feature.take(node)) > forest.limit.take(node)
        node = forest.after.take(2 * node + goes_right)
    total = forest.start + forest.value.take(node).sum(axis=1)
    found: list[float] = (1.0 / (1.0 + np.exp(-total))).tolist()
    return found


@lru_cache(maxsize=1)
def _forest() -> _Forest:
    stored = orjson.loads(resources.files(__package__).joinpath("block_model.json").read_bytes())
    if stored["names"] != list(NAMES):
        raise ValueError("block_model.json was fitted on other features: run broadsheet/training/fit_blocks.py")
    feature = np.array(stored["feature"])
    trees, size = feature.shape
    roots = np.arange(0, trees * size, size)
    after = np.stack((stored["left"], stored["right"]), axis=2) + roots[:, None, None]
    return _Forest(
        roots=roots,
        feature=feature.ravel(),
        limit=np.array(stored["limit"], dtype=np.float64).ravel(),
        after=after.ravel(),
        value=np.array(stored["value"], dtype=np.float64).ravel(),
        depth=stored["depth"],
        start=stored["start"],
    )
