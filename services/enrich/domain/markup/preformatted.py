"""Reads `pre` elements and code listings: line numbers of code, and prose in `pre`."""

from __future__ import annotations

import re
from typing import Final

_GUTTER: Final = re.compile(
    r"(?:^|[-_ ])(?:gutter|line-?nos?|line-?num(?:ber)?s?|lineno\w*|linenodiv|blob-num|ln|lnt|ln-num)(?:$|[-_ ])",
    re.IGNORECASE,
)
"""Class names of line-number columns."""
_MAX_LINES: Final = 200
_MAX_SIGN_SHARE: Final = 0.05
_PARAGRAPH_WORDS: Final = 20
_PROSE_SIGNS: Final = frozenset(" .,'\"-’“”")


def names_gutter(class_names: str | None) -> bool:
    """Whether an element's class names say that it holds line numbers."""
    return bool(class_names) and _GUTTER.search(class_names or "") is not None


def is_number_column(text: str) -> bool:
    """Whether a text is two or more consecutive numbers and nothing else."""
    words = text.split()[:_MAX_LINES]
    if len(words) < 2 or not all(map(str.isdecimal, words)):
        return False
    first = int(words[0])
    return [int(word) for word in words] == list(range(first, first + len(words)))


def code_lines(text: str) -> str:
    """The text without blank lines at its ends and blanks at the ends of its lines."""
    return "\n".join(line.rstrip() for line in text.replace("\r", "").split("\n")).strip("\n")


def prose_paragraphs(code: str) -> list[str]:
    """The paragraphs of a `pre` that holds text rather than code, each on one line; empty for code.

    It is text when at least two parts between blank lines have 20 words and few characters are signs.
    """
    paragraphs = [text for part in re.split(r"\n\s*\n", code) if (text := " ".join(part.split()))]
    if sum(text.count(" ") >= _PARAGRAPH_WORDS for text in paragraphs) < 2:
        return []
    whole = "".join(paragraphs)
    signs = sum(not char.isalnum() and char not in _PROSE_SIGNS for char in whole)
    return paragraphs if signs < _MAX_SIGN_SHARE * len(whole) else []
