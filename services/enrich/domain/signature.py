"""The heaviest terms of an article, by which related articles are re-ranked."""

from __future__ import annotations

from collections import Counter
from typing import Final

from services.enrich.domain.words import stop_words, tokens

SIZE: Final = 60


def signature(text: str, language: str) -> tuple[tuple[str, float], ...]:
    """At most 60 terms with their frequency in `text`, most frequent first, ties in order of first occurrence."""
    stops = stop_words(language)
    # Most terms of a text occur once; a number says less about kinship than a word.
    counts = Counter(term for term in tokens(text) if term not in stops and not term.isdigit())
    return tuple((term, float(frequency)) for term, frequency in counts.most_common(SIZE))
