"""The block model: how likely a block of a page is body, by a small forest of boosted decision trees.

The trees stand in `block_model.json` as plain numbers; `docs/fit_blocks.py` fits them on judged pages.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache
from importlib import resources
from typing import Any, Final

import numpy as np
import orjson

from services.enrich.domain.block_features import NAMES

THRESHOLD: Final = 0.5
"""A block that is at least this likely is body."""


@dataclass(frozen=True, slots=True)
class _Forest:
    """Arrays of (trees, nodes): a leaf points to itself and holds its value."""

    feature: Any
    limit: Any
    left: Any
    right: Any
    value: Any
    depth: int
    start: float


def likelihoods(rows: Sequence[Sequence[float]]) -> list[float]:
    """How likely each block is body, in (0, 1), from its row of `block_features.NAMES`."""
    if not rows:
        return []
    forest = _forest()
    numbers = np.asarray(rows, dtype=np.float64)
    trees = np.arange(len(forest.feature))[None, :]
    lines = np.arange(len(numbers))[:, None]
    node = np.zeros((len(numbers), len(forest.feature)), dtype=np.int64)
    for _ in range(forest.depth):
        goes_left = numbers[lines, forest.feature[trees, node]] <= forest.limit[trees, node]
        node = np.where(goes_left, forest.left[trees, node], forest.right[trees, node])
    total = forest.start + forest.value[trees, node].sum(axis=1)
    found: list[float] = (1.0 / (1.0 + np.exp(-total))).tolist()
    return found


@lru_cache(maxsize=1)
def _forest() -> _Forest:
    stored = orjson.loads(resources.files(__package__).joinpath("block_model.json").read_bytes())
    if stored["names"] != list(NAMES):
        raise ValueError("block_model.json was fitted on other features: run docs/fit_blocks.py")
    return _Forest(
        feature=np.array(stored["feature"]),
        limit=np.array(stored["limit"]),
        left=np.array(stored["left"]),
        right=np.array(stored["right"]),
        value=np.array(stored["value"]),
        depth=stored["depth"],
        start=stored["start"],
    )
