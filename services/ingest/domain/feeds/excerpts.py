"""Tells summaries that a content system cut from the beginning of the body from summaries that an editor wrote."""

from __future__ import annotations

import re
from typing import Final

_CUT_OFF: Final = re.compile(
    r"(?:…|\.{3}|(?:continue reading|read (?:more|on|full)|weiterlesen|lire la suite|leer más).{0,80})\W*$"
    r"|\[(?:…|\.{3})\]",
    re.IGNORECASE,
)
_WORD: Final = re.compile(r"\w+")
_COMPARED: Final = 12
"""Words at the beginning that decide; an excerpt may differ later, where a caption or a list was left out."""


def is_excerpt(summary: str, body: str) -> bool:
    """Whether the summary is empty, cut off, or says what the body begins with."""
    words = _WORD.findall(summary.casefold())
    if not words or _CUT_OFF.search(summary):
        return True
    start = _WORD.findall(body[: 4 * len(summary) + 400].casefold())
    begin = (words[:-1] if len(words) > 1 else words)[:_COMPARED]  # the last word may be cut off
    return any(start[place : place + len(begin)] == begin for place in range(min(len(start), 60)))
