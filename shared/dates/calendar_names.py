"""Names of months, weekdays and halves of the day, and relative times, from CLDR.

The table is written by `broadsheet/training/calendar_names.py`.
"""

from __future__ import annotations

import json
import re
import unicodedata
from collections.abc import Mapping
from functools import lru_cache
from importlib.resources import files
from typing import Final, NamedTuple, TypeVar

_DIGITS: Final = re.compile(r"\d+")
_LATIN_MARKS: Final = re.compile(r"(?<=[a-z])[\u0300-\u036f]+")
_MAX_RELATIVE: Final = 40
_Value = TypeVar("_Value")


def _phrases(text: str) -> frozenset[str]:
    return frozenset(" ".join(phrase.split()) for phrase in text.split("|"))


# Wordings that CLDR has only with a number, or not at all.
_RELATIVE: Final = _phrases("""
    just now| now| today| yesterday| an hour ago| a minute ago| a day ago| a week ago| a
    month ago| a year ago| last week| #h ago| #m ago| #d ago| #hr ago| #min ago| moments
    ago| heute| gestern| gerade eben| vor einer stunde| vor einem tag| vor einer minute|
    aujourd'hui| hier| à l'instant| il y a une heure| il y a un jour| il y a une minute|
    hoy| ayer| hace una hora| hace un día| hace un minuto| oggi| ieri| un'ora fa| un
    giorno fa| un minuto fa| hoje| ontem| há uma hora| há um dia| há um minuto| vandaag|
    gisteren| een uur geleden| zojuist| сегодня| вчера| час назад| минуту назад| только
    что| dziś| dzisiaj| wczoraj| godzinę temu| przed chwilą| bugün| dün| bir saat önce|
    az önce| 今日| 昨日| たった今| 今天| 昨天| 刚刚| 剛剛| اليوم| أمس| منذ ساعة| قبل ساعة| منذ ساعتين|
    قبل ساعتين| 오늘| 어제| 방금| сьогодні| вчора| dnes| včera| idag| igår| i dag| i går| #
    мин назад| # час назад| # ч назад| # d geleden| # godz temu| # sa önce| # dk önce|
    há #h| há # h| hace # h| hace # min| il y a # h| il y a # min| vor # std| vor # min|
    # u geleden| # h fa| # min fa| #分前| #時間前| #日前| #分钟前| #小时前| #天前| #分鐘前| #小時前| #일 전|
    #시간 전| #분 전
""")


# Abbreviations of server locales (glibc, PHP) that CLDR does not have.
_SHORT_MONTHS: Final = {
    "сен": (9,), "ноя": (11,), "січ": (1,), "лют": (2,), "бер": (3,), "кві": (4,), "тра": (5,), "чер": (6,),
    "лип": (7,), "сер": (8,), "вер": (9,), "жов": (10,), "лис": (11,), "гру": (12,), "haz": (6,),
    "mrt": (3,), "mrz": (3,), "נוב": (11,),
}  # fmt: skip


class _Names(NamedTuple):
    months: Mapping[str, tuple[int, ...]]
    days: Mapping[str, int]
    periods: Mapping[str, str]
    relative: frozenset[str]


@lru_cache(maxsize=2_048)
def fold(text: str) -> str:
    """Lower case without full stops, spaces as one; Turkish `İ` and `ı` as `i`."""
    lowered = text.lower().replace(".", "").replace("i\u0307", "i").replace("ı", "i").replace("’", "'")
    return " ".join(lowered.split())


@lru_cache(maxsize=1)
def names() -> _Names:
    """The table, with keys folded and also without accents where they are Latin."""
    table = json.loads(files("shared.dates").joinpath("calendar_names.json").read_text(encoding="utf-8"))
    return _Names(
        _SHORT_MONTHS | {name: tuple(value) for name, value in _folded(table["months"]).items()},
        _folded(table["days"]),
        _folded(table["periods"]),
        frozenset(map(fold, table["relative"])) | frozenset(map(fold, _RELATIVE)),
    )


def _folded(table: Mapping[str, _Value]) -> dict[str, _Value]:
    found = {fold(name): value for name, value in table.items()}
    for name, value in list(found.items()):
        found.setdefault(unicodedata.normalize("NFC", _LATIN_MARKS.sub("", unicodedata.normalize("NFD", name))), value)
    return found


def is_relative(text: str) -> bool:
    """Whether the text is a past time relative to now and nothing else: `3 hours ago`, `vor 2 Std.`, `3時間前`."""
    if not 3 < len(text) + 2 <= _MAX_RELATIVE:
        return False
    folded = _DIGITS.sub("#", fold(unicodedata.normalize("NFKC", text)))
    if folded.startswith("منذ #"):
        folded = "قبل" + folded.removeprefix("منذ")  # the other usual preposition
    return folded in names().relative or folded.replace(" ", "") in names().relative
