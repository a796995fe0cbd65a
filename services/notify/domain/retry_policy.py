"""Retry policy of deliveries: the back-off schedule of Standard Webhooks, `Retry-After`, and when to disable."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from typing import Final

MINUTE: Final = 60.0
HOUR: Final = 3600.0
BACKOFF_SECONDS: Final = (
    *(5.0, 5 * MINUTE, 30 * MINUTE, 2 * HOUR, 5 * HOUR),
    *(10 * HOUR, 14 * HOUR, 20 * HOUR, 24 * HOUR),
)
"""Seconds between the ten attempts; the first is immediate."""
ATTEMPTS: Final = len(BACKOFF_SECONDS) + 1
JITTER: Final = 0.2
"""Each back-off is extended by up to this fraction, so that retries do not synchronise."""
LOCAL_RETRY_SECONDS: Final = 15.0
"""Retry after a shortage of this installation, extended by up to as much again."""
LONGEST_RETRY_AFTER: Final = 24 * HOUR
LONGEST_PAUSE: Final = HOUR
"""Maximum seconds for which a `Retry-After` pauses the other deliveries of the endpoint."""
_THROTTLED: Final = frozenset({429, 502, 503, 504})
_GONE: Final = 410


@dataclass(frozen=True, slots=True)
class AttemptResult:
    """Outcome of one attempt: the HTTP status, or 0 and the error when there was no response."""

    status: int
    error: str = ""
    retry_after: str = ""
    is_local: bool = False
    """The fault is on our side: no request was made, which says nothing about the endpoint."""

    @property
    def good(self) -> bool:
        """2xx without an error. A redirect is a failure."""
        return 200 <= self.status < 300 and not self.error


@dataclass(frozen=True, slots=True)
class RetryDecision:
    """What happens after an attempt. `good` None: the endpoint was not called, and no attempt is used.

    `retry_after` is in seconds, None for no further attempt. `pause` stops all deliveries of the endpoint for this many
    seconds. `disable` is the reason to disable the endpoint, empty for none.
    """

    good: bool | None
    retry_after: float | None = None
    pause: float = 0.0
    disable: str = ""


def decide_retry(result: AttemptResult, *, attempts: int, now: datetime, chance: float) -> RetryDecision:
    """Decide after attempt number `attempts` (from 1); `chance` in [0, 1) scales the jitter."""
    if result.good:
        return RetryDecision(good=True)
    if result.is_local:
        return RetryDecision(good=None, retry_after=LOCAL_RETRY_SECONDS * (1 + chance))
    if result.status == _GONE:
        return RetryDecision(good=False, disable="gone")
    requested = parse_retry_after(result.retry_after, now)
    pause = min(requested, LONGEST_PAUSE) if result.status in _THROTTLED else 0.0
    if attempts >= ATTEMPTS:
        return RetryDecision(good=False, pause=pause)
    backoff = BACKOFF_SECONDS[attempts - 1] * (1 + JITTER * chance)
    requested *= 1 + JITTER * chance
    return RetryDecision(good=False, retry_after=max(backoff, requested), pause=pause)


def parse_retry_after(text: str, now: datetime) -> float:
    """Seconds of a `Retry-After` value (number or HTTP date), 0 to 86,400; 0 when it is absent or invalid."""
    value = text.strip()[:40]
    if value.isascii() and value.isdigit():
        return min(float(value), LONGEST_RETRY_AFTER)
    try:
        at = parsedate_to_datetime(value)
    except (ValueError, OverflowError):  # a year or offset of twenty digits raises OverflowError
        return 0.0
    at = at if at.tzinfo else at.replace(tzinfo=UTC)
    return min(max(0.0, (at - now).total_seconds()), LONGEST_RETRY_AFTER)
