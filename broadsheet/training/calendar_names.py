"""Writes `shared/dates/calendar_names.json`: month, weekday and day-period names, and relative times, from CLDR.

Babel carries CLDR (Unicode licence). It is used here only: loading it takes 2.5 seconds, which services avoid.
 Run: `python -m broadsheet.training.calendar_names`.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from contextlib import suppress
from datetime import timedelta
from itertools import product
from pathlib import Path
from typing import Final, Literal

from babel import Locale
from babel.dates import format_timedelta, get_day_names, get_month_names, get_period_names

TARGET: Final = Path(__file__).parents[2] / "shared" / "dates" / "calendar_names.json"
LOCALES: Final = tuple(
    "en de fr es it pt nl ru pl tr ja zh zh_Hant ar ar_LB ar_DZ ar_MA uk be cs sk sl hr sr sr_Latn bs mk sv da nb nn "  # noqa: SIM905
    "fi et lv lt hu ro bg el he ko vi id ms th hi mr ne bn pa gu ta te kn ml si ur fa ca gl eu sq az uz kk ka hy mn is "
    "ga cy sw fil af my km".split()
)
_WIDTHS: Final = ("wide", "abbreviated")
_FORMS: Final[tuple[Literal["long", "short"], ...]] = ("long", "short")
_CONTEXTS: Final = ("format", "stand-alone")
_UNITS: Final = {"second": 1, "minute": 60, "hour": 3_600, "day": 86_400, "week": 604_800, "month": 2_629_800, "year": 31_557_600}  # fmt: skip  # noqa: E501
_COUNTS: Final = (1, 2, 3, 5, 21)


def folded(text: str) -> str:
    """Lower case, without full stops, spaces as one."""
    return " ".join(text.lower().replace(".", "").split())


def _months() -> dict[str, list[int]]:
    """Name -> [month] or, where languages differ, [month after `19`, month after `19.`], 0 for neither."""
    found: dict[str, dict[bool, set[int]]] = {}
    for tag in LOCALES:
        dotted = "d." in Locale.parse(tag).date_formats["long"].pattern
        for width in _WIDTHS:
            for context in _CONTEXTS:
                for month, name in get_month_names(width, context, tag).items():
                    found.setdefault(folded(name), {}).setdefault(dotted, set()).add(month)
    table: dict[str, list[int]] = {}
    for name, styles in sorted(found.items()):
        every = set().union(*styles.values())
        by_style = [styles.get(dotted, set()) for dotted in (False, True)]
        if not re.search(r"\d", name):
            one_each = [next(iter(months)) if len(months) == 1 else 0 for months in by_style]
            table[name] = [*every] if len(every) == 1 else one_each
    return table


def _days() -> dict[str, int]:
    """Name -> weekday, Monday being 0; names of different days in different languages are left out."""
    found: dict[str, set[int]] = {}
    for tag in LOCALES:
        for width in _WIDTHS:
            for context in _CONTEXTS:
                for day, name in get_day_names(width, context, tag).items():
                    found.setdefault(folded(name), set()).add(day)
    return {name: days.pop() for name, days in sorted(found.items()) if len(days) == 1 and len(name) > 1}


def _periods() -> dict[str, str]:
    """Name -> `am` or `pm`. Latin abbreviations other than these are left out: most are words in another language."""
    found: dict[str, set[str]] = {}
    for tag in LOCALES:
        for width in ("wide", "abbreviated"):
            names = get_period_names(width, "format", tag)
            for half in ("am", "pm"):
                if half in names:
                    found.setdefault(folded(names[half]), set()).add(half)
    latin = re.compile(r"[a-z\u00c0-\u024f ]+")
    found = {name: halves for name, halves in found.items() if name in {"am", "pm"} or not latin.fullmatch(name)}
    return {name: halves.pop() for name, halves in sorted(found.items()) if len(halves) == 1}


def _relative() -> Iterator[str]:
    """Past times such as `vor # Stunden`, with `#` for the number."""
    for tag in LOCALES:
        for seconds in _UNITS.values():
            for count, form in product(_COUNTS, _FORMS):
                delta = timedelta(seconds=-seconds * count)
                with suppress(KeyError):  # the locale lacks patterns for this unit
                    past = format_timedelta(delta, threshold=1.01, add_direction=True, format=form, locale=tag)
                    yield re.sub(r"\d+", "#", folded(past))


def main() -> None:
    """Write the file."""
    table = {
        "months": _months(),
        "days": _days(),
        "periods": _periods(),
        "relative": sorted({text for text in _relative() if "#" in text}),
    }
    lines = (f"{json.dumps(name)}: {json.dumps(value, ensure_ascii=False)}" for name, value in table.items())
    TARGET.write_text("{\n" + ",\n".join(lines) + "\n}\n", encoding="utf-8")


if __name__ == "__main__":
    main()
