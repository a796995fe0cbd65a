"""Dates of submissions (RFC 3339 or a bare date, from 1900 to now) and of feeds (any written form)."""

from __future__ import annotations

import re
from datetime import UTC, datetime, timedelta, timezone
from typing import Final

from shared import dates

FIRST_YEAR: Final = 1900
CLOCK_SKEW: Final = timedelta(minutes=5)
"""How far a producer's clock may be ahead."""
DATE_AHEAD: Final = timedelta(hours=14)
"""A bare date is read as midnight UTC, but the day begins up to 14 hours earlier in the east."""
FUTURE: Final = "is in the future, and embargoes are not supported yet: send the article when it may be published"
_EPOCH: Final = re.compile(r"[0-9]{10}(?:[0-9]{3})?", re.ASCII)
"""Unix time in seconds or milliseconds, of this century."""
_BASIC_OFFSET: Final = re.compile(r"([+-][0-9]{2})([0-9]{2})$")
_LOCAL_TIME: Final = re.compile(r"[0-9-]{10}[Tt ][0-9:.]{5,18}")
_MAX_OFFSET_MINUTES: Final = 14 * 60
_FORM: Final = re.compile(
    r"([0-9]{4})-([0-9]{2})-([0-9]{2})"
    r"(?:[Tt ]([0-9]{2}):([0-9]{2})(?::([0-9]{2})(?:\.([0-9]{1,9}))?)?([Zz]|[+-][0-9]{2}:[0-9]{2}))?"
)


def parse_instant(text: str, *, now: datetime) -> datetime:
    """The instant in UTC; a bare date is its midnight. Raises ValueError with the reason.

    The leap second `:60` is read as `:59`, which `datetime` can represent.
    """
    match = _FORM.fullmatch(text)
    if not match:
        raise ValueError("is not an RFC 3339 instant such as 2024-05-17T09:30:00Z")
    year, month, day = (int(part) for part in match.group(1, 2, 3))
    if year < FIRST_YEAR:
        raise ValueError(f"must not be before {FIRST_YEAR}")
    if year > now.year + 1:
        raise ValueError(FUTURE)
    hour, minute, second = (int(part or 0) for part in match.group(4, 5, 6))
    micros = int((match[7] or "0").ljust(6, "0")[:6])
    leap = 1 if second == 60 else 0
    try:
        zone = _zone(match[8])
        instant = datetime(year, month, day, hour, minute, second - leap, micros, tzinfo=zone).astimezone(UTC)
    except (ValueError, OverflowError) as error:
        raise ValueError("is not a date or time that exists") from error
    if instant > now + (CLOCK_SKEW if match[4] else DATE_AHEAD):
        raise ValueError(FUTURE)
    return instant


def is_future(text: str, *, now: datetime) -> bool:
    """Whether a date in the metadata of a page is certainly later than now; False for what cannot be read.

    A time without an offset may be of any zone.
    """
    written = _BASIC_OFFSET.sub(r"\1:\2", text.strip())
    is_local = _LOCAL_TIME.fullmatch(written) is not None
    try:
        parse_instant(f"{written}Z" if is_local else written, now=now + (DATE_AHEAD if is_local else timedelta(0)))
    except ValueError as error:
        return str(error) == FUTURE
    return False


def _zone(text: str | None) -> timezone:
    if text is None or text in "Zz":
        return UTC
    minutes = int(text[1:3]) * 60 + int(text[4:6])
    if minutes > _MAX_OFFSET_MINUTES or int(text[4:6]) > 59:
        raise ValueError("offset out of range")
    return timezone(timedelta(minutes=-minutes if text[0] == "-" else minutes))


def parse_feed_date(text: str) -> datetime | None:
    """The UTC instant of a date as feeds write it, in any form that `shared.dates` reads; None for anything else.

    A date before 1900 is None. Dates in the future are the caller's decision.
    """
    if _EPOCH.fullmatch(text.strip()):
        return datetime.fromtimestamp(int(text.strip()[:10]), UTC)
    found = dates.parse(text)
    return found.instant if found is not None and found.instant.year >= FIRST_YEAR else None
