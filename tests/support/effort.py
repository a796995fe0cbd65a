"""How much work something takes, told apart from how busy the machine is."""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import contextmanager


@contextmanager
def at_most(seconds: float, what: str = "it") -> Iterator[None]:
    """Fails when this process, all its threads together, computes for longer; what waits too long meets the timeout."""
    before = time.process_time()
    yield
    spent = time.process_time() - before
    assert spent < seconds, f"{what} took {spent:.3f} s of processor time; {seconds} at most"
