"""Parsing hostile bytes in children that can be killed: limits of time, CPU, memory; nothing of ours inside.

`Pool` is the parent's side, `serve` the child's. What the bytes mean is the caller's business.
"""

from shared.sandbox.frames import Limits
from shared.sandbox.pool import Pool

__all__ = ["Limits", "Pool"]
