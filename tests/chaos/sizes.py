"""How much a chaos test does: the gate runs a small form of the long ones, `./dev chaos` (pytest --whole) the whole.

The small form kills, cuts and poisons in the same ways, only less often: the gate stays under twenty minutes.
"""

from __future__ import annotations

import os
from typing import Final, TypeVar

Size = TypeVar("Size", int, float)

WHOLE: Final = os.environ.get("CHAOS_WHOLE") == "1"
"""Set by `pytest --whole`, before any test module is read."""


def sized(whole: Size, gate: Size) -> Size:
    """The number for this run."""
    return whole if WHOLE else gate
