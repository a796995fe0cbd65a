"""Signature: the most frequent terms of an article, used to re-rank related articles."""

from __future__ import annotations

from collections import Counter
from typing import Final

from services.enrich.domain.terms.words import stop_words, tokens
from shared.stems import stem

SIZE: Final = 60
"""Neither twice as many terms nor word pairs improved `broadsheet bench quality --only related`."""


def signature(title: str, text: str, language: str) -> tuple[tuple[str, float], ...]:
    """At most 60 stemmed terms with their frequency; descending, ties by first occurrence.

    Terms of the title count twice. `text` excludes the title.
    """
    stops = stop_words(language)

    def terms(words: str) -> list[str]:
        # Numbers are weaker evidence of relatedness than words.
        return [stem(term) for term in tokens(words, language) if term not in stops and not term.isdigit()]

    in_title = terms(title)
    counts = Counter(in_title + in_title + terms(text))
    return tuple((term, float(frequency)) for term, frequency in counts.most_common(SIZE))
