"""Port of name finders, and normalisation of names.

`rules.py` is always available; a model may extend it (`completion.py`).
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Final, NamedTuple, Protocol

from services.enrich.domain.names.vocabulary import TITLES
from shared.articles import EntityKind

_MAX_LETTERS: Final = 120
_ARTICLES: Final = frozenset(["the", "a", "an"])
_OPENING: Final = "\"“”„«»‘’'([{<*_-–—•.,;:!?"
_CLOSING: Final = "\"“”„«»‘’')]}>*_-–—•,;:!?"
_DOTTED: Final = re.compile(r"(?:[^\W\d_]\.){2,}")
_POSSESSIVE: Final = re.compile(r"['’]s?$", re.IGNORECASE)


class Name(NamedTuple):
    """One mention: its words as in the text, and its kind.

    `kind` None: unknown; a single word may be the surname of a person named in full elsewhere.
    """

    words: tuple[str, ...]
    kind: EntityKind | None

    @property
    def text(self) -> str:
        """The words joined by spaces."""
        return " ".join(self.words)


class NameFinder(Protocol):
    """Finds names of people, organisations and places. Must not raise for any text."""

    @property
    def version(self) -> str:
        """Equal versions return equal results for equal texts."""

    def supports(self, language: str) -> bool:
        """Whether it supports this language, a BCP 47 tag."""

    def find(self, text: str, language: str) -> Sequence[Name]:
        """All mentions in order. Each line of the text is a paragraph."""


def normalise_name(text: str, kind: EntityKind) -> Name | None:
    """A name from a model in the form the rules produce; None if nothing is left.

    Strips articles, titles of people, quotes and the possessive, because ids must not depend on them.
    """
    words = text.replace("\u00ad", "").strip().lstrip(_OPENING).split()
    while words and _is_prefix(words[0], kind):
        words = words[1:]
    if not words:
        return None
    words[-1] = _strip_end(words[-1])
    words = [word for word in words if word]
    if not any(char.isalpha() for word in words for char in word) or sum(map(len, words)) > _MAX_LETTERS:
        return None
    return Name(tuple(words), kind)


def strip_punctuation(word: str) -> str:
    """A word of a name without quotes, punctuation and possessive."""
    return _strip_end(word.lstrip(_OPENING))


def _is_prefix(word: str, kind: EntityKind) -> bool:
    """Whether a leading word is not part of the name."""
    lower = word.lower()
    return word.islower() or lower in _ARTICLES or (kind is EntityKind.PERSON and lower.rstrip(".") in TITLES)


def _strip_end(word: str) -> str:
    """A last word without trailing punctuation and possessive; `U.S.` keeps its full stop."""
    word = word.rstrip(_CLOSING)
    word = _POSSESSIVE.sub("", word)
    return word if _DOTTED.fullmatch(word) else word.rstrip("." + _CLOSING)
