"""Removes invisible characters from article text and queries, so that both have the same words."""

from __future__ import annotations

import re
from typing import Final

# Emoji flags of regions use tag characters; this is their only visible use.
_FLAG: Final = "\U0001f3f4[\U000e0020-\U000e007e]{1,8}\U000e007f"
_IGNORABLE: Final = (
    "\u00ad\u034f\u061c\u115f\u1160\u17b4\u17b5\u180b-\u180f\u200b\u200e\u200f\u202a-\u202e\u2060-\u206f\u3164\ufeff\uffa0"
    "\ufff0-\ufffb\U0001bca0-\U0001bca3\U0001d173-\U0001d17a\U000e0000-\U000e007f"
)
_CONTROL: Final = "\x00-\x08\x0e-\x1b\x1f\x7f-\x84\x86-\x9f\ud800-\udfff"
# U+200C and U+200D shape Arabic, Indic scripts and emoji; elsewhere, and at the edge of a word, they do nothing.
_JOINER: Final = "(?<![\u0590-\U0010ffff])[\u200c\u200d]+|[\u200c\u200d]+(?=[\\s\x00-\u058f]|$)"
_PRINTABLE: Final = frozenset("\u034f\u115f\u1160\u17b4\u17b5\u180b\u180c\u180d\u180f\u3164\uffa0")
"""Those of the code points that `str.isprintable` accepts."""
_INVISIBLE: Final = re.compile(f"({_FLAG})|[{_IGNORABLE}{_CONTROL}]|{_JOINER}")


def remove_invisible(text: str) -> str:
    """The text without controls (line ends and tabs stay), surrogates and default-ignorable code points.

    Removes soft hyphens, zero-width spaces, bidi marks, byte order marks, fillers and the like. Keeps variation
    selectors, and joiners where they shape letters or emoji.
    """
    if text.isprintable() and (text.isascii() or _PRINTABLE.isdisjoint(text)):
        return text  # most lines
    return _INVISIBLE.sub(r"\1", text)
