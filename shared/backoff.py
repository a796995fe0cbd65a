"""Exponential back-off with jitter, for every loop that waits for a dependency to recover."""

from __future__ import annotations

import random
import time
from collections.abc import Callable


class Backoff:
    """Doubles the pause with each failure in a row, from `first` to `longest` seconds; `succeeded` resets it.

    Each pause is 50 to 100 % of that (jitter), so that processes which failed together do not retry together. Several
    callers may share one: failures reported during a pause count as one. `clock` is in monotonic seconds.
    """

    def __init__(
        self, *, first: float = 0.1, longest: float = 5.0, clock: Callable[[], float] = time.monotonic
    ) -> None:
        self._first = first
        self._longest = longest
        self._clock = clock
        self._failures = 0
        self._until = 0.0

    @property
    def is_failing(self) -> bool:
        """Whether the last attempt failed."""
        return self._failures > 0

    def remaining(self) -> float:
        """Seconds until the next attempt; 0 when it may start now."""
        return max(0.0, self._until - self._clock())

    def failed(self) -> float:
        """Report a failed attempt; seconds until the next one."""
        if self.remaining() <= 0:
            ceiling = min(self._longest, self._first * 2 ** min(self._failures, 16))
            self._failures += 1
            self._until = self._clock() + ceiling * random.uniform(0.5, 1.0)
        return self.remaining()

    def succeeded(self) -> None:
        """Report a successful attempt: the next failure starts at the shortest pause again."""
        self._failures = 0
        self._until = 0.0
