"""Classify a handler's error, and limit the rate of dead letters."""

from __future__ import annotations

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
"""Errors that handlers report; any other exception is a defect and is retried like a Retryable."""

MALFORMED: Final = "malformed-entry"
INVALID: Final = "invalid-event"
MAX_DELIVERIES_EXCEEDED: Final = "max-deliveries"
PROCESS_KILLER: Final = "process-killer"

_INPUT_RULES: Final = frozenset({MALFORMED, INVALID})
"""Rules of entries that no release can read; they are not evidence of a bad release."""

_INFRASTRUCTURE: Final = (StoreUnavailable, SearchUnavailable, QueueFull, IndexMissing)


class FailureKind(StrEnum):
    """How a failed entry is handled. The values are label values of `broadsheet_stage_total`."""

    INFRASTRUCTURE = "infrastructure"
    """Redis or the search engine is unavailable: the worker pauses, the delivery is not counted."""
    RETRYABLE = "later"
    """A `Retryable`: redelivered after a back-off, dead-lettered the fifth time."""
    PERMANENT = "never"
    """A `Permanent`: dead-lettered at once."""
    DEFECT = "defect"
    """Any other exception: redelivered alone after a back-off, dead-lettered the fifth time."""


class HandlerTimeout(Exception):
    """The handler did not finish a batch within `handle_seconds`."""


class DeadLetterRateExceeded(Exception):
    """Too many dead letters in a minute: the worker stops, so that a bad release does not dead-letter everything."""


def classify(error: Exception) -> FailureKind:
    """Classify what a handler raised or reported."""
    if isinstance(error, _INFRASTRUCTURE) or (isinstance(error, RedisError) and is_unavailable(error)):
        return FailureKind.INFRASTRUCTURE
    if isinstance(error, Permanent):
        return FailureKind.PERMANENT
    return FailureKind.RETRYABLE if isinstance(error, Retryable) else FailureKind.DEFECT


class DeadLetterLimit:
    """Limits dead letters in a sliding window of 60 s. Unreadable entries do not count.

    The limit is reached when more than `limit` entries were dead-lettered *and* they are more than half of the finished
    entries: a bad release fails nearly everything, while a large import with a few per cent of bad pages must continue.
    """

    def __init__(self, limit: int, *, window: float = 60.0, clock: Callable[[], float] = time.monotonic) -> None:
        self._limit = limit
        self._window = window
        self._clock = clock
        self._dead: deque[float] = deque()
        self._succeeded: deque[tuple[float, int]] = deque()

    def record_success(self, count: int) -> None:
        """Count entries that were handled without error."""
        if count:
            self._succeeded.append((self._clock(), count))

    def record_dead_letter(self, rule: str) -> None:
        """Count one entry before it is dead-lettered. Raises DeadLetterRateExceeded when the limit is reached."""
        if rule in _INPUT_RULES:
            return
        self._expire()
        dead = len(self._dead)
        if dead >= self._limit and dead >= sum(count for _, count in self._succeeded):
            raise DeadLetterRateExceeded(f"{dead} dead letters within {self._window:.0f} s; the newest rule is {rule}")
        self._dead.append(self._clock())

    def _expire(self) -> None:
        since = self._clock() - self._window
        while self._dead and self._dead[0] < since:
            self._dead.popleft()
        while self._succeeded and self._succeeded[0][0] < since:
            self._succeeded.popleft()
