"""What a child does between fork and exec so that it cannot outlive its supervisor.

On Linux the kernel kills it when the supervisor dies, even by SIGKILL. Elsewhere there is no such call, and only a
clean stop takes the children down.
"""

from __future__ import annotations

import ctypes
import os
import signal
import sys
from collections.abc import Callable
from typing import Final

_PR_SET_PDEATHSIG: Final = 1


def leash() -> Callable[[], None]:
    """A `preexec_fn`. Everything it needs is loaded here, in the parent: after fork only two system calls remain."""
    parent = os.getpid()
    if not sys.platform.startswith("linux"):
        return lambda: None
    prctl = ctypes.CDLL(None, use_errno=True).prctl
    number = int(signal.SIGKILL)

    def tie() -> None:
        prctl(_PR_SET_PDEATHSIG, number, 0, 0, 0)
        if os.getppid() != parent:  # the supervisor died between fork and prctl
            os._exit(1)

    return tie
