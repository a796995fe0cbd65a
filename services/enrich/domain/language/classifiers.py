"""Language classifiers, each returning probabilities by language tag. Models are loaded once."""

from __future__ import annotations

from collections.abc import Mapping
from functools import lru_cache
from typing import Final

from lingua import IsoCode639_1, LanguageDetector, LanguageDetectorBuilder
from py3langid.langid import MODEL_FILE, LanguageIdentifier  # type: ignore[import-untyped]

_SAMPLE: Final = 600
"""Characters passed to lingua: more add time but no accuracy."""
_SAME: Final = {"no": "nb"}  # unspecified Norwegian is Bokmål nine times in ten
FULL_MODEL_LANGUAGES: Final = frozenset(["lg", "mi", "sn", "so", "st", "sw", "tn", "ts", "xh", "yo", "zu"])
"""Languages without a word list whose full models are small: 55 MB together; all 75 take 1.2 GB."""


def by_bytes(sample: str) -> Mapping[str, float]:
    """Probabilities of the 97 languages py3langid knows."""
    found: dict[str, float] = {}
    for name, share in _py3langid().rank(sample):
        tag = _SAME.get(name, name)
        found[tag] = found.get(tag, 0.0) + float(share)
    return found


def by_trigrams(sample: str) -> Mapping[str, float]:
    """Probabilities of the 75 languages lingua knows; empty if none uses these letters."""
    return _probabilities(_trigrams(), sample)


def by_full_models(sample: str) -> Mapping[str, float]:
    """Probabilities among `FULL_MODEL_LANGUAGES` only; empty if none uses these letters."""
    return _probabilities(_full_models(), sample)


def load() -> None:
    """Load all models eagerly."""
    _py3langid()
    _trigrams()
    _full_models()


def _probabilities(detector: LanguageDetector, sample: str) -> Mapping[str, float]:
    values = detector.compute_language_confidence_values(sample[:_SAMPLE])
    found = {value.language.iso_code_639_1.name.lower(): value.value for value in values}
    return found if any(found.values()) else {}


@lru_cache(maxsize=1)
def _py3langid() -> LanguageIdentifier:
    return LanguageIdentifier.from_model_file(MODEL_FILE, norm_probs=True)


# Preloaded: a model loaded lazily would count against the memory limit of the document that needs it.
@lru_cache(maxsize=1)
def _trigrams() -> LanguageDetector:
    builder = LanguageDetectorBuilder.from_all_languages().with_low_accuracy_mode()
    return builder.with_preloaded_language_models().build()


@lru_cache(maxsize=1)
def _full_models() -> LanguageDetector:
    codes = [getattr(IsoCode639_1, tag.upper()) for tag in sorted(FULL_MODEL_LANGUAGES)]
    return LanguageDetectorBuilder.from_iso_codes_639_1(*codes).with_preloaded_language_models().build()
