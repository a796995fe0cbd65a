"""Offsets of time zone abbreviations, in hours east of UTC. Where one has several meanings, the most usual in news."""

from __future__ import annotations

from datetime import date, timedelta
from typing import Final

_HOURS: Final[dict[str, float]] = {
    "UTC": 0, "GMT": 0, "UT": 0, "Z": 0, "WET": 0, "WEST": 1, "BST": 1, "CET": 1, "CEST": 2, "MEZ": 1, "MESZ": 2,
    "MET": 1, "MEST": 2, "EET": 2, "EEST": 3, "TRT": 3, "MSK": 3, "MSD": 4, "SAMT": 4, "YEKT": 5, "OMST": 6,
    "NOVT": 7, "KRAT": 7, "IRKT": 8, "VLAT": 10, "МСК": 3, "WAT": 1, "CAT": 2, "SAST": 2, "EAT": 3, "IDT": 3,
    "AST": -4, "ADT": -3, "IRST": 3.5, "PKT": 5, "IST": 5.5, "NPT": 5.75, "ICT": 7, "WIB": 7, "WITA": 8, "WIT": 9,
    "HKT": 8, "SGT": 8, "MYT": 8, "PHT": 8, "AWST": 8, "JST": 9, "KST": 9, "ACST": 9.5, "ACDT": 10.5, "AEST": 10,
    "AEDT": 11, "NZST": 12, "NZDT": 13, "NST": -3.5, "NDT": -2.5, "BRT": -3, "BRST": -2, "ART": -3, "UYT": -3,
    "CLT": -4, "CLST": -3, "COT": -5, "PET": -5, "VET": -4, "EST": -5, "EDT": -4, "CST": -6, "CDT": -5, "MST": -7,
    "MDT": -6, "PST": -8, "PDT": -7, "AKST": -9, "AKDT": -8, "HST": -10,
}  # fmt: skip
_AMERICAN: Final = {"ET": -5, "CT": -6, "MT": -7, "PT": -8}
"""Standard time or daylight time, by the date."""
ABBREVIATIONS: Final = frozenset((*_HOURS, *_AMERICAN))


def offset(abbreviation: str, day: date) -> timedelta | None:
    """The offset of an upper-case abbreviation on a day; None for an unknown one."""
    if abbreviation in _AMERICAN:
        return timedelta(hours=_AMERICAN[abbreviation] + _is_american_summer(day))
    hours = _HOURS.get(abbreviation)
    return None if hours is None else timedelta(hours=hours)


def _is_american_summer(day: date) -> bool:
    """From the second Sunday in March to the first in November, as since 2007."""
    begin = date(day.year, 3, 14) - timedelta(days=date(day.year, 3, 14).isoweekday() % 7)
    end = date(day.year, 11, 7) - timedelta(days=date(day.year, 11, 7).isoweekday() % 7)
    return begin <= day < end
