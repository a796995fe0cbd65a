"""What a failure means for the entry that met it, and when failing itself must stop."""

from __future__ import annotations

import random
import time
from collections import deque
from collections.abc import Callable
from enum import StrEnum
from typing import Final

from redis.exceptions import RedisError

from shared.errors import Permanent, Retryable, StoreUnavailable
from shared.search.errors import IndexMissing, QueueFull, SearchUnavailable
from shared.store.connection import is_unavailable

Failure = Retryable | Permanent
"""What a handler reports on purpose; any other exception is a defect and counts as one."""

MALFORMED: Final = "malformed-entry"
INVALID: Final = "invalid-event"
EXHAUSTED: Final = "max-deliveries"
KILLER: Final = "process-killer"

_NOBODYS_FAULT: Final = frozenset({MALFORMED, INVALID})
"""Rules that say nothing about our own code: garbage may come in any amount."""

_INFRASTRUCTURE: Final = (StoreUnavailable, SearchUnavailable, QueueFull, IndexMissing)


class Fault(StrEnum):
    """Whose failure it is, which decides what becomes of the entry."""

    INFRASTRUCTURE = "infrastructure"
    """Redis or the engine is away: the entry waits, the worker pauses, nothing is counted against the entry."""
    LATER = "later"
    """A `Retryable`: comes back after a short back-off; the fifth time it is dead."""
    NEVER = "never"
    """A `Permanent`: dead at once."""
    DEFECT = "defect"
    """Anything else: comes back alone after a back-off; the fifth time it is dead."""


class HandlerOverdue(Exception):
    """The handler did not finish a batch within its time."""


class TooManyDead(Exception):
    """The burial ceiling was reached: rather a stopped worker than a stream full of dead letters."""


def fault_of(error: Exception) -> Fault:
    """Classify what a handler raised or reported."""
    if isinstance(error, _INFRASTRUCTURE) or (isinstance(error, RedisError) and is_unavailable(error)):
        return Fault.INFRASTRUCTURE
    if isinstance(error, Permanent):
        return Fault.NEVER
    return Fault.LATER if isinstance(error, Retryable) else Fault.DEFECT


class Breaker:
    """Bounded back-off, 0.1 to 5 s with jitter, doubling with each failure in a row. Times are monotonic seconds."""

    def __init__(self, *, least: float = 0.1, most: float = 5.0, clock: Callable[[], float] = time.monotonic) -> None:
        self._least = least
        self._most = most
        self._clock = clock
        self._failures = 0
        self._until = 0.0

    @property
    def failing(self) -> bool:
        """Whether the last attempt failed."""
        return self._failures > 0

    def remaining(self) -> float:
        """Seconds to wait before the next attempt; 0 when it may go ahead."""
        return max(0.0, self._until - self._clock())

    def failed(self) -> None:
        """Note a failure; several within one pause are one."""
        if self.remaining() > 0:
            return
        span = min(self._most, self._least * 2 ** min(self._failures, 10))
        self._failures += 1
        self._until = self._clock() + max(self._least, random.uniform(0.5, 1.0) * span)

    def worked(self) -> None:
        """Note a success: the next failure starts at the shortest pause again."""
        self._failures = 0
        self._until = 0.0


class Ceiling:
    """Counts burials of a sliding minute. Garbage does not count: it says nothing about our code.

    It trips when more than `limit` entries died and they are more than half of what was finished: a bad deploy kills
    nearly everything, while a large import with a few per cent of hopeless pages must not stop the worker.
    """

    def __init__(self, limit: int, *, window: float = 60.0, clock: Callable[[], float] = time.monotonic) -> None:
        self._limit = limit
        self._window = window
        self._clock = clock
        self._burials: deque[float] = deque()
        self._successes: deque[tuple[float, int]] = deque()

    def succeeded(self, count: int) -> None:
        """Note entries that were finished well."""
        if count:
            self._successes.append((self._clock(), count))

    def burial(self, rule: str) -> None:
        """Ask leave for one burial; raises TooManyDead when there have been too many."""
        if rule in _NOBODYS_FAULT:
            return
        self._forget()
        dead = len(self._burials)
        if dead >= self._limit and dead >= sum(count for _, count in self._successes):
            raise TooManyDead(f"{dead} dead letters within {self._window:.0f} s; the newest rule is {rule}")
        self._burials.append(self._clock())

    def _forget(self) -> None:
        since = self._clock() - self._window
        while self._burials and self._burials[0] < since:
            self._burials.popleft()
        while self._successes and self._successes[0][0] < since:
            self._successes.popleft()
