"""Parses untrusted bytes in child processes with limits of wall time, CPU time and memory.

`Pool` is the parent's side, `shared.sandbox.template.serve` the children's. The caller defines the format of the bytes.
"""

from shared.sandbox.frames import Limits, SlowLane
from shared.sandbox.pool import Pool

__all__ = ["Limits", "Pool", "SlowLane"]
