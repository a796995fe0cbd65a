"""The language of a text as a BCP 47 tag.

Combines four classifiers: py3langid (97 languages, byte n-grams, fast), lingua's letter trigrams (75 languages, better
on short texts), word frequencies in the languages that have a word list, and lingua's full models for African languages
without one. A long text that py3langid classifies with certainty skips the rest unless the language has a close
relative; otherwise the language with the highest weighted sum of log probabilities wins.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping
from typing import Final, NamedTuple

from services.enrich.domain.language import classifiers, word_lists
from shared.identity.languages import UNKNOWN

_SAMPLE: Final = 1_200
_WORDS_SAMPLE: Final = 600
_MIN_LETTERS: Final = 24
_MIN_LETTERS_OWN_SCRIPT: Final = 6
_LONG: Final = 200
_CERTAIN: Final = 0.999
_FIRST_NON_LATIN: Final = "\u0370"

# Weight of each classifier's log probability relative to lingua's trigrams.
_BYTES_WEIGHT: Final = 3.5
_WORDS_WEIGHT: Final = 2.9
_FULL_WEIGHT: Final = 7.7
_TRIGRAMS_FLOOR: Final = 0.0001
_BYTES_FLOOR: Final = 0.005
"""Minimum probability per classifier, so that one classifier cannot veto a language.

py3langid's probabilities are extreme, hence its high floor and high weight.
"""
_BYTES_UNKNOWN: Final = 0.05
"""Probability of a language that py3langid does not know."""
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
"""Log priors that correct classifier bias.

py3langid over-predicts the Bantu languages it knows (up to 2x, it lacks the others) and under-predicts Yoruba and
Bosnian (0.75x); short foreign names are classified as Latin, Esperanto or Estonian.
"""
_CLOSE_RELATIVES: Final = frozenset(
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


class Detection(NamedTuple):
    """A BCP 47 tag, `und` if undetermined, and the evidence for the trace."""

    tag: str
    evidence: str


def detect(text: str) -> Detection:
    """Detect the language of the first 1,200 characters; `und` when there are too few letters."""
    sample = text[:_SAMPLE]
    letters = [char for char in sample if char.isalpha()]
    # A few letters of a script used by few languages are as much evidence as a sentence in Latin letters.
    enough = _MIN_LETTERS if all(char < _FIRST_NON_LATIN for char in letters) else _MIN_LETTERS_OWN_SCRIPT
    if len(letters) < enough:
        return Detection(UNKNOWN, f"too short: {len(letters)} letters")
    return classify(sample, len(letters) >= _LONG)


def not_english(text: str) -> Detection | None:
    """The language of a text that is certainly not English, although English is declared; None for any other text.

    English is what publishing software declares until somebody changes it.
    """
    sample = text[:_SAMPLE]
    letters = [char for char in sample if char.isalpha()]
    if 2 * sum(char >= _FIRST_NON_LATIN for char in letters) > len(letters) >= _MIN_LETTERS_OWN_SCRIPT:
        found = detect(text)
    elif len(letters) >= _LONG:
        first = classifiers.by_bytes(sample)
        tag = max(first, key=first.__getitem__)
        found = Detection(tag if first[tag] >= _CERTAIN else UNKNOWN, f"py3langid {first[tag]:.3f}")
    else:
        return None
    return found if found.tag not in {UNKNOWN, "en"} else None


def classify(sample: str, long: bool = False) -> Detection:
    """The most probable language of a sample of any length; `long`: certainty of py3langid alone is enough."""
    first = classifiers.by_bytes(sample)
    tag = max(first, key=first.__getitem__)
    if long and first[tag] >= _CERTAIN and tag not in _CLOSE_RELATIVES:
        return Detection(tag, f"py3langid {first[tag]:.3f}")
    second = classifiers.by_trigrams(sample)
    if not second or (long and first[tag] >= _CERTAIN and tag not in second):
        return Detection(tag, f"py3langid {first[tag]:.3f}, a language unknown to lingua")
    words = word_lists.words_of(sample[:_WORDS_SAMPLE])
    word_logs = word_lists.mean_logs(words) if words else {}
    scores = _scores(first, second, word_logs)
    tag = max(scores, key=scores.__getitem__)
    # The full models only lower scores, so they change nothing when another language is ahead.
    if tag in classifiers.FULL_MODEL_LANGUAGES:
        for name, penalty in _penalties(classifiers.by_full_models(sample)):
            scores[name] -= penalty / max(1, len(words))
        tag = max(scores, key=scores.__getitem__)
    listed = f", words {word_logs[tag]:.1f}" if tag in word_logs else ""
    return Detection(tag, f"lingua {second[tag]:.3f}, py3langid {first.get(tag, 0.0):.3f}{listed}")


def _scores(
    first: Mapping[str, float], second: Mapping[str, float], word_logs: Mapping[str, float]
) -> dict[str, float]:
    """Score of each language that lingua knows, from py3langid, lingua's trigrams and the word lists."""
    return {
        tag: math.log(max(share, _TRIGRAMS_FLOOR))
        + _BYTES_WEIGHT * math.log(max(first.get(tag, _BYTES_UNKNOWN), _BYTES_FLOOR))
        + _WORDS_WEIGHT * word_logs.get(tag, word_lists.UNLISTED)
        + _PRIORS.get(tag, 0.0)
        for tag, share in second.items()
    }


def _penalties(full: Mapping[str, float]) -> Iterator[tuple[str, float]]:
    """What the full models take from the scores of each of their languages, for a text of one word."""
    most = max(full.values(), default=0.0)
    for tag, share in full.items():
        less = math.log(share / most) if share else _FULL_FLOOR
        yield tag, -_FULL_WEIGHT * max(less, _FULL_FLOOR)


def load() -> None:
    """Load models and word lists eagerly."""
    classifiers.load()
    word_lists.load()
