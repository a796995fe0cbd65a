"""Parses the text of a query: words, `"phrases"`, `-not`. Any text is accepted; text beyond a limit is ignored."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final

from shared.query.spellings import written_words
from shared.search.checks import MAX_EXCLUSIONS, MAX_PHRASES, QUERY_ITEM, clean_query
from shared.search.embedded.schema import analyzer

MAX_WORDS: Final = 10
_MAX_RUN: Final = 64
"""Maximum characters of a run without spaces."""
_LEAST_HALF: Final = 2
_LEAST_SPLIT: Final = 4

_DIGIT: Final = re.compile(r"\d")


@dataclass(frozen=True, slots=True)
class Word:
    """One word of a query in the form of index terms."""

    tokens: tuple[str, ...]
    """Its adjacent parts; most words have one."""
    spelling: str
    """The word as one token; for a word in several parts the joined spelling, which may be empty."""
    base: tuple[str, ...] = ()
    """Its parts without a possessive `'s`; ranks lower."""
    is_run: bool = False
    """Written in a script without spaces."""
    pieces: tuple[tuple[tuple[str, ...], tuple[str, ...]], ...] = ()
    """The ways to split a run into two words; rank lower."""

    @classmethod
    def plain(cls, token: str) -> Word:
        """A word of one token."""
        return cls((token,), token)

    @property
    def halves(self) -> list[tuple[str, str]]:
        """The ways to split a one-token word into two words of at least two characters: `youtube` is `you tube`."""
        word = self.spelling
        if len(self.tokens) > 1 or self.is_run or len(word) < _LEAST_SPLIT:
            return []
        return [(word[:at], word[at:]) for at in range(_LEAST_HALF, len(word) - _LEAST_HALF + 1)]

    @property
    def loosens(self) -> bool:
        """Whether there are matches other than the word as typed."""
        return bool(typo_budget(self.spelling) or self.base or self.pieces or self.halves)


@dataclass(frozen=True, slots=True)
class ParsedText:
    """A parsed query text. `blank`: no text; no parts: text without words."""

    words: tuple[Word, ...] = ()
    prefix: bool = False
    """The last word is still being typed."""
    phrases: tuple[tuple[str, ...], ...] = ()
    excluded: tuple[tuple[str, ...], ...] = ()
    blank: bool = False

    @property
    def matches_nothing(self) -> bool:
        """There was text, but without words."""
        return not (self.blank or self.words or self.phrases or self.excluded)

    @property
    def browsing(self) -> bool:
        """Nothing to rank by: all articles (without exclusions), newest first."""
        return not (self.words or self.phrases)

    @property
    def loosens(self) -> bool:
        """Whether some word has matches other than as typed."""
        return any(word.loosens for word in self.words)


def typo_budget(word: str) -> int:
    """Allowed typos: none below 5 characters or with a digit, one below 9, else two."""
    if len(word) < 5 or _DIGIT.search(word):
        return 0
    return 1 if len(word) < 9 else 2


def parse(text: str) -> ParsedText:
    """The words of a query text. Raises InvalidQuery only for text that is not valid Unicode.

    Words after the tenth are ignored, as Meilisearch does: a pasted headline still finds its article.
    """
    clean = clean_query(text)
    if not clean.strip():
        return ParsedText(blank=True)
    words: list[Word] = []
    phrases: list[tuple[str, ...]] = []
    excluded: list[tuple[str, ...]] = []
    typing = False
    for item in QUERY_ITEM.finditer(clean):
        typing = False
        if item["minus"] or not item["word"]:
            tokens = _tokens(item["word"] or item["phrase"] or "")
            if tokens and item["minus"]:
                excluded.append(tokens)
            elif tokens:
                phrases.append(tokens)
        elif read := list(_words(item["word"])):
            words += read
            typing = _ends_in_word(item["word"]) and item.end() == len(clean)
    return ParsedText(
        words=tuple(words[:MAX_WORDS]),
        prefix=typing and len(words) <= MAX_WORDS,
        phrases=tuple(phrases[:MAX_PHRASES]),
        excluded=tuple(excluded[:MAX_EXCLUSIONS]),
    )


def _words(item: str) -> Iterator[Word]:
    for written in written_words(item):
        tokens = _tokens(written.text)[:_MAX_RUN]
        if not tokens:
            continue
        base = _tokens(written.base) if written.base else ()
        spelling = tokens[0] if len(tokens) == 1 else written.joined or ""
        pieces = tuple((_tokens(first), _tokens(second)) for first, second in written.pieces)
        yield Word(tokens, spelling, base, is_run=written.is_run and len(tokens) > 1, pieces=pieces)


def _tokens(text: str) -> tuple[str, ...]:
    return tuple(analyzer().analyze(text))


def _ends_in_word(word: str) -> bool:
    tokens = analyzer().pre_tokenize(word).tokens
    return bool(tokens) and tokens[-1].char_offset_to == len(word)
