"""Why an article is related to another, and which of many neighbours are shown: not one source over and over."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Sequence
from typing import Final, Literal, NamedTuple

from shared.articles import Article, Card

MIN_SCORE: Final = 0.2
"""Neighbours below this share a word by chance: fewer related articles rather than wrong ones."""
OVERFETCH: Final = 3
"""So many times more neighbours are fetched than shown, so that there is something to choose from."""
_LEAST_OF_A_SOURCE: Final = 2


class Reason(NamedTuple):
    """One reason: both are of one story, or share these tags (slugs) or terms."""

    kind: Literal["story", "tags", "terms"]
    values: tuple[str, ...]


def reasons(article: Article, neighbour: Card, shared_terms: Sequence[str]) -> tuple[Reason, ...]:
    """Why `neighbour` stands beside `article`, the strongest reason first."""
    found: list[Reason] = []
    if article.story_id is not None and article.story_id == neighbour.story_id:
        found.append(Reason("story", (article.story_id,)))
    theirs = {tag.slug for tag in neighbour.tags}
    if shared := tuple(tag.slug for tag in article.tags if tag.slug in theirs):
        found.append(Reason("tags", shared))
    if shared_terms:
        found.append(Reason("terms", tuple(shared_terms)))
    return tuple(found)


def diversify(sources: Sequence[str | None], limit: int) -> list[int]:
    """Which neighbours are shown, by their sources, nearest first: at most `limit` places, in order.

    At most half of them (and two) are of one source; others of it only when there is room.
    """
    most = max(_LEAST_OF_A_SOURCE, math.ceil(limit / 2))
    taken: Counter[str] = Counter()
    chosen: list[int] = []
    spare: list[int] = []
    for at, source in enumerate(sources):
        if source is not None and taken[source] >= most:
            spare.append(at)
        else:
            chosen.append(at)
            taken[source or ""] += 1
    return sorted([*chosen[:limit], *spare[: max(0, limit - len(chosen))]])
