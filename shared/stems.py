"""Stemming: one form for the forms of a word, applied to stored terms and to queries."""

from __future__ import annotations


def stem(word: str) -> str:
    """The word, in lower case, without a plural ending."""
    if len(word) > 4 and word.endswith("ies"):
        return word[:-3] + "y"
    if len(word) > 3 and word.endswith("s") and word[-2] not in "siu":
        return word[:-1]
    return word
