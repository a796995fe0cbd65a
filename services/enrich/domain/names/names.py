"""Who finds names in a text, and how a name is written: the port between what finds names and what becomes of them.

The rules (`name_rules.py`) are always there; a model may complete them (`name_completion.py`).
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
    """One mention: its words as they stand in the text, and what it names.

    `kind` None: not known by itself; a single word may be the surname of somebody named in full elsewhere.
    """

    words: tuple[str, ...]
    kind: EntityKind | None

    @property
    def text(self) -> str:
        """The words with blanks between."""
        return " ".join(self.words)


class NameFinder(Protocol):
    """Finds names of people, organisations and places. Must not fail for any text."""

    @property
    def version(self) -> str:
        """What finds, exactly: equal versions find the same in the same text."""

    def speaks(self, language: str) -> bool:
        """Whether it knows this language, a BCP 47 tag."""

    def find(self, text: str, language: str) -> Sequence[Name]:
        """All mentions in order. A line of the text is a paragraph."""


def written(text: str, kind: EntityKind) -> Name | None:
    """A name that a model marked, written as the rules write theirs; None when nothing is left.

    Off go articles, titles before people, quotes around it and the possessive: an id must not depend on them.
    """
    words = text.replace("\u00ad", "").strip().lstrip(_OPENING).split()
    while words and _in_front(words[0], kind):
        words = words[1:]
    if not words:
        return None
    words[-1] = _ended(words[-1])
    words = [word for word in words if word]
    if not any(char.isalpha() for word in words for char in word) or sum(map(len, words)) > _MAX_LETTERS:
        return None
    return Name(tuple(words), kind)


def bare(word: str) -> str:
    """A word of a name without quotes, punctuation and possessive."""
    return _ended(word.lstrip(_OPENING))


def _in_front(word: str, kind: EntityKind) -> bool:
    """Whether a word before a name is no part of it."""
    lower = word.lower()
    return word.islower() or lower in _ARTICLES or (kind is EntityKind.PERSON and lower.rstrip(".") in TITLES)


def _ended(word: str) -> str:
    """A last word without what the sentence hung on it; `U.S.` keeps its full stop."""
    word = word.rstrip(_CLOSING)
    word = _POSSESSIVE.sub("", word)
    return word if _DOTTED.fullmatch(word) else word.rstrip("." + _CLOSING)
