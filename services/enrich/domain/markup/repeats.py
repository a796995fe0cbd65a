"""Finds passages that a page contains twice: a second copy of the article for phones, printing or a template."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

_HEAD: Final = 24
"""Characters of a key that must match for a copy to start."""
_MIN_WORDS: Final = 150
"""Shorter repetitions are intended: refrains, recipe steps, terms under each product."""


def repeated_texts(keys: Sequence[str], words: Sequence[int]) -> frozenset[int]:
    """Indices of texts that repeat earlier ones, given their keys (`candidates.text_key`) and word counts.

    A passage is one or several consecutive texts; its second occurrence may be split differently. Linear time.
    """
    whole = "".join(keys)
    starts: dict[str, int] = {}
    found: list[int] = []
    passage: list[int] = []
    copy_at = started = position = 0
    for number, key in enumerate(keys):
        matches = bool(passage) and copy_at + len(key) <= started and whole.startswith(key, copy_at)
        if not matches:
            found += _long_enough(passage, words)
            passage, started = [], position
            copy_at = starts.get(whole[position : position + _HEAD], -1) if len(key) >= _HEAD else -1
            matches = 0 <= copy_at <= position - len(key) and whole.startswith(key, copy_at)
        if matches:
            passage.append(number)
            copy_at += len(key)
        starts.setdefault(whole[position : position + _HEAD], position)
        position += len(key)
    return frozenset([*found, *_long_enough(passage, words)])


def _long_enough(passage: Sequence[int], words: Sequence[int]) -> Sequence[int]:
    return passage if sum(words[number] for number in passage) >= _MIN_WORDS else ()
