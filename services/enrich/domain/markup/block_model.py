"""The block model: probability that a block is article body, from gradient-boosted decision trees.

The trees are plain numbers in `block_model.json`, fitted by `broadsheet/training/fit_blocks.py` on annotated pages.
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
"""Minimum probability of a body block."""


@dataclass(frozen=True, slots=True)
class _Forest:
    """All nodes of all trees as flat arrays. A leaf holds its value and points to itself."""

    roots: Any
    feature: Any
    limit: Any
    children: Any
    """Two entries per node: index of the left child, index of the right child."""
    value: Any
    depth: int
    start: float


def body_probabilities(rows: Any) -> list[float]:
    """Probability per block, in (0, 1). Columns of `rows` as in `block_features.NAMES`."""
    if not len(rows):
        return []
    forest = _forest()
    numbers = np.ascontiguousarray(rows, dtype=np.float64)
    values = numbers.ravel()
    row_starts = np.arange(0, values.size, numbers.shape[1])[:, None]
    node = np.broadcast_to(forest.roots, (len(numbers), len(forest.roots)))
    for _ in range(forest.depth):
        goes_right = values.take(row_starts + forest.feature.take(node)) > forest.limit.take(node)
        node = forest.children.take(2 * node + goes_right)
    total = forest.start + forest.value.take(node).sum(axis=1)
    found: list[float] = (1.0 / (1.0 + np.exp(-total))).tolist()
    return found


@lru_cache(maxsize=1)
def _forest() -> _Forest:
    stored = orjson.loads(resources.files(__package__).joinpath("block_model.json").read_bytes())
    if stored["names"] != list(NAMES):
        raise ValueError("block_model.json was fitted on other features. Run broadsheet/training/fit_blocks.py")
    feature = np.array(stored["feature"])
    trees, size = feature.shape
    roots = np.arange(0, trees * size, size)
    children = np.stack((stored["left"], stored["right"]), axis=2) + roots[:, None, None]
    return _Forest(
        roots=roots,
        feature=feature.ravel(),
        limit=np.array(stored["limit"], dtype=np.float64).ravel(),
        children=children.ravel(),
        value=np.array(stored["value"], dtype=np.float64).ravel(),
        depth=stored["depth"],
        start=stored["start"],
    )
