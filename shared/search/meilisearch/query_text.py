"""Rewrites the text of a query for Meilisearch. Any text is accepted.

A word in several parts becomes its joined spelling, which documents contain too; the server itself tries two words as
one and one as two. A run of a script without spaces becomes a phrase; otherwise the server would match its characters
anywhere.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final

from shared.query.spellings import WrittenWord, written_words
from shared.search.checks import MAX_EXCLUSIONS, MAX_PHRASES, QUERY_ITEM, clean_query
from shared.search.meilisearch.documents import UNSPACED, words

_WORD: Final = re.compile(r"[^\W_]")
_SPECIAL: Final = re.compile(rf"[\"\-'’ʼ.,&‐‑–\u00a0\u202f＇＆{UNSPACED}]")
"""A text without these characters is passed unchanged."""


@dataclass(frozen=True, slots=True)
class ParsedText:
    """Query texts for the server; a match of any of them counts."""

    texts: tuple[str, ...]
    """The first as typed; the others with a long run of a script without spaces split into two words."""
    browsing: bool = False
    """Nothing to rank by: all articles (without exclusions), newest first."""
    matches_nothing: bool = False
    """There was text, but without words."""

    @property
    def text(self) -> str:
        """The text as typed."""
        return self.texts[0]


def parse(text: str, *, joins: bool = True) -> ParsedText:
    """Raises InvalidQuery only for text that is not valid Unicode.

    `joins`: whether all fields are searched, including the joined spellings.
    """
    clean = clean_query(text)
    if not _SPECIAL.search(clean):  # most searches
        blank = _WORD.search(clean) is None
        return ParsedText((words(clean),), browsing=blank, matches_nothing=blank and bool(clean.strip()))
    parts: list[_Part] = []
    phrases = exclusions = 0
    for item in QUERY_ITEM.finditer(clean):
        if not _WORD.search(item["word"] or item["phrase"] or ""):
            continue
        if item["minus"]:
            exclusions += 1
            parts += [_Part(f'-"{item["word"] or item["phrase"]}"')] if exclusions <= MAX_EXCLUSIONS else []
        elif item["word"]:
            parts += _parts(item["word"], joins=joins)
        else:
            phrases += 1
            parts += [_Part(f'"{item["phrase"]}"')] if phrases <= MAX_PHRASES else []
    end = " " if clean[-1:].isspace() else ""  # after a space the last word is not a prefix
    whole = " ".join(part.text for part in parts) + end
    texts = [whole, *(text + end for text in _variants(parts))]
    found = bool(parts)
    browsing = exclusions == len(parts)
    return ParsedText(tuple(map(words, texts)), browsing=browsing, matches_nothing=bool(clean.strip()) and not found)


@dataclass(frozen=True, slots=True)
class _Part:
    text: str
    pieces: tuple[tuple[str, str], ...] = ()
    """The ways to split it into two words, for a run of a script without spaces."""


def _parts(item: str, *, joins: bool) -> Iterator[_Part]:
    for word in written_words(item):
        if word.is_run and len(word.text) > 1:
            yield _Part(f'"{word.text}"', pieces=tuple(word.pieces))
        else:
            yield _Part(_spelled(word) if joins else word.text)


def _spelled(word: WrittenWord) -> str:
    """Its joined spelling; for `Japan's` only `Japan`, which is in the text itself and ranks by its field."""
    if word.base:
        (base,) = (*written_words(word.base),)[:1] or (word,)
        return base.joined or base.text
    return word.joined or word.text


def _variants(parts: list[_Part]) -> Iterator[str]:
    """The texts with the first long run split into two words."""
    at = next((at for at, part in enumerate(parts) if part.pieces), None)
    if at is None:
        return
    for first, second in parts[at].pieces:
        yield " ".join(part.text for part in (*parts[:at], _Part(f'"{first}" "{second}"'), *parts[at + 1 :]))
