"""Passages that a page holds twice: the whole article again for phones, for printing or inside a script's template."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

_HEAD: Final = 24
"""Letters by which the beginning of a copy is found."""
_LEAST_WORDS: Final = 150
"""Shorter passages are repeated on purpose: refrains, steps of recipes, the fine print under each product."""


def repeats(keys: Sequence[str], words: Sequence[int]) -> frozenset[int]:
    """Which of the texts, given by their keys (`candidates.key_of`) and numbers of words, repeat what came before.

    A passage is one text or several in a row; it may be cut into texts in another way than the first time. Every
    letter is looked at a few times at most, whatever the page.
    """
    whole = "".join(keys)
    starts: dict[str, int] = {}
    found: list[int] = []
    passage: list[int] = []
    goes_on = begun = place = 0
    for number, key in enumerate(keys):
        fits = bool(passage) and goes_on + len(key) <= begun and whole.startswith(key, goes_on)
        if not fits:
            found += _long(passage, words)
            passage, begun = [], place
            goes_on = starts.get(whole[place : place + _HEAD], -1) if len(key) >= _HEAD else -1
            fits = 0 <= goes_on <= place - len(key) and whole.startswith(key, goes_on)
        if fits:
            passage.append(number)
            goes_on += len(key)
        starts.setdefault(whole[place : place + _HEAD], place)
        place += len(key)
    return frozenset([*found, *_long(passage, words)])


def _long(passage: Sequence[int], words: Sequence[int]) -> Sequence[int]:
    return passage if sum(words[number] for number in passage) >= _LEAST_WORDS else ()
