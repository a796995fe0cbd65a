"""Phrases of many languages by meaning, from `phrases.toml`."""

from __future__ import annotations

import re
import tomllib
from collections.abc import Mapping, Sequence
from functools import lru_cache
from importlib.resources import files
from typing import Final

_OPTIONAL: Final = re.compile(r"\\\(([^()]*)\\\)")
_WILDCARD: Final = r".{0,60}?"


@lru_cache(maxsize=1)
def _tables() -> Mapping[str, Mapping[str, Sequence[str]]]:
    text = files("services.enrich.domain").joinpath("phrases.toml").read_text(encoding="utf-8")
    return tomllib.loads(text)


def phrases(meaning: str) -> tuple[str, ...]:
    """All phrases of a table, longest first."""
    rows = _tables()[meaning].values()
    return tuple(sorted(dict.fromkeys(phrase for row in rows for phrase in row), key=len, reverse=True))


def alternatives(meaning: str) -> str:
    """A regular expression for any phrase of a table, without groups of its own."""
    return "|".join(map(pattern, phrases(meaning)))


def pattern(phrase: str) -> str:
    """The regular expression of one phrase: `(x)` is optional, `*` stands for up to 60 characters."""
    escaped = re.escape(phrase)
    escaped = _OPTIONAL.sub(lambda match: f"(?:{match[1]})?", escaped)
    return escaped.replace(r"\*", _WILDCARD).replace(r"\ ", r"\s+")
