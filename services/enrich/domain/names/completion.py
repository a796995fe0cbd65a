"""Combines the rules with a model: rule results are kept, the model adds what the rules do not find.

The rules have higher precision and stable gazetteer ids; the model covers surnames, teams, brands and scripts without
rules. docs/quality.md compares other combinations.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence

from services.enrich.domain.names.names import Name, NameFinder, strip_punctuation
from services.enrich.domain.names.rules import RULES
from shared.articles import EntityKind


class CombinedFinder:
    """The rules, extended by a model in the languages it supports."""

    def __init__(self, model: NameFinder) -> None:
        self._model = model

    @property
    def version(self) -> str:
        """Versions of the rules and of the model."""
        return f"{RULES.version}; {self._model.version}"

    def supports(self, language: str) -> bool:
        """Whether the model supports this language; the rules support all."""
        return self._model.supports(language)

    def find(self, text: str, language: str) -> Sequence[Name]:
        """Names found by the rules, then names found only by the model."""
        found = RULES.find(text, language)
        return _combined(found, self._model.find(text, language)) if self.supports(language) else found


def _combined(rule_names: Sequence[Name], model_names: Sequence[Name]) -> list[Name]:
    """Rule names, with the model's kind where theirs is unknown, plus model names that share no word with a known one.

    So overlapping names of different extent are counted once, and a surname keeps its person.
    """
    surnames = {name.words[-1] for name in rule_names if name.kind is EntityKind.PERSON}
    kinds = {text: kind for text, kind in _kinds(model_names).items() if text not in surnames}
    names = [name if name.kind is not None else Name(name.words, kinds.get(name.text)) for name in rule_names]
    seen = {name.text for name in names}
    used = {word for name in names if name.kind is not None for word in _significant_words(name)}
    return names + [name for name in model_names if name.text not in seen and used.isdisjoint(_significant_words(name))]


def _kinds(model_names: Iterable[Name]) -> dict[str, EntityKind]:
    """The model's most frequent kind per name in this text; ties go to the first."""
    counts: dict[str, Counter[EntityKind]] = {}
    for name in model_names:
        if name.kind is not None:
            counts.setdefault(name.text, Counter())[name.kind] += 1
    return {text: most.most_common(1)[0][0] for text, most in counts.items()}


def _significant_words(name: Name) -> list[str]:
    """Words of a name without punctuation and lower-case words such as `of`."""
    return [strip_punctuation(word) for word in name.words if not word.islower()]
