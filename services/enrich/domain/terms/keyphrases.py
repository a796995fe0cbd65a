"""Keyphrase extraction: candidates scored by a linear model, near-duplicates removed.

Weights are from a logistic regression on annotated phrases (KPCrowd for English; WikiNews in French and 110-PT-BN-KP in
Portuguese for all other languages), rounded. docs/quality.md describes the validation.
"""

from __future__ import annotations

import math
import re
from collections.abc import Mapping
from typing import Final

from services.enrich.domain.language.frequencies import shares, zipf
from services.enrich.domain.terms.phrase_candidates import PhraseCandidate, candidates
from services.enrich.domain.terms.words import stop_words
from shared.articles import Keyphrase
from shared.identity.slugs import slugify

TOP: Final = 12
MAX_CHARACTERS: Final = 8_000
"""Later text adds few keyphrases in news."""
_LONG: Final = re.compile(r"\S{41,}")  # excludes URLs and other long tokens

FEATURES: Final = (
    "constant", "log count", "log first position / 5", "name, one word", "name, several words", "in title, one word",
    "in title, several words", "frequency in the language", "not in the language's list", "length, one word",
    "log count, several words", "cohesion", "stop word inside", "spread", "hyphen",
)  # fmt: skip
_ENGLISH: Final = (-1.1, 0.7, -1.4, -0.2, 0.1, -0.3, -0.3, 0.0, -0.2, 2.2, 0.3, 0.5, -1.7, 0.1, -4.0)
_OTHERS: Final = (-0.7, 1.2, -2.6, 0.5, 1.3, -1.0, -2.1, -0.5, -0.7, 1.4, 1.1, 0.7, -0.2, -0.7, -0.6)


def keyphrases(text: str, language: str) -> tuple[Keyphrase, ...]:
    """At most 12 phrases of one to three words, weights in (0, 1], descending; empty for a text without words.

    A first line of up to 200 characters counts as the title.
    """
    primary = language.partition("-")[0]
    weights = _ENGLISH if primary == "en" else _OTHERS
    scored = sorted(
        ((sum(map(float.__mul__, weights, row)), phrase, one) for phrase, one, row in with_features(text, language)),
        key=lambda item: (-item[0], item[2].first, item[1]),
    )
    kept: list[tuple[frozenset[str], str, float]] = []
    for score, _, one in scored:
        spelling = one.spellings.most_common(1)[0][0]
        stems = _stems(spelling)
        # Skip a phrase contained in a heavier one, or its plural.
        if stems and not any(stems <= other for other, _, _ in kept):
            kept.append((stems, spelling, 1 / (1 + math.exp(-score))))
        if len(kept) == TOP:
            break
    best = max((share for _, _, share in kept), default=1.0)
    return tuple(Keyphrase(phrase=phrase, weight=round(max(share / best, 0.001), 4)) for _, phrase, share in kept)


def with_features(text: str, language: str) -> list[tuple[str, PhraseCandidate, tuple[float, ...]]]:
    """Candidates worth scoring, each with its `FEATURES`."""
    sample = _LONG.sub(" ", text[:MAX_CHARACTERS])
    found, total = candidates(sample, language.partition("-")[0], stop_words(language))
    known = shares(language)
    return [
        (phrase, one, _features(phrase, one, found, total, known))
        for phrase, one in found.items()
        if len(one.words) == 1 or one.count > 1 or one.capital or one.of_title
    ]


def _features(
    phrase: str, one: PhraseCandidate, found: Mapping[str, PhraseCandidate], total: int, known: Mapping[str, float]
) -> tuple[float, ...]:
    rarity = [zipf(word, known) for word in one.words]
    count, single = math.log(one.count), " " not in phrase
    several = 0.0 if single else 1.0
    alone = max((found[word].count for word in one.words if word in found), default=one.count)
    return (
        1.0,
        count,
        math.log1p(one.first) / 5,
        (1 - several) * one.capitals,
        several * one.capitals,
        (1 - several) * one.of_title,
        several * one.of_title,
        sum(rarity) / len(rarity) - 4,
        max(0.0, 3.5 - min(rarity)),
        (1 - several) * min(len(phrase), 12) / 10,
        several * count,
        several * one.count / alone,
        float(one.stop_inside),
        (one.last - one.first) / max(1, total),
        float("-" in phrase),
    )


def _stems(phrase: str) -> frozenset[str]:
    return frozenset(word.removesuffix("s") for word in slugify(phrase, empty="").split("-") if word)
