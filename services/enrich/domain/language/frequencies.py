"""Word frequencies by language, from the wordfreq package."""

from __future__ import annotations

import math
from collections.abc import Mapping
from functools import lru_cache
from typing import Final

import wordfreq

_LISTS: Final = {"nn": "nb", "no": "nb", "hr": "sh", "sr": "sh", "bs": "sh", "tl": "fil"}
_FLOOR: Final = 2e-7
"""Frequency assumed for unlisted words; the rarest listed words have 1e-6."""
ZIPF_FLOOR: Final = math.log10(_FLOOR) + 9


@lru_cache(maxsize=8)
def shares(language: str) -> Mapping[str, float]:
    """Relative frequency of about 30,000 words of a BCP 47 language; empty for a language without a list."""
    primary = language.partition("-")[0].lower()
    name = _LISTS.get(primary, primary)
    return wordfreq.get_frequency_dict(name, "small") if name in _available() else {}


def zipf(word: str, known: Mapping[str, float]) -> float:
    """Zipf frequency of a lower-case word, log10 of occurrences per 10^9 words: 7 for `the`, 2.3 if unlisted."""
    share = known.get(word)
    return ZIPF_FLOOR if share is None else math.log10(share) + 9


@lru_cache(maxsize=1)
def _available() -> frozenset[str]:
    return frozenset(wordfreq.available_languages("small"))
