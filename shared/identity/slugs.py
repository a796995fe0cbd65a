"""Slugs: the readable part of an article's URL, and the normalised form of tags."""

from __future__ import annotations

import re
import unicodedata
from typing import Final

MAX_LENGTH: Final = 80
_FOLDED: Final = str.maketrans({
    "ß": "ss", "ẞ": "ss", "æ": "ae", "Æ": "ae", "œ": "oe", "Œ": "oe", "ø": "o", "Ø": "o", "ł": "l", "Ł": "l",
    "đ": "d", "Đ": "d", "ð": "d", "Ð": "d", "þ": "th", "Þ": "th", "ı": "i", "'": "", "’": "", "‘": "", "ʼ": "",
})  # fmt: skip
_AMPERSAND: Final = re.compile(r"\s*&\s*")
_INPUT_LIMIT: Final = 1_000


def slugify(text: str, *, limit: int = MAX_LENGTH, empty: str = "article") -> str:
    """Lower-case words joined by hyphens, at most `limit` characters, cut between words where possible.

    Latin letters lose their accents; other scripts keep theirs. `empty` is returned when no letter or digit is left.
    """
    text = unicodedata.normalize("NFKC", text[:_INPUT_LIMIT]).translate(_FOLDED)
    text = _AMPERSAND.sub(" and ", text).casefold()
    return _cut("-".join(_words(text)), limit) or empty


def _words(text: str) -> list[str]:
    kept: list[str] = []
    latin = False
    for char in unicodedata.normalize("NFD", text):
        if unicodedata.combining(char) or unicodedata.category(char).startswith("M"):
            if not latin:
                kept.append(char)  # a vowel sign of Devanagari or Thai is part of the word
            continue
        is_word = unicodedata.category(char)[0] in "LN"
        latin = is_word and char < "\u0250"
        kept.append(char if is_word else " ")
    return unicodedata.normalize("NFC", "".join(kept)).split()


def _cut(slug: str, limit: int) -> str:
    if len(slug) <= limit:
        return slug
    whole_words = slug[: limit + 1].rpartition("-")[0]
    # A very long word is truncated.
    return whole_words if len(whole_words) > limit // 2 else slug[:limit].rstrip("-")
