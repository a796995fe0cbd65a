"""Times of day and zones inside a date text."""

from __future__ import annotations

import re
from datetime import date, timedelta
from functools import lru_cache
from typing import Final, NamedTuple

from shared.dates.calendar_names import names
from shared.dates.zones import ABBREVIATIONS, offset

CLOCK: Final = re.compile(
    r"(?<![\d:.])(\d{1,2})(?:\s?:\s?|\.|\s?[hH]\s?)(\d{2})(?!\d)(?:[:.](\d{2})(?!\d))?(?:[.,]\d{1,9})?"
)
HOUR: Final = re.compile(
    r"(?<![\d:.])(\d{1,2})\s?(?:(?=[ap]\.?\s?m\b)|(?:h|uhr|uur|ч|час|час\.)(?![^\W\d_]))", re.IGNORECASE
)
_MERIDIEM: Final = re.compile(r"(?<![^\W\d_])([ap])\.?\s?m\b\.?", re.IGNORECASE)
_NUMERIC_ZONE: Final = re.compile(r"(?:\b(?:UTC|GMT)\s?)?([+-]\d{1,2}(?::?\d{2})?)(?!\d)(?:\s*\([^()]{0,40}\))?")
_NAMED_ZONE: Final = re.compile(rf"(?<![^\W_])({'|'.join(sorted(ABBREVIATIONS - {'Z'}, key=len, reverse=True))})(?![^\W_])")  # fmt: skip  # noqa: E501


class Time(NamedTuple):
    hour: int
    minute: int
    second: int


def take_time(text: str) -> tuple[Time | None, str]:
    """The time of day and the text without it. Raises ValueError for one that does not exist."""
    match = CLOCK.search(text) or HOUR.search(text)
    if match is None:
        return None, text
    minute, second = (int(match[2]), int(match[3] or 0)) if match.re is CLOCK else (0, 0)
    hour, rest = int(match[1]), without(text, match)
    half, rest = _half(rest)
    if half is not None:
        if not 1 <= hour <= 12 and not (hour <= 23 and half == "pm"):
            raise ValueError("no such hour on a 12-hour clock")
        hour = hour % 12 + (12 if half == "pm" else 0) if hour <= 12 else hour
    if (hour > 23 and (hour, minute, second) != (24, 0, 0)) or minute > 59 or second > 60:
        raise ValueError("no such time")
    return Time(hour, minute, second), rest


def _half(text: str) -> tuple[str | None, str]:
    if match := _MERIDIEM.search(text):
        return f"{match[1].lower()}m", without(text, match)
    match = _periods().search(text)
    return (names().periods[match[0]], without(text, match)) if match else (None, text)


@lru_cache(maxsize=1)
def _periods() -> re.Pattern[str]:
    words = sorted((name for name in names().periods if not name.isascii()), key=len, reverse=True)
    return re.compile(rf"(?<![^\W\d_])(?:{'|'.join(map(re.escape, words))})(?![^\W\d_])")


def take_zone(text: str, day: date) -> tuple[timedelta | None, str]:
    if match := _NUMERIC_ZONE.search(text):
        rest = without(text, match)
        return numeric_offset(match[1]), _NAMED_ZONE.sub(" ", rest, count=1)  # `+0100 CET`
    if match := _NAMED_ZONE.search(text):
        return offset(match[1], day), without(text, match)
    return None, text


def numeric_offset(text: str) -> timedelta:
    digits = text[1:].replace(":", "")
    hours, minutes = (int(digits[:-2]), int(digits[-2:])) if len(digits) > 2 else (int(digits), 0)
    if hours > 14 or minutes > 59:
        raise ValueError("no such offset")
    delta = timedelta(hours=hours, minutes=minutes)
    return -delta if text[0] == "-" else delta


def without(text: str, match: re.Match[str]) -> str:
    return f"{text[: match.start()]} {text[match.end() :]}"
