"""Titles: the vote over what an HTML page offers, and a title for pages without one."""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Final

from services.enrich.domain.decoding import one_line
from services.enrich.domain.similar_text import plain_words
from services.enrich.domain.summary import sentences

MAX_TITLE: Final = 500
_MAX_DERIVED: Final = 120
_SITE: Final = re.compile(r"\s+[|•·»–—-]\s+|\s*::\s*")


def derived_title(paragraph: str) -> str:
    """The first sentence of a paragraph, at most 120 characters, without its full stop."""
    found = sentences(paragraph[:2_000])
    return one_line((found[0] if found else paragraph).rstrip(" .。"), _MAX_DERIVED)


def vote(candidates: Sequence[str]) -> str:
    """The title that most candidates agree on; the order of the candidates breaks ties. Empty when there are none.

    A candidate votes for another when it has all of the other's words: `Fog | The Gazette` votes for `Fog`. So the
    site's name never wins by itself, and is not part of the winner when any source writes the title without it.
    """
    texts = [one_line(text, MAX_TITLE) for text in candidates if text and text.strip()]
    options = dict.fromkeys(text for full in texts for text in (full, _SITE.split(full)[0]))
    bags = [set(plain_words(text)) for text in texts]
    best, best_votes = "", 0.0
    for option in options:
        words = set(plain_words(option))
        if not words:
            continue
        votes = sum(len(words) / len(bag) if words <= bag else 0.0 for bag in bags if bag)
        # Part of a title, split at a dash that belongs to it, is no title: at least one source must say exactly this.
        exact = any(words == bag for bag in bags)
        if votes * exact > best_votes:
            best, best_votes = option, votes
    return best or (texts[0] if texts else "")
