"""Scoring rules, as defined by the authors of the data sets."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Collection, Iterable, Sequence
from typing import Final
from unicodedata import normalize

_TOKEN: Final = re.compile(r"\w+")
_PUNCTUATION: Final = re.compile(r"[^\w\s]|_")
_SHINGLE: Final = 4

Shares = tuple[float, float, float]
"""True positives, false positives and false negatives of one text, divided by their sum."""


def shingle_shares(wanted: str, got: str) -> Shares:
    """Agreement of two texts in shingles of four words (the rule of the article extraction benchmark)."""
    expected, found = _shingles(wanted), _shingles(got)
    hits = sum((expected & found).values())
    extra, missed = sum((found - expected).values()), sum((expected - found).values())
    total = hits + extra + missed
    return (hits / total, extra / total, missed / total) if total else (0.0, 0.0, 0.0)


def shingle_f1(shares: Sequence[Shares]) -> tuple[float, float, float]:
    """F1, precision and recall of a set of texts: the F1 of the two means over the texts."""
    precision = _mean(_share(hits, extra, missed) for hits, extra, missed in shares if hits + extra)
    recall = _mean(_share(hits, missed, extra) for hits, extra, missed in shares if hits + missed)
    total = precision + recall
    return (2 * precision * recall / total if total else 0.0), precision, recall


def _share(hits: float, wrong: float, other: float) -> float:
    return 1.0 if wrong == other == 0 else hits / (hits + wrong)


def _shingles(text: str) -> Counter[tuple[str, ...]]:
    # Both texts are compared in NFC: letters and accents written apart are several tokens, and the product joins them.
    words = _TOKEN.findall(normalize("NFC", text))
    shingles = (tuple(words[i : i + _SHINGLE]) for i in range(max(1, len(words) - _SHINGLE + 1)))
    return Counter(shingle for shingle in shingles if shingle)


def snippet_counts(wanted: Iterable[str], unwanted: Iterable[str], got: str) -> tuple[int, int, int]:
    """Wanted snippets found, unwanted ones found, wanted ones missed; white space is ignored."""
    text = " ".join(got.split())
    hits = [" ".join(snippet.split()) in text for snippet in wanted]
    false = sum(1 for snippet in unwanted if " ".join(snippet.split()) in text)
    return sum(hits), false, len(hits) - sum(hits)


def f1(hits: int, false: int, missed: int) -> float:
    """F1 of counts; 0 when there is nothing to count."""
    total = 2 * hits + false + missed
    return 2 * hits / total if total else 0.0


def exact(wanted: str, got: str) -> bool:
    """Whether two texts are equal after lower-casing and dropping punctuation."""
    return bare(wanted) == bare(got)


def same_names(wanted: Collection[str], got: Collection[str]) -> bool:
    """Whether two sets of names are equal, each name compared like `exact`."""
    return {bare(name) for name in wanted} == {bare(name) for name in got}


def bare(text: str) -> str:
    """Lower case, without punctuation, single blanks."""
    return " ".join(_PUNCTUATION.sub(" ", text.lower()).split())


def _mean(values: Iterable[float]) -> float:
    found = list(values)
    return sum(found) / len(found) if found else 0.0


def share(flags: Sequence[bool]) -> float:
    """The share of true values; 0 for none."""
    return sum(flags) / len(flags) if flags else 0.0
