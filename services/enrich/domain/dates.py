"""Date lines of pages: labels such as `Updated`, several dates on one line, relative times.

`shared.dates` parses the dates themselves.
"""

from __future__ import annotations

import re
from datetime import datetime
from typing import Final, NamedTuple

from services.enrich.domain.phrases import alternatives
from shared import dates

_AFTER_LABEL: Final = r"(?:\s?(?:on|at|am|um|le|el|il|em|op|в|o|dnia|lúc|في|בתאריך)(?![^\W\d_]))?\s*[:：]?\s*"
_LABEL: Final = re.compile(
    rf"(?<![^\W\d_])(?:(?P<updated>{alternatives('updated')})|(?P<published>{alternatives('published')}))(?=[\s:：.\d(（]|$)\.?{_AFTER_LABEL}",
    re.IGNORECASE,
)
_PARTS: Final = re.compile(r"\s*[|•·/]\s+|\s+[–—-]\s+|\s*[;；]\s*|\s{2,}")
_TIME: Final = re.compile(
    r"(?:[^\W\d_]{1,4}\s){0,2}(?:\d{1,2}\s?[:.h]\s?\d{2}(?::\d{2})?)(?:\s?(?:uhr|[ap]\.?m\.?|[a-z]{2,4}|h))?|"
    r"(?:午前|午後|上午|下午|오전|오후)?\s?\d{1,2}[時时点點시]\s?(?:\d{1,2}[分분])?",
    re.IGNORECASE,
)
_DAY_AND_TIME: Final = re.compile(rf"(?:{alternatives('day_word')})[\s,]*(?:{_TIME.pattern})?", re.IGNORECASE)
"""`Today at 10:32`: says no date, since nobody knows which day it was."""
_READING_TIME: Final = re.compile(
    r"\W*(?:[^\W\d_]+\W+){0,3}?\d{1,3}(?:\s?[-–]\s?\d{1,3})?[\s-]*"
    rf"(?:{alternatives('minutes')})\.?(?:[\s·-]*(?:{alternatives('reading')}))?\W*",
    re.IGNORECASE,
)
_MAX_READING_TIME: Final = 40
_MAX_LINE: Final = 200
_MAX_SPACES: Final = 24
_MAX_DAY: Final = 40
_FRAME: Final = " :：,()（）[]|•·–—-/"

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


class DateLine(NamedTuple):
    """The instants on a line that holds dates, relative or reading times and nothing else; UTC."""

    published: datetime | None = None
    updated: datetime | None = None


def names_day(text: str) -> bool:
    """Whether a text contains a day with its year, as figures or with the month in letters."""
    for match in _YEAR.finditer(text):
        start, end = match.span()
        before = text[max(0, start - _NEAR) : start]
        if (_AFTER_YEAR.match(text, end) and not before[-1:].isdigit()) or _BEFORE_YEAR.search(before):
            return True
    return _SHORT_YEAR.search(text) is not None


def parse(text: str) -> tuple[datetime, bool] | None:
    """The instant of a text that is one date with an optional label, and whether the label says it is an update.

    It has the offset that the text gives. Without a time it is midnight, without a zone UTC. None for anything else,
    and for dates that do not exist.
    """
    if (found := dates.parse(text)) is not None:
        return found.local, False
    match = _LABEL.match(text.strip())
    if match is None or (found := dates.parse(text.strip()[match.end() :])) is None:
        return None
    return found.local, match["updated"] is not None


def read_line(text: str, *, day_first: bool | None = None) -> DateLine | None:
    """The dates of a line such as `Published: 10:32 EST, 19 November 2026 | Updated: 2 hours ago`; else None.

    `day_first`: see `shared.dates.parse`. A line of relative or reading times only has no instants.
    """
    text = text.strip()
    # The search for labels is the expensive part: prose without a number, or with many words, has no date line.
    has_digit = any(map(str.isdigit, text[:_MAX_LINE]))
    if not 2 <= len(text) <= (_MAX_LINE if has_digit else _MAX_READING_TIME) or text.count(" ") > _MAX_SPACES:
        return None
    if (whole := dates.parse(text, day_first=day_first)) is not None:
        return DateLine(published=whole.instant)
    found = DateLine()
    for is_update, rest in _labelled(text):
        instants = [_read(part, day_first) for part in ([rest] if _read(rest, day_first) else _PARTS.split(rest))]
        if not all(instants):
            return None
        instant = next((one for one in instants if isinstance(one, datetime)), None)
        if is_update:
            found = found._replace(updated=found.updated or instant)
        else:
            found = found._replace(published=found.published or instant)
    return found


def label_start(text: str) -> int:
    """Where the first label such as `Updated` begins inside a text; 0 for none."""
    match = _LABEL.search(text, 1)
    return match.start() if match else 0


def is_reading_time(text: str) -> bool:
    """Whether the text is a reading time such as `4 min read` and nothing else."""
    return len(text) <= _MAX_READING_TIME and _READING_TIME.fullmatch(text) is not None


def _labelled(text: str) -> list[tuple[bool, str]]:
    """(whether the label says update, text up to the next label) of each label, and of the text before the first."""
    labels = list(_LABEL.finditer(text))
    starts = [(False, 0, labels[0].start() if labels else len(text))]
    ends = [label.start() for label in labels[1:]] + [len(text)]
    starts += [(label["updated"] is not None, label.end(), end) for label, end in zip(labels, ends, strict=False)]
    return [(is_update, text[start:end].strip(_FRAME)) for is_update, start, end in starts]


def _read(rest: str, day_first: bool | None) -> datetime | bool:
    """The instant; True for a part of a date line without one, False for anything else."""
    if (found := dates.parse(rest, day_first=day_first)) is not None:
        return found.instant
    if (
        not rest
        or dates.is_relative(rest)
        or is_reading_time(rest)
        or _TIME.fullmatch(rest)
        or _DAY_AND_TIME.fullmatch(rest)
    ):
        return True
    # A day without its year is part of a date line, and no date.
    return len(rest) <= _MAX_DAY and not _YEAR.search(rest) and dates.parse(f"{rest} 2000") is not None
