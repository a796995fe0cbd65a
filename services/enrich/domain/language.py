"""The language of a text as a BCP 47 tag.

Two classifiers see the text: py3langid (97 languages, byte sequences, fast) and lingua (75 languages, letter
trigrams, better on short texts and on African languages). A long text of which py3langid is certain needs no second
opinion, unless it is in one of the languages that have a near twin; otherwise the language with the best weighted sum
of both logarithms wins. lingua runs in its low-accuracy mode: its full models take 1.2 GB and 12 s to load.
"""

from __future__ import annotations

import math
import re
from collections.abc import Mapping
from functools import lru_cache
from typing import Final, NamedTuple

from lingua import LanguageDetector, LanguageDetectorBuilder
from py3langid.langid import MODEL_FILE, LanguageIdentifier  # type: ignore[import-untyped]

UNKNOWN: Final = "und"
_BCP47: Final = re.compile(r"^(?P<primary>[A-Za-z]{2,3})(?:[-_](?P<script>[A-Za-z]{4}))?(?:[-_](?P<region>[A-Za-z]{2}|\d{3}))?$")  # fmt: skip  # noqa: E501
_SAMPLE: Final = 1_200
_SECOND_SAMPLE: Final = 600
"""Characters that lingua reads: it is certain of that many, and its time grows with them."""
_MIN_LETTERS: Final = 24
_MIN_LETTERS_OWN_SCRIPT: Final = 6
_LONG: Final = 200
_CERTAIN: Final = 0.999
_FIRST_WEIGHT: Final = 2.2
_FIRST_FLOOR: Final = 0.03
_SECOND_FLOOR: Final = 0.0005
"""The least share a classifier gives a language: one that rules it out must not outvote the other.

py3langid's shares are extreme, so that its floor is high; above it, it weighs more.
"""
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
_SAME: Final = {"no": "nb"}  # Norwegian that does not say which is Bokmål nine times in ten


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
    first = _first_opinion(sample)
    tag = max(first, key=first.__getitem__)
    if long and first[tag] >= _CERTAIN and tag not in _TWINS:
        return Told(tag, f"py3langid {first[tag]:.3f}")
    second = _second_opinion(sample)
    if not second or (long and first[tag] >= _CERTAIN and tag not in second):
        return Told(tag, f"py3langid {first[tag]:.3f}, a language unknown to lingua")
    tag = max(second, key=lambda name: _agreed(second[name], first.get(name, 0.0)))
    return Told(tag, f"lingua {second[tag]:.3f}, py3langid {first.get(tag, 0.0):.3f}")


def _agreed(second: float, first: float) -> float:
    return math.log(max(second, _SECOND_FLOOR)) + _FIRST_WEIGHT * math.log(max(first, _FIRST_FLOOR))


def _first_opinion(sample: str) -> Mapping[str, float]:
    found: dict[str, float] = {}
    for name, share in _py3langid().rank(sample):
        tag = _SAME.get(name, name)
        found[tag] = found.get(tag, 0.0) + float(share)
    return found


def _second_opinion(sample: str) -> Mapping[str, float]:
    """Shares of all languages lingua knows, or nothing when the letters are of none of them."""
    values = _lingua().compute_language_confidence_values(sample[:_SECOND_SAMPLE])
    found = {value.language.iso_code_639_1.name.lower(): value.value for value in values}
    return found if any(found.values()) else {}


@lru_cache(maxsize=1)
def _py3langid() -> LanguageIdentifier:
    return LanguageIdentifier.from_model_file(MODEL_FILE, norm_probs=True)


@lru_cache(maxsize=1)
def _lingua() -> LanguageDetector:
    # Preloaded, because a model that is loaded later would count as memory of the document that needed it.
    builder = LanguageDetectorBuilder.from_all_languages().with_low_accuracy_mode()
    return builder.with_preloaded_language_models().build()


def load() -> None:
    """Load the models now rather than at the first text that needs them."""
    _py3langid()
    _lingua()
