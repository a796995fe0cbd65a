"""Whether two texts say the same, but for case, punctuation and spacing."""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Final

from services.enrich.domain.terms.segmentation import WORD

_WORD: Final = re.compile(WORD)
_LIMIT: Final = 2_000


def plain_words(text: str) -> list[str]:
    """Lower-case words of the first 2,000 characters."""
    return _WORD.findall(text[:_LIMIT].casefold())


def same_text(left: str, right: str) -> bool:
    """Whether two short texts have the same words in the same order, or nearly so (four of five shared)."""
    a, b = plain_words(left), plain_words(right)
    if not a or not b:
        return False
    shared = len(set(a) & set(b))
    return a == b or (min(len(a), len(b)) >= 4 and shared >= 0.8 * max(len(set(a)), len(set(b))))


def repeats_title(paragraphs: Sequence[str], title: str) -> bool:
    """Whether the first paragraph only repeats the title. The only paragraph must have exactly its words."""
    first = paragraphs[0]
    return same_text(first, title) if len(paragraphs) > 1 else plain_words(first) == plain_words(title)
