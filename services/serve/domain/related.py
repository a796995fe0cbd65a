"""Reasons why articles are related, and the selection of neighbours by source diversity."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Final, Literal, NamedTuple

from shared.articles import Article, Card

MIN_SCORE: Final = 0.2
"""Minimum score; below it, shared words are coincidental."""
SMALL_ARCHIVE: Final = 100
"""Below this many articles nearly every term is rare, so that unrelated words of both articles weigh as much as those
they share: scores are low, and one above `MIN_SCORE` is as good as never reached.
"""
_MANY_TAGS: Final = 2
_COMMON_TAG: Final = 0.25
"""A tag that more than this share of the articles carry (and more than two) says nothing about a pair of them."""
OVERFETCH: Final = 3
"""Factor by which more neighbours are fetched than shown."""
_LEAST_OF_A_SOURCE: Final = 2


class Reason(NamedTuple):
    """One reason: the same story, or shared tags (slugs) or terms."""

    kind: Literal["story", "tags", "terms"]
    values: tuple[str, ...]


def reasons(article: Article, neighbour: Card, shared_terms: Sequence[str]) -> tuple[Reason, ...]:
    """Why `neighbour` is related to `article`, strongest reason first."""
    found: list[Reason] = []
    if article.story_id is not None and article.story_id == neighbour.story_id:
        found.append(Reason("story", (article.story_id,)))
    theirs = {tag.slug for tag in neighbour.tags}
    if shared := tuple(tag.slug for tag in article.tags if tag.slug in theirs):
        found.append(Reason("tags", shared))
    if shared_terms:
        found.append(Reason("terms", tuple(shared_terms)))
    return tuple(found)


@dataclass(frozen=True, slots=True)
class SmallArchive:
    """An archive below `SMALL_ARCHIVE`: how many articles it holds, and how many of them carry each tag."""

    articles: int
    tags: Mapping[str, int]

    def is_telling(self, slug: str) -> bool:
        """Whether two articles that share this tag have something in common."""
        return self.tags.get(slug, 0) <= max(2, _COMMON_TAG * self.articles)


def is_near_in_small_archive(article: Article, neighbour: Card, score: float, archive: SmallArchive) -> bool:
    """Whether a neighbour is related in a small archive.

    The threshold grows with the logarithm of the archive up to `MIN_SCORE`: of random parts of BBC News and of AG News,
    8 to 50 articles, what passes is of one topic as often as what passes `MIN_SCORE` in the whole set. A telling tag
    that both carry is evidence of its own: with one half the score is enough, with two any.
    """
    theirs = {tag.slug for tag in neighbour.tags}
    shared = sum(tag.slug in theirs and archive.is_telling(tag.slug) for tag in article.tags)
    if shared >= _MANY_TAGS:
        return True
    least = MIN_SCORE * math.log1p(archive.articles) / math.log1p(SMALL_ARCHIVE)
    return score >= (least / 2 if shared else least)


def diversify(sources: Sequence[str | None], limit: int) -> list[int]:
    """Select neighbours by source, nearest first: at most `limit` positions, in order.

    At most half (at least two) are of one source; more only if there are too few others.
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
