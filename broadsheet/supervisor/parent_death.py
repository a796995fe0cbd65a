"""Child processes get a parent-death signal between fork and exec, so that they never outlive the supervisor.

On Linux the kernel kills the child when the supervisor dies, even by SIGKILL. Other systems have no such call: only a
clean stop ends the children there.
"""

from __future__ import annotations

import ctypes
import os
import signal
import sys
from collections.abc import Callable
from typing import Final

_PR_SET_PDEATHSIG: Final = 1


def parent_death_signal() -> Callable[[], None]:
    """A `preexec_fn` for subprocesses. The library is loaded here, in the parent: after fork only two calls remain."""
    parent = os.getpid()
    if not sys.platform.startswith("linux"):
        return lambda: None
    prctl = ctypes.CDLL(None, use_errno=True).prctl
    number = int(signal.SIGKILL)

    def set_signal() -> None:
        prctl(_PR_SET_PDEATHSIG, number, 0, 0, 0)
        if os.getppid() != parent:  # the supervisor died between fork and prctl
            os._exit(1)

    return set_signal
