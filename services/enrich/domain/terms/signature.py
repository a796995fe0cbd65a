"""The heaviest terms of an article, by which related articles are re-ranked."""

from __future__ import annotations

from collections import Counter
from typing import Final

from services.enrich.domain.terms.words import stop_words, tokens
from shared.stems import stem

SIZE: Final = 60
"""Twice as many, or pairs of words too, made related articles no better: `broadsheet bench quality --only related`."""


def signature(title: str, text: str, language: str) -> tuple[tuple[str, float], ...]:
    """At most 60 terms, without plural endings, with their frequency; most frequent first, ties by first occurrence.

    A term of the title counts twice. `text` is what follows the title.
    """
    stops = stop_words(language)

    def terms(words: str) -> list[str]:
        # Most terms of a text occur once; a number says less about kinship than a word.
        return [stem(term) for term in tokens(words) if term not in stops and not term.isdigit()]

    titled = terms(title)
    counts = Counter(titled + titled + terms(text))
    return tuple((term, float(frequency)) for term, frequency in counts.most_common(SIZE))
