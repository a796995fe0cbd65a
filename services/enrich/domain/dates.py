"""Dates as pages write them. Patterns are anchored and tried on short texts only, so no text can make them slow."""

from __future__ import annotations

import re
from datetime import UTC, datetime, timedelta, timezone
from typing import Final

_LIMIT: Final = 120
_MONTHS: Final = {
    name: number
    for number, names in enumerate(
        (
            "january jan januar janvier enero janeiro gennaio",
            "february feb februar février febrero fevereiro febbraio",
            "march mar märz mars marzo março",
            "april apr avril abril aprile",
            "may mai mayo maio maggio",
            "june jun juni juin junio junho giugno",
            "july jul juli juillet julio julho luglio",
            "august aug août agosto",
            "september sep sept septembre septiembre setembro settembre",
            "october oct okt oktober octobre octubre outubro ottobre",
            "november nov novembre noviembre novembro",
            "december dec dez dezember décembre diciembre dezembro dicembre",
        ),
        start=1,
    )
    for name in names.split()
}
_MONTH: Final = r"(?P<month>[^\W\d_]{3,10})\.?"
_DAY: Final = r"(?P<day>\d{1,2})(?:st|nd|rd|th|\.)?"
_WEEKDAY: Final = r"(?:(?:mon|tues?|wed(?:nes)?|thu(?:rs)?|fri|sat(?:ur)?|sun)(?:day)?\.?,?\s+)?"
_TIME: Final = (
    r"(?:[\s,|·•–—-]{1,4}(?:at\s+)?(?P<hour>\d{1,2})(?:[:.](?P<minute>\d{2}))(?::\d{2})?\s?(?P<half>[ap]\.?m\.?)?"
    r"\s?(?P<zone>[A-Za-z]{1,4}|[+-]\d{2}:?\d{2})?)?"
)
_PREFIX: Final = (
    r"(?P<label>(?:first\s+)?(?:published|posted|updated|last\s+updated|last\s+modified|date)"
    r"(?:\s+(?:on|at))?)?\s*:?\s*"
)
_FORMS: Final = tuple(
    re.compile(rf"^{_PREFIX}{_WEEKDAY}{form}{_TIME}$", re.IGNORECASE)
    for form in (
        rf"{_MONTH}\s+{_DAY},?\s+(?P<year>\d{{4}})",
        rf"{_DAY}\s+(?:de\s+)?{_MONTH},?\s+(?:de\s+)?(?P<year>\d{{4}})",
        r"(?P<year>\d{4})[-/.](?P<monthnumber>\d{1,2})[-/.](?P<day>\d{1,2})",
    )
)
_ISO: Final = re.compile(r"^(\d{4}-\d{2}-\d{2})[T ](\d{2}:\d{2})(:\d{2})?(?:[.,]\d{1,9})?\s?(Z|[+-]\d{2}:?\d{2})?$")
# The zones that English-language newsrooms print; an unknown one is read as UTC.
_ZONES: Final = {"est": -5, "edt": -4, "et": -5, "cst": -6, "cdt": -5, "mst": -7, "pst": -8, "pdt": -7, "bst": 1, "cet": 1, "cest": 2, "ist": 5.5, "eet": 2, "eest": 3, "msk": 3, "jst": 9, "aest": 10}  # fmt: skip  # noqa: E501
_YEAR: Final = re.compile(r"(?:19|20)\d\d(?!\d)")
_AFTER_YEAR: Final = re.compile(
    r"\s?[-/.年]\s?\d{1,2}\s?[-/.月]\s?\d{1,2}(?!\d)|[.,]?\s+[^\W\d_]{3,12}\.?\s+\d{1,2}(?!\d)"
)
_BEFORE_YEAR: Final = re.compile(
    r"(?<!\d)(?:\d{1,2}[-/.]\s?\d{1,2}[-/.]\s?|"
    r"\d{1,2}(?:[^\W\d_]{1,2}|[.º])?,?\s*(?:(?:de|of)\s+)?[^\W\d_]{3,12}[.,]{0,2}\s*(?:de\s+)?)\Z|"
    r"[^\W\d_]{3,12}\.?\s*\d{1,2}(?:[^\W\d_]{1,2})?[.,]?\s*\Z"
)
_SHORT_YEAR: Final = re.compile(r"(?<!\d)\d{1,2}[-/.]\s?\d{1,2}[-/.]\s?\d\d(?!\d)")
_NEAR: Final = 32


def names_day(text: str) -> bool:
    """Whether a day and its year stand together anywhere in a text, as figures or with the month in letters."""
    for match in _YEAR.finditer(text):
        start, end = match.span()
        before = text[max(0, start - _NEAR) : start]
        if (_AFTER_YEAR.match(text, end) and not before[-1:].isdigit()) or _BEFORE_YEAR.search(before):
            return True
    return _SHORT_YEAR.search(text) is not None


def parse(text: str) -> tuple[datetime, bool] | None:
    """The UTC instant of a text that is a date and nothing else, and whether it is the date of an update.

    Without a time it is midnight, without a zone UTC. None for anything else, and for dates that do not exist.
    """
    text = text.strip(" ()[]|•·–—-")
    if not 6 <= len(text) <= _LIMIT:
        return None
    if iso := _iso(text):
        return iso, False
    for form in _FORMS:
        match = form.match(text)
        if match and (instant := _instant(match)):
            label = (match["label"] or "").lower()
            return instant, "updated" in label or "modified" in label
    return None


def _iso(text: str) -> datetime | None:
    match = _ISO.match(text)
    if match is None:
        return None
    day, minute, second, zone = match.groups()
    try:
        instant = datetime.fromisoformat(f"{day}T{minute}{second or ':00'}{zone or '+00:00'}")
        return instant.astimezone(UTC)
    except (ValueError, OverflowError):
        return None


def _instant(match: re.Match[str]) -> datetime | None:
    parts = match.groupdict()
    month = _MONTHS.get((parts.get("month") or "").lower()) or int(parts.get("monthnumber") or 0)
    hour = int(parts["hour"] or 0)
    half = (parts["half"] or "").lower()[:1]
    if half and 1 <= hour <= 12:
        hour = hour % 12 + (12 if half == "p" else 0)
    try:
        local = datetime(int(parts["year"]), month, int(parts["day"]), hour, int(parts["minute"] or 0), tzinfo=UTC)
        return (local - _offset(parts["zone"])).replace(tzinfo=UTC)
    except (ValueError, OverflowError):
        return None


def _offset(zone: str | None) -> timedelta:
    if zone and zone[0] in "+-":
        parsed = datetime.strptime(zone.replace(":", ""), "%z").tzinfo or timezone.utc  # noqa: UP017
        return parsed.utcoffset(None) or timedelta()
    return timedelta(hours=_ZONES.get((zone or "").lower(), 0))
