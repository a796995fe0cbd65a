"""Parses a text that is a date and nothing else. An uncertain text gives no date, never another day."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Sequence
from datetime import UTC, date, datetime, timedelta, timezone
from typing import Final, NamedTuple

from shared.dates.calendar_names import fold, names
from shared.dates.clock import CLOCK, HOUR, Time, numeric_offset, take_time, take_zone, without
from shared.dates.zones import ABBREVIATIONS, offset

_MIN_LENGTH: Final = 6
_MAX_LENGTH: Final = 120
_MAX_WORDS: Final = 14
_FIRST_YEAR: Final = 1900
_LAST_YEAR: Final = 2100
_BUDDHIST: Final = 543
_FRAME: Final = " \t()[]|•·–—-,;"

_ISO: Final = re.compile(
    r"(\d{4}-\d{2}-\d{2})(?:[Tt ]\s?(\d{1,2}:\d{2})(?::(\d{2}))?(?:[.,]\d{1,9})?\s?([Zz]|[+-]\d{2}:?\d{2}|[+-]\d{2})?)?"
)
_COMPACT: Final = re.compile(r"(\d{4})(\d{2})(\d{2})T(\d{2}):?(\d{2})(?::?(\d{2}))?(Z|[+-]\d{2}:?\d{2})?")
_RFC822: Final = re.compile(
    r"(?:(?P<weekday>[A-Za-z]{2,9})\.?,?\s+)?(\d{1,2})[\s-]+([A-Za-z]{3,9})\.?[\s-]+(\d{4}|\d{2})"
    r"(?:\s+(\d{1,2}):(\d{2})(?::(\d{2}))?)?(?:\s*((?![AaPp]\.?[Mm]\b)[A-Za-z]{1,5}|[+-]\d{2}:?\d{2}))?"
    r"(?:\s*\([^()]{0,40}\)|\s(?![AP]M)[A-Z]{2,5})?"
)
_ISO_IN_TEXT: Final = re.compile(r"(?<=\d)[Tt](?=\d{1,2}:\d{2})|(?<=:\d\d)(?=[A-Z]{2,5}\b)")
"""Where `2026-11-20T08:15:00EST` lacks white space."""
_JAVASCRIPT: Final = re.compile(
    r"\A[A-Z][a-z]{2} ([A-Z][a-z]{2}) (\d{1,2}) (\d{4} \d\d:\d\d:\d\d) GMT([+-]\d{4})(?: \([^()]{1,60})?\Z"
)
"""`Date.toString`; a bracket at the end is stripped before."""
_DASH: Final = re.compile(r"\s[–—-]\s+(?=\d{1,2}[:.h]\d\d)")
_ENGLISH: Final = {
    name: number
    for number, name in enumerate(
        ("jan", "feb", "mar", "apr", "may", "jun", "jul", "aug", "sep", "oct", "nov", "dec"), start=1
    )
}

# Forms of China, Japan, Korea and Viet Nam, rewritten to the numeric form that is read below.
_ERA: Final = re.compile(r"令和\s?(\d{1,2}|元)\s?年")
_REIWA: Final = 2018
_DAY_BEFORE_MONTH: Final = re.compile(r"(\d{1,2})\s(\d{1,2})[月월]\s(\d{4})")
"""RFC 822 through the locale of a server: `金, 20 11月 2026`."""
_EAST_ASIAN: Final = re.compile(r"(\d{4})\s?[年년]\s?(\d{1,2})\s?[月월]\s?(\d{1,2})\s?[日號号일]")
_VIETNAMESE: Final = re.compile(r"(\d{1,2})\s?(?:tháng|thg)\s?(\d{1,2}),?\s?(?:năm\s)?(\d{4})", re.IGNORECASE)
_EAST_ASIAN_TIME: Final = re.compile(r"(\d{1,2})\s?[時时点點시]\s?(?:(\d{1,2})\s?[分분])?(?:\s?(\d{1,2})\s?[秒초])?")
_EAST_ASIAN_DAY: Final = re.compile(r"^[日月火水木金土월화수목금토일](?=,)|[(（]?(?:(?:星期|周|週|礼拜)[一二三四五六日天]|[月火水木金土日]曜日?|[월화수목금토일]요일|[(（][月火水木金土日월화수목금토일][)）])[)）]?")  # fmt: skip  # noqa: E501

_NUMERIC_ZONE: Final = re.compile(r"(?<=[\d\sTC])[+-]\d{2}:?\d{2}(?![\d-])")

_YEAR_FIRST: Final = re.compile(r"(?<!\d)(\d{4})\s?([-/.])\s?(\d{1,2})\s?\2\s?(\d{1,2})(?!\d)\.?")
_YEAR_LAST: Final = re.compile(r"(?<![\d./-])(\d{1,2})\s?([-/.])\s?(\d{1,2})\s?\2\s?(\d{4})(?!\d)")
_TWO_WORDS: Final = re.compile(r"[^\W\d_]+\s[^\W\d_]+(?=\W)")
_WORD: Final = re.compile(r"\d+|[^\s\d.,;:()\[\]|/·•–—\-‑\"«»!?@،]+")


def _words(text: str) -> frozenset[str]:
    return frozenset(text.split())


# Words that stand between the parts of a date in one of the languages, folded.
_FILLERS: Final = _words("""
    at on of the st nd rd th hrs hours hour time local am um den der uhr le la les à a er h min el las los de del
    y hs horas hora il alle ore dell em às as do dia en op om uur в г года год часов ч o godz godzina r roku dnia
    saat saati tarihinde günü sat v hod hodin dne ve kl klo klokka klockan klokken d ora ngày lúc năm pukul pada
    tanggal jam เวลา น วันที่ เมื่อ ที่ พศ को बजे दिनांक तारीख في الساعة يوم عام بتاريخ בשעה ב о року р часа στις
    ώρα ga го eme eko ko ig e i s g
""")


_ZERO: Final = datetime.fromtimestamp(0, UTC)


class ParsedDate(NamedTuple):
    """An instant in UTC. Without a time in the text it is midnight, without a zone the time is taken as UTC."""

    instant: datetime
    has_time: bool
    has_zone: bool
    offset: timedelta = timedelta()

    @property
    def local(self) -> datetime:
        """The same instant at the offset that the text gives: its day is the one that the text says."""
        return self.instant.astimezone(timezone(self.offset))


def parse(text: str, *, day_first: bool | None = None) -> ParsedDate | None:
    """Parse a date with an optional weekday, time and zone, in any order; None if the text holds anything else.

    `day_first`: how `05/11/2026` is read. With None such a date is read only where the weekday in the text decides.
    The zero of Unix time with its time of day is no date: software writes it for a missing one.
    """
    found = _parse(text, day_first)
    return None if found is not None and found.instant == _ZERO and found.has_time else found


def _parse(text: str, day_first: bool | None) -> ParsedDate | None:
    text = _JAVASCRIPT.sub(r"\2 \1 \3 \4", text.strip(_FRAME))
    if text.count("(") > text.count(")"):
        text += ")"  # of a zone's name, as in `+0100 (CET)`
    if not _MIN_LENGTH <= len(text) <= _MAX_LENGTH:
        return None
    if match := _COMPACT.fullmatch(text):
        text = f"{match[1]}-{match[2]}-{match[3]}T{match[4]}:{match[5]}:{match[6] or '00'}{match[7] or ''}"
    if match := _ISO.fullmatch(text if text.isascii() else _ascii_digits(text)):
        is_common_era = text.isascii() or match[1][:2] in {"19", "20"}  # 1405 and 2569 are of another calendar
        return _iso(match) if is_common_era else None
    if not any(map(str.isdigit, text)) or len(text.split(maxsplit=_MAX_WORDS)) > _MAX_WORDS:
        return None
    try:
        return _rfc822(text) or _written(text, day_first)
    except (ValueError, OverflowError):
        return None


def _iso(match: re.Match[str]) -> ParsedDate | None:
    day, minute, second, zone = match.groups()
    zone = "+00:00" if zone is None or zone in "Zz" else zone
    # Python has no place for the leap second.
    second = "59" if second == "60" else second or "00"
    is_midnight_after = minute == "24:00" and second == "00"
    clock = "00:00" if minute is None or is_midnight_after else minute.zfill(5)
    try:
        local = datetime.fromisoformat(f"{day}T{clock}:{second}{zone}") + timedelta(days=is_midnight_after)
        instant = local.astimezone(UTC)
    except (ValueError, OverflowError):
        return None
    return ParsedDate(instant, minute is not None, match[4] is not None, local.utcoffset() or timedelta())


def _ascii_digits(text: str) -> str:
    return "".join(str(unicodedata.decimal(char)) if char.isdecimal() else char for char in text)


def _rfc822(text: str) -> ParsedDate | None:
    match = _RFC822.fullmatch(text)
    if match is None or (month := _ENGLISH.get(match[3][:3].lower())) is None:
        return None
    weekday = match["weekday"] or ""
    if len(weekday) > len("Sun") and fold(weekday) not in names().days:
        return None  # `Corlett, 19 November 2026` ends a byline
    if len(match[3]) > 3 and names().months.get(fold(match[3])) != (month,):
        return None  # `marras` is the Finnish November
    if len(match[4]) == 2 and not match[5]:
        return None  # `19 Nov 26` may be the 26th
    year = int(match[4]) if len(match[4]) == 4 else int(match[4]) + (2000 if int(match[4]) < 50 else 1900)
    day = date(year, month, int(match[2]))
    time = Time(int(match[5]), int(match[6]), int(match[7] or 0)) if match[5] else None
    zone = match[8]
    if zone is None:
        return _at(day, time, None)
    # RFC 822: an unknown abbreviation says nothing about the offset.
    numeric = zone[0] in "+-"
    return _at(day, time, numeric_offset(zone) if numeric else offset(zone.upper(), day) or timedelta())


def _written(text: str, day_first: bool | None) -> ParsedDate | None:
    text = _DASH.sub(" ", _prepared(text))
    weekday, text = _weekday(text)
    found = _numeric_day(text, weekday, day_first) or _named_day(text)
    if found is None:
        return None
    day, rest = found
    time, rest = take_time(rest)
    zone, rest = take_zone(rest, day) if time is not None else (None, rest)
    return _at(day, time, zone) if _is_filler(rest) else None


def _prepared(text: str) -> str:
    """NFKC, ASCII digits, no invisible characters; East Asian and Vietnamese dates and times in numeric form."""
    text = _ISO_IN_TEXT.sub(" ", unicodedata.normalize("NFKC", text))
    if text.isascii():
        return text
    text = _ascii_digits("".join(char for char in text if unicodedata.category(char) != "Cf"))
    text = _ERA.sub(lambda match: f"{_REIWA + (1 if match[1] == '元' else int(match[1]))}年", text)
    text = _DAY_BEFORE_MONTH.sub(r"\3-\2-\1", text)
    text = _EAST_ASIAN.sub(r" \1-\2-\3 ", text)
    text = _VIETNAMESE.sub(r" \3-\2-\1 ", text)
    text = _EAST_ASIAN_DAY.sub(" ", text)
    return _EAST_ASIAN_TIME.sub(lambda match: f" {match[1]}:{int(match[2] or 0):02}:{int(match[3] or 0):02} ", text)


def _at(day: date, time: Time | None, zone: timedelta | None) -> ParsedDate | None:
    if not _FIRST_YEAR <= day.year <= _LAST_YEAR:
        return None
    hour, minute, second = time or (0, 0, 0)
    if (hour, minute, second) == (24, 0, 0):
        day, hour = day + timedelta(days=1), 0
    local = datetime(day.year, day.month, day.day, hour, minute, min(second, 59), tzinfo=timezone(zone or timedelta()))
    return ParsedDate(local.astimezone(UTC), time is not None, zone is not None, zone or timedelta())


def _weekday(text: str) -> tuple[int | None, str]:
    """The weekday and the text without it. A name that is also a month's, such as `mar`, is left for the month."""
    known = names()
    if not text.isascii() and (match := _TWO_WORDS.match(text)) and (day := known.days.get(fold(match[0]))) is not None:
        return day, text[match.end() :]
    for match in _WORD.finditer(text):
        word = fold(match[0])
        if match[0] in ABBREVIATIONS and text[: match.start()].rstrip()[-1:].isdigit():
            continue  # behind a clock `CET` is a zone, and not the Slovenian Thursday
        if word in known.days and (word not in known.months or _has_other_month(text, match.span())):
            return known.days[word], f"{text[: match.start()]} {text[match.end() :]}"
    return None, text


def _has_other_month(text: str, span: tuple[int, int]) -> bool:
    months = names().months
    return any(fold(one[0]) in months for one in _WORD.finditer(text) if one.span() != span)


def _numeric_day(text: str, weekday: int | None, day_first: bool | None) -> tuple[date, str] | None:
    if match := _YEAR_FIRST.search(text):
        return date(_year(int(match[1])), int(match[3]), int(match[4])), without(text, match)
    if (match := _YEAR_LAST.search(text)) is None:
        return None
    first, second, year = int(match[1]), int(match[3]), _year(int(match[4]))
    if match[2] == ".":
        day_first = True  # no country writes the month first with full stops
    readings = [(year, second, first)] if second <= 12 else []
    if first <= 12 and match[2] != ".":
        readings.append((year, first, second))
    dates = list(dict.fromkeys(date(*one) for one in readings))
    if len(dates) > 1 and weekday is not None:
        dates = [one for one in dates if one.weekday() == weekday] or dates
    if len(dates) > 1 and day_first is not None:
        dates = dates[:1] if day_first else dates[1:]
    return (dates[0], without(text, match)) if len(dates) == 1 else None


def _year(year: int) -> int:
    # The Thai calendar counts from the death of the Buddha.
    return year - _BUDDHIST if year > _LAST_YEAR + 300 else year


def _named_day(text: str) -> tuple[date, str] | None:
    """A day whose month is a name: `19 November 2026`, `Nov. 19, 2026`, `2026. november 19.`."""
    clocks = [match.span() for pattern in (CLOCK, HOUR, _NUMERIC_ZONE) for match in pattern.finditer(text)]
    words = [match for match in _WORD.finditer(text) if not any(a <= match.start() < b for a, b in clocks)]
    years = [one for one in words if one[0].isdigit() and len(one[0]) == 4]
    if len(years) != 1:
        return None  # most texts with a number: before the months of 60 languages are looked up
    place, span = _month_place(words)
    if place is None:
        return None
    before = next((one for one in reversed(words[:place]) if not _is_filler(one[0])), None)
    after = next((one for one in words[place + span :] if not _is_filler(one[0])), None)
    days = [one for one in (before, after) if one is not None and one[0].isdigit() and len(one[0]) <= 2]
    if len(days) != 1:
        return None
    month = _month(words[place : place + span], dotted=text[days[0].end() : days[0].end() + 1] == ".")
    day = date(_year(int(years[0][0])), month, int(days[0][0]))
    used = sorted((one.span() for one in (years[0], days[0], *_months_in(words))), reverse=True)
    for start, end in used:
        text = f"{text[:start]} {text[end:]}"
    return day, text


def _months_in(words: Sequence[re.Match[str]]) -> list[re.Match[str]]:
    found: list[re.Match[str]] = []
    for place in range(len(words)):
        for span in (1, 2):
            if _months_of(words[place : place + span]):
                found += [word for word in words[place : place + span] if word not in found]
    return found


def _month_place(words: Sequence[re.Match[str]]) -> tuple[int | None, int]:
    """Where the month is, and of how many words; nowhere if two different ones are named."""
    places = [
        (place, span) for place in range(len(words)) for span in (2, 1) if _months_of(words[place : place + span])
    ]
    months = {_months_of(words[place : place + span]) for place, span in places}
    return places[0] if len(months) == 1 else (None, 0)


def _months_of(words: Sequence[re.Match[str]]) -> tuple[int, ...]:
    key = fold(" ".join(word[0] for word in words))
    months = names().months
    # Hebrew writes `in` together with the month.
    return months.get(key) or (months.get(key[1:], ()) if key[:1] == "ב" else ())


def _month(words: Sequence[re.Match[str]], *, dotted: bool) -> int:
    months = _months_of(words)
    return months[0] if len(months) == 1 else months[dotted]


def _is_filler(text: str) -> bool:
    """Whether nothing is left but words that connect the parts of a date."""
    return all(fold(match[0]) in _FILLERS for match in _WORD.finditer(text))
