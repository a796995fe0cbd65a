"""Phrases of many languages by meaning, from `phrases.toml`."""

from __future__ import annotations

import re
import tomllib
import unicodedata
from collections.abc import Iterator, Mapping, Sequence
from functools import lru_cache
from importlib.resources import files
from typing import Final

_OPTIONAL: Final = re.compile(r"\(([^()]*)\)")
_WILDCARD: Final = r".{0,60}?"
_NUMBER: Final = re.compile(r"(?:\s*[:：])?\s*[(（]?\d[\d.,]*(?:\s?[km]\b)?[)）]?", re.IGNORECASE)
_FRAME: Final = " \t-–—*=_~•·|[](){}<>#!/:.…»«▼↓►▶▪■◆●【】「」『』《》（）：。、,;；›‹→←↑！"
_MARKS: Final = re.compile("[\u0640\u064b-\u0652\u0307]")  # Arabic vowels and lengthening, the dot of Turkish İ
_LETTERS: Final = str.maketrans({"ı": "i", "أ": "ا", "إ": "ا", "آ": "ا", "’": "'", "ё": "е"})


@lru_cache(maxsize=1)
def _tables() -> Mapping[str, Mapping[str, Sequence[str]]]:
    text = files("services.enrich.domain").joinpath("phrases.toml").read_text(encoding="utf-8")
    return tomllib.loads(text)


@lru_cache(maxsize=4_096)
def fold(line: str) -> str:
    """A line for comparison: no case, no frame, no vowel marks, spaces as one, `0` for numbers."""
    folded = _MARKS.sub("", unicodedata.normalize("NFKC", line).casefold()).translate(_LETTERS)
    return " ".join(_NUMBER.sub(" 0 ", folded.strip(_FRAME)).strip(_FRAME).split())


def phrases(meaning: str) -> tuple[str, ...]:
    """All phrases of a table as they stand there, longest first."""
    rows = _tables()[meaning].values()
    return tuple(sorted(dict.fromkeys(phrase for row in rows for phrase in row), key=len, reverse=True))


@lru_cache(maxsize=64)
def exact(meaning: str) -> frozenset[str]:
    """The folded forms of the phrases of a table that have no wildcard, or only an optional one."""
    forms = (form for phrase in phrases(meaning) for form in _forms(phrase) if "*" not in form)
    return frozenset(folded for form in forms if (folded := fold(form)))


@lru_cache(maxsize=64)
def open_ended(meaning: str) -> re.Pattern[str]:
    """Matches folded lines by the phrases of a table that have a wildcard; `rest` is not grouped."""
    forms = {form for phrase in phrases(meaning) for form in _forms(phrase) if "*" in form}
    patterns = (_WILDCARD.join(map(re.escape, map(_folded_part, form.split("*")))) for form in sorted(forms))
    return re.compile("|".join(patterns) or r"(?!)")


def alternatives(meaning: str) -> str:
    """A regular expression for any phrase of a table in running text, without groups of its own."""
    return "|".join(map(_pattern, phrases(meaning)))


def _pattern(phrase: str) -> str:
    escaped = _OPTIONAL.sub(lambda match: f"\x00{match[1]}\x01", phrase)
    escaped = re.escape(escaped).replace("\x00", "(?:").replace("\\\x00", "(?:").replace("\x01", ")?")
    return escaped.replace(r"\*", _WILDCARD).replace(r"\ ", r"\s+")


def _forms(phrase: str) -> Iterator[str]:
    """The phrase with and without each of its optional parts."""
    match = _OPTIONAL.search(phrase)
    if match is None:
        yield " ".join(phrase.replace("#", "0").split())
        return
    for part in ("", match[1]):
        yield from _forms(phrase[: match.start()] + part + phrase[match.end() :])


def _folded_part(part: str) -> str:
    """A part of a phrase next to a wildcard, folded but with the spaces at its ends."""
    folded = fold(part)
    before, after = (" " if part[:1] == " " else ""), (" " if part[-1:] == " " else "")
    return f"{before}{folded}{after}" if folded else part
