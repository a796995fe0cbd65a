"""The language of a text as a BCP 47 tag.

Four opinions: py3langid (97 languages, byte sequences, fast), lingua's letter trigrams (75 languages, better on short
texts), how usual the words are in the languages that have a list of words, and, for African languages that have none,
lingua's full models. A long text of which py3langid is certain needs no second opinion, unless it is in one of the
languages that have a near twin; otherwise the language with the best weighted sum of the logarithms wins.
"""

from __future__ import annotations

import math
import re
from collections.abc import Iterator, Mapping
from typing import Final, NamedTuple

from services.enrich.domain.language import classifiers, word_lists

UNKNOWN: Final = "und"
_BCP47: Final = re.compile(r"^(?P<primary>[A-Za-z]{2,3})(?:[-_](?P<script>[A-Za-z]{4}))?(?:[-_](?P<region>[A-Za-z]{2}|\d{3}))?$")  # fmt: skip  # noqa: E501
_SAMPLE: Final = 1_200
_WORDS_SAMPLE: Final = 600
_MIN_LETTERS: Final = 24
_MIN_LETTERS_OWN_SCRIPT: Final = 6
_LONG: Final = 200
_CERTAIN: Final = 0.999

# The vote: what each opinion's logarithm weighs, beside that of lingua's trigrams.
_BYTES_WEIGHT: Final = 3.5
_WORDS_WEIGHT: Final = 2.9
_FULL_WEIGHT: Final = 7.7
_TRIGRAMS_FLOOR: Final = 0.0001
_BYTES_FLOOR: Final = 0.005
"""The least share a classifier gives a language: one that rules it out must not outvote the others.

py3langid's shares are extreme, so that its floor is high; above it, it weighs more.
"""
_BYTES_UNKNOWN: Final = 0.05
"""The share of a language that py3langid does not know."""
_FULL_FLOOR: Final = -12.0
_PRIORS: Final = {
    "bs": 1.6,
    "eo": -3.0,
    "et": -3.0,
    "la": -3.0,
    "sn": -5.0,
    "st": -5.0,
    "xh": -5.0,
    "yo": 5.0,
    "zu": -5.0,
}
"""For what the classifiers give some languages too often or too rarely: py3langid gives the Bantu languages that it
knows up to twice what is due to them, as it lacks others, and Yoruba and Bosnian three quarters; in the vote, short
foreign names pass for Latin, Esperanto or Estonian."""
_TWINS: Final = frozenset(
    [
        "nb",
        "nn",
        "no",
        "da",
        "id",
        "ms",
        "bs",
        "hr",
        "sr",
        "tn",
        "st",
        "ts",
        "xh",
        "zu",
        "mk",
        "bg",
        "af",
        "nl",
        "hi",
        "mr",
        "ne",
        "gl",
        "pt",
    ]
)


class Told(NamedTuple):
    """A BCP 47 language, `und` when it cannot be told, and in a few words how it was told."""

    tag: str
    how: str


def normalise(tag: str | None) -> str | None:
    """`en_us` as `en-US`; None for anything that is not language, optional script and optional region."""
    match = _BCP47.match(tag.strip()) if tag and len(tag) <= 35 else None
    if match is None:
        return None
    parts = [match["primary"].lower(), (match["script"] or "").title(), (match["region"] or "").upper()]
    return "-".join(part for part in parts if part)


def tell(text: str) -> Told:
    """The likeliest language of the first 1,200 characters; `und` when there are too few letters to tell."""
    sample = text[:_SAMPLE]
    letters = [char for char in sample if char.isalpha()]
    # A few letters of a script of its own say as much as a sentence in Latin letters.
    enough = _MIN_LETTERS if all(char < "\u0370" for char in letters) else _MIN_LETTERS_OWN_SCRIPT
    if len(letters) < enough:
        return Told(UNKNOWN, f"too short: {len(letters)} letters")
    return likeliest(sample, len(letters) >= _LONG)


def likeliest(sample: str, long: bool = False) -> Told:
    """The likeliest language, however short the sample is; `long`: one classifier's certainty is enough."""
    first = classifiers.by_bytes(sample)
    tag = max(first, key=first.__getitem__)
    if long and first[tag] >= _CERTAIN and tag not in _TWINS:
        return Told(tag, f"py3langid {first[tag]:.3f}")
    second = classifiers.by_trigrams(sample)
    if not second or (long and first[tag] >= _CERTAIN and tag not in second):
        return Told(tag, f"py3langid {first[tag]:.3f}, a language unknown to lingua")
    words = word_lists.words_of(sample[:_WORDS_SAMPLE])
    usual = word_lists.mean_logs(words) if words else {}
    votes = _votes(first, second, usual)
    tag = max(votes, key=votes.__getitem__)
    # The full models only take votes away, so that they decide nothing when another language is ahead.
    if tag in classifiers.FULLY_KNOWN:
        for name, less in _taken(classifiers.by_full_models(sample)):
            votes[name] -= less / max(1, len(words))
        tag = max(votes, key=votes.__getitem__)
    listed = f", words {usual[tag]:.1f}" if tag in usual else ""
    return Told(tag, f"lingua {second[tag]:.3f}, py3langid {first.get(tag, 0.0):.3f}{listed}")


def _votes(first: Mapping[str, float], second: Mapping[str, float], usual: Mapping[str, float]) -> dict[str, float]:
    """The votes for each language that lingua knows, by py3langid, lingua's trigrams and the lists of words."""
    return {
        tag: math.log(max(share, _TRIGRAMS_FLOOR))
        + _BYTES_WEIGHT * math.log(max(first.get(tag, _BYTES_UNKNOWN), _BYTES_FLOOR))
        + _WORDS_WEIGHT * usual.get(tag, word_lists.UNLISTED)
        + _PRIORS.get(tag, 0.0)
        for tag, share in second.items()
    }


def _taken(full: Mapping[str, float]) -> Iterator[tuple[str, float]]:
    """What the full models take from the votes of each of their languages, for a text of one word."""
    most = max(full.values(), default=0.0)
    for tag, share in full.items():
        less = math.log(share / most) if share else _FULL_FLOOR
        yield tag, -_FULL_WEIGHT * max(less, _FULL_FLOOR)


def load() -> None:
    """Load the models and lists now rather than at the first text that needs them."""
    classifiers.load()
    word_lists.load()
