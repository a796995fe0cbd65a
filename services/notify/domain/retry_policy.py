"""When a delivery is tried again, and when an endpoint gets nothing more: the schedule of Standard Webhooks."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from typing import Final

MINUTE: Final = 60.0
HOUR: Final = 3600.0
PAUSES: Final = (
    *(5.0, 5 * MINUTE, 30 * MINUTE, 2 * HOUR, 5 * HOUR),
    *(10 * HOUR, 14 * HOUR, 20 * HOUR, 24 * HOUR),
)
"""Seconds between the ten attempts; the first is at once."""
ATTEMPTS: Final = len(PAUSES) + 1
JITTER: Final = 0.2
"""A pause is longer by up to this share, so that what failed together does not come back together."""
LONGEST_RETRY_AFTER: Final = 24 * HOUR
LONGEST_CLOSED: Final = HOUR
"""How long a Retry-After keeps the other deliveries of the endpoint waiting."""
_THROTTLED: Final = frozenset({429, 502, 503, 504})
_GONE: Final = 410


@dataclass(frozen=True, slots=True)
class Answered:
    """What an attempt brought: an HTTP status, or 0 and the reason why there is none."""

    status: int
    error: str = ""
    retry_after: str = ""

    @property
    def good(self) -> bool:
        """2xx. A redirect is not."""
        return 200 <= self.status < 300 and not self.error


@dataclass(frozen=True, slots=True)
class Course:
    """What follows from an attempt: seconds until the next, None for no more; seconds of quiet; why to disable."""

    good: bool
    again_in: float | None = None
    quiet: float = 0.0
    disable: str = ""


def course(answered: Answered, *, attempts: int, now: datetime, chance: float) -> Course:
    """What to do after the `attempts`th attempt; `chance` in [0, 1) is the jitter."""
    if answered.good:
        return Course(good=True)
    if answered.status == _GONE:
        return Course(good=False, disable="gone")
    asked = retry_after(answered.retry_after, now)
    quiet = min(asked, LONGEST_CLOSED) if answered.status in _THROTTLED else 0.0
    if attempts >= ATTEMPTS:
        return Course(good=False, quiet=quiet)
    pause = PAUSES[attempts - 1] * (1 + JITTER * chance)
    return Course(good=False, again_in=max(pause, asked), quiet=quiet)


def retry_after(text: str, now: datetime) -> float:
    """Seconds that a `Retry-After` asks for, 0 to a day; 0 for one that cannot be read."""
    value = text.strip()[:40]
    if value.isascii() and value.isdigit():
        return min(float(value), LONGEST_RETRY_AFTER)
    try:
        at = parsedate_to_datetime(value)
    except (ValueError, OverflowError):  # a year or an offset of twenty digits is no ValueError
        return 0.0
    at = at if at.tzinfo else at.replace(tzinfo=UTC)
    return min(max(0.0, (at - now).total_seconds()), LONGEST_RETRY_AFTER)
