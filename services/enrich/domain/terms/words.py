"""Tokens, stop words, word count and reading time."""

from __future__ import annotations

import math
import re
from functools import lru_cache
from typing import Final

from yake import KeywordExtractor  # type: ignore[import-untyped]

from services.enrich.domain.terms.vocabulary import FRAGMENTS

WORDS_PER_MINUTE: Final = 230
_TOKEN: Final = re.compile(r"[^\W_]+")
# Scripts written without spaces: a character counts as a word.
_UNSPACED: Final = re.compile(r"[\u0e00-\u0eff\u1780-\u17ff\u3040-\u30ff\u3400-\u4dbf\u4e00-\u9fff]")
_MAX_TOKEN: Final = 60


def tokens(text: str) -> list[str]:
    """Lower-case alphanumeric words of 2 to 60 characters, in order."""
    return [word for word in _TOKEN.findall(text.lower()) if 2 <= len(word) <= _MAX_TOKEN]


@lru_cache(maxsize=64)
def stop_words(language: str) -> frozenset[str]:
    """Stop words of a BCP 47 language; a list over many languages where there is none of its own."""
    # YAKE carries the lists; its two-letter codes for Czech and Greek are those of its files.
    primary = language.partition("-")[0].lower()
    name = {"cs": "cz", "nb": "no", "nn": "no"}.get(primary, primary)
    return frozenset(KeywordExtractor(lan=name, n=1, top=1).stopword_set) | FRAGMENTS


def count(text: str) -> int:
    """Words as a reader counts them: `don't` and `well-known` are one; in scripts without spaces a character is one."""
    unspaced = len(_UNSPACED.findall(text))
    spaced = _UNSPACED.sub(" ", text) if unspaced else text
    return unspaced + sum(1 for word in spaced.split() if any(map(str.isalnum, word)))


def reading_minutes(words: int) -> int:
    """Whole minutes at 230 words a minute, at least 1."""
    return max(1, math.ceil(words / WORDS_PER_MINUTE))
