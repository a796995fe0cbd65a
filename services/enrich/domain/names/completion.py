"""The rules together with a model: what the rules know stands, and the model speaks where they have no word.

The rules are right more often, and an id of the gazetteer must not hang on a model's mood; a model knows the surnames,
teams, brands and scripts that no rule tells. Measured beside other ways of taking both: docs/quality.md.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence

from services.enrich.domain.names.names import Name, NameFinder, bare
from services.enrich.domain.names.rules import RULES
from shared.articles import EntityKind


class Completed:
    """The rules, completed by a model in the languages that it knows."""

    def __init__(self, model: NameFinder) -> None:
        self._model = model

    @property
    def version(self) -> str:
        """That of the rules and that of the model."""
        return f"{RULES.version}; {self._model.version}"

    def speaks(self, language: str) -> bool:
        """Whether the model has a word on this language; the rules always have."""
        return self._model.speaks(language)

    def find(self, text: str, language: str) -> Sequence[Name]:
        """What the rules find, then what only the model finds."""
        found = RULES.find(text, language)
        return _completed(found, self._model.find(text, language)) if self.speaks(language) else found


def _completed(ruled: Sequence[Name], marked: Sequence[Name]) -> list[Name]:
    """The rules' names, those of no known kind with the model's; and its names that share no word with a known one.

    So no words are counted twice, for two names of different bounds; and a surname stays that of the person named.
    """
    surnames = {name.words[-1] for name in ruled if name.kind is EntityKind.PERSON}
    kinds = {text: kind for text, kind in _kinds(marked).items() if text not in surnames}
    names = [name if name.kind is not None else Name(name.words, kinds.get(name.text)) for name in ruled]
    seen = {name.text for name in names}
    taken = {word for name in names if name.kind is not None for word in _telling(name)}
    return names + [name for name in marked if name.text not in seen and taken.isdisjoint(_telling(name))]


def _kinds(marked: Iterable[Name]) -> dict[str, EntityKind]:
    """What the model calls these words most often in this text; the first of equals."""
    counts: dict[str, Counter[EntityKind]] = {}
    for name in marked:
        if name.kind is not None:
            counts.setdefault(name.text, Counter())[name.kind] += 1
    return {text: most.most_common(1)[0][0] for text, most in counts.items()}


def _telling(name: Name) -> list[str]:
    """The words of a name, bare, without small ones such as `of`."""
    return [bare(word) for word in name.words if not word.islower()]
