"""Tag suggestions, shared by the engines: matching of typed prefixes, and labels."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Final

from rapidfuzz.distance import OSA

from shared.articles import Card
from shared.search.port import Suggestion

MAX_TAGS: Final = 3
_LEAST_FOR_A_TYPO: Final = 4
"""Minimum characters of a prefix for typo tolerance."""


def matching_tags(prefix: str, counts: Iterable[tuple[str, int]]) -> list[str]:
    """Tags with the prefix, most used first; if there are none, tags with one typo."""
    by_use = [tag for tag, _ in sorted(counts, key=lambda item: (-item[1], item[0]))]
    return [tag for tag in by_use if tag.startswith(prefix)] or [tag for tag in by_use if _typos(prefix, tag) <= 1]


def tag_suggestion(slug: str, newest: Card | None) -> Suggestion:
    """The suggestion of a tag with its label in the newest article that has it."""
    labels = (tag.label for tag in newest.tags if tag.slug == slug) if newest else ()
    return Suggestion("tag", slug, label=next(iter(labels), None))


def _typos(prefix: str, tag: str) -> int:
    """Typos between the prefix and a prefix of the tag; 2 for more than one. The first letter must match."""
    if len(prefix) < _LEAST_FOR_A_TYPO or tag[:1] != prefix[:1]:
        return 2
    beginnings = {tag[:size] for size in range(len(prefix) - 1, len(prefix) + 2)}
    return min(OSA.distance(prefix, beginning, score_cutoff=1) for beginning in beginnings)
