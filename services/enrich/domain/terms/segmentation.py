"""Words of all scripts: combining marks belong to them, and Chinese and Japanese are cut by a list of words."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterator
from functools import lru_cache
from itertools import groupby
from typing import Final

from services.enrich.domain.language.frequencies import shares

_LAST_MARK: Final = 0x20000  # but for the variation selectors, which no word begins or ends with


def _mark_ranges() -> str:
    """All combining marks as ranges of a character class: `\\w` of the module `re` has none of them."""
    codes = [code for code in range(_LAST_MARK) if unicodedata.category(chr(code))[0] == "M"]
    groups = [list(group) for _, group in groupby(enumerate(codes), key=lambda pair: pair[1] - pair[0])]
    return "".join(f"\\U{group[0][1]:08x}-\\U{group[-1][1]:08x}" for group in groups)


MARKS: Final = _mark_ranges()
WORD: Final = rf"[^\W_](?:[^\W_]|[{MARKS}\u200c\u200d])*"
"""Regular expression of a word: letters, digits, marks, and the joiners that shape letters."""
UNSPACED: Final = re.compile(r"[\u0e01-\u0e30\u0e32\u0e33\u0e40-\u0e44\u0e81-\u0eb0\u0ec0-\u0ec4\u1000-\u102a\u1780-\u17b3\u3040-\u30ff\u3400-\u4dbf\u4e00-\u9fff]")  # fmt: skip  # noqa: E501
"""A letter, without its marks, of a script that is written without spaces."""
UNSPACED_WITHOUT_LIST: Final = re.compile(r"[\u0e00-\u0eff\u1000-\u109f\u1780-\u17ff]")
HANGUL: Final = re.compile(r"[\uac00-\ud7a3]")
_LISTED: Final = frozenset({"zh", "ja"})
_RUN: Final = re.compile(r"[\u3040-\u30ff\u3400-\u4dbf\u4e00-\u9fff]+")
_KATAKANA: Final = re.compile(r"[\u30a0-\u30ff]+")
_MAX_WORD: Final = 8


def is_segmented(language: str) -> bool:
    """Whether there is a list of words to cut this BCP 47 language by."""
    return language.partition("-")[0].lower() in _LISTED


def segments(text: str, language: str) -> str:
    """The text with spaces between its Chinese or Japanese words: the longest listed word at each place."""
    return _RUN.sub(lambda match: f" {' '.join(_words(match[0], language.partition('-')[0].lower()))} ", text)


def _words(run: str, primary: str) -> Iterator[str]:
    """Listed words; between them runs of katakana, and other characters one by one."""
    listed, first = _list(primary)
    place = 0
    while place < len(run):
        longest = min(_MAX_WORD, len(run) - place) if run[place] in first else 1
        word = next((run[place : place + n] for n in range(longest, 1, -1) if run[place : place + n] in listed), "")
        if not word:
            match = _KATAKANA.match(run, place)
            word = match[0] if match else run[place]
        yield word
        place += len(word)


@lru_cache(maxsize=2)
def _list(primary: str) -> tuple[frozenset[str], frozenset[str]]:
    """The words of two characters and more, and the characters they begin with."""
    words = frozenset(word for word in shares(primary) if len(word) > 1 and _RUN.fullmatch(word))
    return words, frozenset(word[0] for word in words)
