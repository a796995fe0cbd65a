"""Language identity: one canonical BCP 47 form, and RFC 4647 basic filtering (`pt` finds `pt-BR`)."""

from __future__ import annotations

import re
from functools import lru_cache
from typing import Final

import langcodes

UNKNOWN: Final = "und"
EXPECTED: Final = "expected a language (BCP 47) such as en or pt-BR"
MAX_LENGTH: Final = 35
"""Characters of a tag: what RFC 5646 section 4.4.1 asks every implementation to hold."""
_SHAPE: Final = re.compile(r"(?:[A-Za-z]{2,8}|[IXix])(?:[-_][A-Za-z0-9]{1,8})*")


@lru_cache(maxsize=4_096)
def canonical_language(tag: str) -> str | None:
    """The canonical form: `EN` is `en`, `pt_br` is `pt-BR`, `eng` is `en`, `iw` is `he`. None for what is no tag."""
    tag = tag.strip()
    if len(tag) > MAX_LENGTH or not _SHAPE.fullmatch(tag):
        return None
    try:
        return langcodes.standardize_tag(tag)
    except ValueError:  # the subtags are not those of RFC 5646, as in `english`
        return None


def require_language(tag: str) -> str:
    """The canonical form of a tag; raises ValueError for what is none."""
    found = canonical_language(tag)
    if found is None:
        raise ValueError(EXPECTED)
    return found


def language_range(text: str) -> str:
    """The canonical form of a basic range (RFC 4647) to filter by; a range that is no tag matches nothing.

    Raises ValueError for text that is not of the form of a range.
    """
    text = text.strip()
    if len(text) > MAX_LENGTH or not _SHAPE.fullmatch(text):
        raise ValueError(EXPECTED)
    return canonical_language(text) or text.lower()


@lru_cache(maxsize=4_096)
def language_ranges(tag: str) -> tuple[str, ...]:
    """Every basic range that matches the tag, shortest first: `pt` and `pt-BR` for `pt-BR`."""
    parts = (canonical_language(tag) or tag).split("-")
    return tuple("-".join(parts[:count]) for count in range(1, len(parts) + 1))
