"""Keyphrases by YAKE, kept within a bound of input and free of near-repetitions."""

from __future__ import annotations

import re
from functools import lru_cache
from typing import Final

from yake import KeywordExtractor  # type: ignore[import-untyped]

from services.enrich.domain.slug import slugify
from shared.articles import Keyphrase

TOP: Final = 12
MAX_CHARACTERS: Final = 8_000
"""YAKE takes about 35 ms per 1,000 words, and news says what it is about near the top."""
_MAX_WORDS: Final = 3
_FLOOR: Final = 1e-6
_LONG: Final = re.compile(r"\S{41,}")  # an endless word is no phrase, and slow in the tokenizer
_POSSESSIVE: Final = re.compile(r"['’]s\b")
_PARAGRAPH_END: Final = re.compile(r"(?<=[^\s.!?…:;])\s*\n+|\n+")


@lru_cache(maxsize=8)
def _extractor(language: str) -> KeywordExtractor:
    return KeywordExtractor(lan=language, n=_MAX_WORDS, dedup_lim=0.9, dedup_func="seqm", top=TOP * 3)


def keyphrases(text: str, language: str) -> tuple[Keyphrase, ...]:
    """At most 12 phrases of one to three words, weights in (0, 1], heaviest first; empty for a text without words."""
    # No phrase reaches over a possessive or from one paragraph into the next.
    sample = _PARAGRAPH_END.sub(" . ", _POSSESSIVE.sub(" ,", _LONG.sub(" ", text[:MAX_CHARACTERS])))
    primary = {"cs": "cz", "nb": "no", "nn": "no"}.get(language.partition("-")[0], language.partition("-")[0])
    scored = _extractor(primary).extract_keywords(sample)
    kept: dict[str, tuple[str, float]] = {}
    for phrase, score in scored:
        key = slugify(phrase, empty="")
        if key and not _repeats(key, kept):
            kept[key] = (" ".join(phrase.split()), max(float(score), _FLOOR))
        if len(kept) == TOP:
            break
    best = min((score for _, score in kept.values()), default=1.0)
    # YAKE's best score is the lowest one.
    return tuple(Keyphrase(phrase=phrase, weight=round(max(best / score, 0.001), 4)) for phrase, score in kept.values())


def _repeats(key: str, kept: dict[str, tuple[str, float]]) -> bool:
    """Whether a heavier phrase already says it: the same words, a part of it, or its plural."""
    words = {word.removesuffix("s") for word in key.split("-")}
    return any(words <= {word.removesuffix("s") for word in other.split("-")} for other in kept)
