"""Parsing hostile bytes in children that can be killed: limits of time, CPU, memory; nothing of ours inside.

`Pool` is the parent's side, `shared.sandbox.template.serve` the children's. What bytes mean is the caller's business.
"""

from shared.sandbox.frames import Limits, Overtime
from shared.sandbox.pool import Pool

__all__ = ["Limits", "Overtime", "Pool"]
