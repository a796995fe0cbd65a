"""The models that tell languages, each as a share by the language; loaded once and held."""

from __future__ import annotations

from collections.abc import Mapping
from functools import lru_cache
from typing import Final

from lingua import IsoCode639_1, LanguageDetector, LanguageDetectorBuilder
from py3langid.langid import MODEL_FILE, LanguageIdentifier  # type: ignore[import-untyped]

_SAMPLE: Final = 600
"""Characters that lingua reads: it is certain of that many, and its time grows with them."""
_SAME: Final = {"no": "nb"}  # Norwegian that does not say which is Bokmål nine times in ten
FULLY_KNOWN: Final = frozenset(["lg", "mi", "sn", "so", "st", "sw", "tn", "ts", "xh", "yo", "zu"])
"""The languages without a list of words whose full models are small: 55 MB together, where all 75 take 1.2 GB."""


def by_bytes(sample: str) -> Mapping[str, float]:
    """py3langid's shares of the 97 languages it knows."""
    found: dict[str, float] = {}
    for name, share in _py3langid().rank(sample):
        tag = _SAME.get(name, name)
        found[tag] = found.get(tag, 0.0) + float(share)
    return found


def by_trigrams(sample: str) -> Mapping[str, float]:
    """lingua's shares of the 75 languages it knows, or nothing when the letters are of none of them."""
    return _shares(_trigrams(), sample)


def by_full_models(sample: str) -> Mapping[str, float]:
    """lingua's shares of the languages that are fully known, as if there were no others, or nothing."""
    return _shares(_full_models(), sample)


def load() -> None:
    """Load the models now rather than at the first text that needs them."""
    _py3langid()
    _trigrams()
    _full_models()


def _shares(detector: LanguageDetector, sample: str) -> Mapping[str, float]:
    values = detector.compute_language_confidence_values(sample[:_SAMPLE])
    found = {value.language.iso_code_639_1.name.lower(): value.value for value in values}
    return found if any(found.values()) else {}


@lru_cache(maxsize=1)
def _py3langid() -> LanguageIdentifier:
    return LanguageIdentifier.from_model_file(MODEL_FILE, norm_probs=True)


# Preloaded, because a model that is loaded later would count as memory of the document that needed it.
@lru_cache(maxsize=1)
def _trigrams() -> LanguageDetector:
    builder = LanguageDetectorBuilder.from_all_languages().with_low_accuracy_mode()
    return builder.with_preloaded_language_models().build()


@lru_cache(maxsize=1)
def _full_models() -> LanguageDetector:
    codes = [getattr(IsoCode639_1, tag.upper()) for tag in sorted(FULLY_KNOWN)]
    return LanguageDetectorBuilder.from_iso_codes_639_1(*codes).with_preloaded_language_models().build()
