"""Instants as callers write them: ISO 8601 dates, ISO 8601 times, or Unix milliseconds."""

from __future__ import annotations

import re
from datetime import UTC, date, datetime, time, timedelta
from typing import Final

_EPOCH: Final = datetime(1970, 1, 1, tzinfo=UTC)
_DATE: Final = re.compile(r"^\d{4}-\d{2}-\d{2}$")
_TIME: Final = re.compile(r"^\d{4}-\d{2}-\d{2}[Tt ]\d{2}:\d{2}(:\d{2}([.,]\d{1,9})?)?([Zz]|[+-]\d{2}:?\d{2})?$")
_MILLISECONDS: Final = re.compile(r"^[0-9]{1,15}$")


def instant(text: str) -> datetime:
    """The instant in UTC; a time without an offset is UTC, a date is its first moment. Raises ValueError."""
    text = text.strip()
    if _DATE.match(text):
        return datetime.combine(date.fromisoformat(text), time(), UTC)
    if not _TIME.match(text):
        raise ValueError("expected a date like 2026-01-31 or a time like 2026-01-31T08:00:00Z")
    found = datetime.fromisoformat(text.upper())
    try:
        return found.replace(tzinfo=UTC) if found.tzinfo is None else found.astimezone(UTC)
    except OverflowError as error:
        raise ValueError("the time is outside the calendar") from error


def first_moment(text: str) -> int:
    """Unix seconds of the beginning of a date or of a time. Raises ValueError."""
    return int((instant(text) - _EPOCH).total_seconds())


def last_moment(text: str) -> int:
    """Unix seconds just after a date's last second, or after the given second: an exclusive bound.

    Raises ValueError.
    """
    seconds = timedelta(days=1) if _DATE.match(text.strip()) else timedelta(seconds=1)
    return int((instant(text) - _EPOCH + seconds).total_seconds())


def milliseconds(text: str) -> int:
    """Unix milliseconds of an ISO date or time, or of a whole number of them; never negative. Raises ValueError."""
    text = text.strip()
    if _MILLISECONDS.match(text):
        return int(text)
    found = int((instant(text) - _EPOCH) / timedelta(milliseconds=1))
    return max(0, found)
