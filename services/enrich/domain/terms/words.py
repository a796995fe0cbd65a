"""Tokens, stop words, word count and reading time."""

from __future__ import annotations

import math
import re
from functools import lru_cache
from importlib.metadata import distribution
from pathlib import Path
from typing import Final

from services.enrich.domain.terms.segmentation import (
    HANGUL,
    UNSPACED,
    UNSPACED_WITHOUT_LIST,
    WORD,
    is_segmented,
    segments,
)
from services.enrich.domain.terms.vocabulary import FRAGMENTS

WORDS_PER_MINUTE: Final = 230
CHARACTERS_PER_MINUTE: Final = 500
"""Of Chinese, Japanese, Korean, Thai and other scripts whose characters are read, not their words."""
_CHARACTERS_PER_WORD: Final = 4
"""In scripts without spaces for which there is no list of words: Thai, Lao, Khmer, Burmese."""
_TOKEN: Final = re.compile(WORD)
_MAX_TOKEN: Final = 60
_LISTS: Final = {"cs": "cz", "nb": "no", "nn": "no"}
"""Languages whose list has another code in its name."""
_ENCODINGS: Final = {"lt": "cp1257", "sk": "cp1250"}


def tokens(text: str, language: str = "") -> list[str]:
    """Lower-case alphanumeric words of 2 to 60 characters, in order; combining marks belong to their words.

    Chinese and Japanese are cut by a list of words if `language` says so.
    """
    lowered = segments(text.lower(), language) if is_segmented(language) else text.lower()
    return [word for word in _TOKEN.findall(lowered) if 2 <= len(word) <= _MAX_TOKEN]


@lru_cache(maxsize=64)
def stop_words(language: str) -> frozenset[str]:
    """Stop words of a BCP 47 language; without a list of its own, only the fragments of contractions."""
    primary = language.partition("-")[0].lower()
    path = _stop_lists().get(_LISTS.get(primary, primary))
    text = path.read_text(_ENCODINGS.get(primary, "utf-8-sig")) if path else ""
    return frozenset(text.lower().split("\n")) | FRAGMENTS


@lru_cache(maxsize=1)
def _stop_lists() -> dict[str, Path]:
    """The lists that YAKE carries, by the language codes of their file names; see docs/adr/0030-stop-words.md.

    YAKE itself is not imported: it would load networkx into every parser, 14 MB for a text file.
    """
    paths = [Path(str(file.locate())) for file in distribution("yake").files or () if file.match("stopwords_*.txt")]
    return {path.stem.removeprefix("stopwords_"): path for path in paths}


def count(text: str, language: str = "") -> int:
    """Words as a reader counts them: `don't` and `well-known` are one.

    Chinese and Japanese words are those of a list; in other scripts without spaces four letters count as a word.
    """
    if is_segmented(language):
        text = segments(text, language)
    unlisted = len(UNSPACED_WITHOUT_LIST.findall(text))
    spaced = UNSPACED_WITHOUT_LIST.sub(" ", text) if unlisted else text
    words = sum(1 for word in spaced.split() if any(map(str.isalnum, word)))
    return words + math.ceil(unlisted / _CHARACTERS_PER_WORD)


def reading_minutes(text: str) -> int:
    """Whole minutes, at least 1: 230 words a minute, or 500 characters where characters are read."""
    characters = len(UNSPACED.findall(text)) + len(HANGUL.findall(text))
    spaced = HANGUL.sub(" ", UNSPACED.sub(" ", text)) if characters else text
    return max(1, math.ceil(characters / CHARACTERS_PER_MINUTE + count(spaced) / WORDS_PER_MINUTE))
