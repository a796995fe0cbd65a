"""Document vectors: stored form and cosine similarity. Pure functions."""

from __future__ import annotations

import math
import struct
from collections.abc import Sequence
from operator import mul
from typing import Final

from shared.search.port import VECTOR_LENGTH

_HALVES: Final = struct.Struct(f"<{VECTOR_LENGTH}e")
"""Half precision: 128 bytes; the error of the cosine does not affect ranks."""


def packed(vector: Sequence[float]) -> bytes:
    """The vector as bytes. Raises OverflowError for numbers beyond 65,504 and struct.error for a wrong length."""
    return _HALVES.pack(*vector)


def unpacked(stored: bytes) -> tuple[float, ...]:
    """The vector of packed bytes."""
    return _HALVES.unpack(stored)


def unit_sum(weighted: Sequence[tuple[float, Sequence[float]]]) -> tuple[float, ...] | None:
    """The direction of the sum of (weight, vector) pairs, as a unit vector; None when it has none."""
    total = [0.0] * VECTOR_LENGTH
    for weight, vector in weighted:
        total = [value + weight * number for value, number in zip(total, vector, strict=True)]
    length = math.sqrt(math.fsum(value * value for value in total))
    return tuple(value / length for value in total) if length else None


def cosine(mine: Sequence[float], theirs: Sequence[float]) -> float:
    """The cosine of two unit vectors, in [-1, 1]."""
    return max(-1.0, min(1.0, math.fsum(map(mul, mine, theirs))))
