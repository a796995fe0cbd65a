"""Tokenizer of strict matching, shared by the matcher and by the strict fields of each engine.

1. Unicode NFKD, full case folding, and the accents of Latin, Greek and Cyrillic (U+0300 to U+036F) are dropped; NFKC.
   So `Café`, `CAFE` and `ｃａｆｅ` are one word, and `Straße` is `strasse`.
2. A token is a run of letters, digits and combining marks; every other character, including the underscore, separates.
3. Scripts written without spaces (Han, Kana, Thai, Lao, Khmer, Myanmar) give one token per character, with its marks;
   a word of several such characters is therefore a phrase. So is `don't`: `don t`.
4. Tokens are truncated to 64 characters.
5. Soft hyphens and other invisible characters are removed first (`shared.text_cleaning`).

No stemming, no stop words. Every change of these rules requires a rebuild of the index.
"""

from __future__ import annotations

import re
import unicodedata
from itertools import groupby
from typing import Final

from shared.text_cleaning import remove_invisible

MAX_TOKEN: Final = 64
VERSION: Final = "2"
"""Part of the fingerprint of an index. Increase it with every change of the rules."""

_CONTROL: Final = re.compile("[\x00-\x1f\x7f-\x9f]")
_ACCENTS: Final = re.compile("[\u0300-\u036f]+")
UNSPACED: Final = (  # character class of the scripts that are written without spaces
    "\u0e00-\u0eff\u1000-\u109f\u1780-\u17ff\u3005-\u3007\u3040-\u30ff\u31f0-\u31ff\u3400-\u4dbf\u4e00-\u9fff"
    "\uf900-\ufaff\U00020000-\U0003ffff"
)


def _marks() -> str:
    """Combining marks as a character class; `\\w` does not match them, and most Indic words contain some."""
    blocks = (range(0x0483, 0x1E00), range(0x20D0, 0x2100), range(0x302A, 0x309B), range(0xA66F, 0xABFF))
    found = (code for block in blocks for code in block if unicodedata.category(chr(code)) in {"Mn", "Mc"})
    runs = [list(run) for _, run in groupby(enumerate(found), key=lambda pair: pair[1] - pair[0])]
    return "".join(f"{chr(run[0][1])}-{chr(run[-1][1])}" for run in runs)


MARKS: Final = _marks()
_UNSPACED_TOKEN: Final = re.compile(f"[{UNSPACED}]")
_ASCII: Final = re.compile(r"[a-z0-9]+")
_TOKEN: Final = re.compile(rf"[{UNSPACED}][{MARKS}]*|(?:(?![{UNSPACED}])[^\W_]|[{MARKS}])+")


def is_unspaced(token: str) -> bool:
    """Whether the token is one character of a script without spaces."""
    return _UNSPACED_TOKEN.match(token) is not None


def tokens(text: str) -> list[str]:
    """The words of a text, in order. Never raises."""
    found = _ASCII.findall(text.lower()) if text.isascii() else _TOKEN.findall(_folded(text))
    return [token[:MAX_TOKEN] for token in found]


def _folded(text: str) -> str:
    bare = _ACCENTS.sub("", unicodedata.normalize("NFKD", remove_invisible(_CONTROL.sub(" ", text))).casefold())
    # Folding may leave letters that decompose once more (U+0345 becomes an iota).
    return unicodedata.normalize("NFKC", unicodedata.normalize("NFKD", bare).casefold())
