"""The language of a text as a BCP 47 tag."""

from __future__ import annotations

import re
from typing import Final

import py3langid  # type: ignore[import-untyped]

UNKNOWN: Final = "und"
_BCP47: Final = re.compile(r"^(?P<primary>[A-Za-z]{2,3})(?:[-_](?P<script>[A-Za-z]{4}))?(?:[-_](?P<region>[A-Za-z]{2}|\d{3}))?$")  # fmt: skip  # noqa: E501
_SAMPLE: Final = 2_000
_MIN_LETTERS: Final = 24
_MIN_LETTERS_OWN_SCRIPT: Final = 6


def normalise(tag: str | None) -> str | None:
    """`en_us` as `en-US`; None for anything that is not language, optional script and optional region."""
    match = _BCP47.match(tag.strip()) if tag and len(tag) <= 35 else None
    if match is None:
        return None
    parts = [match["primary"].lower(), (match["script"] or "").title(), (match["region"] or "").upper()]
    return "-".join(part for part in parts if part)


def detect(text: str) -> str:
    """The likeliest language of the first 2,000 characters; `und` when there are too few letters to tell."""
    sample = text[:_SAMPLE]
    letters = [char for char in sample if char.isalpha()]
    # A few letters of a script of its own say as much as a sentence in Latin letters.
    enough = _MIN_LETTERS if all(char < "\u0370" for char in letters) else _MIN_LETTERS_OWN_SCRIPT
    if len(letters) < enough:
        return UNKNOWN
    code, _ = py3langid.classify(sample)
    return str(code)
