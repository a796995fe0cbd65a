"""Mercure's `topic` (or `match`): an article, a stream, or `*`, each named by its URL here or by its path alone."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final
from urllib.parse import unquote, urlsplit

from shared.articles import Card
from shared.events import Tombstone
from shared.identity.tags import tag_slug

MAX_TOPICS: Final = 100
_ARTICLE: Final = re.compile(r"^/(?:v1/)?articles/([a-z2-7]{26})(?:/[^/]*)?$")
_STREAM: Final = re.compile(r"^/(?:v1/)?streams/(.{1,400})$", re.DOTALL)


@dataclass(frozen=True, slots=True)
class Topics:
    """Any of these articles or tags; `everything` if `*` was given."""

    articles: frozenset[str] = frozenset()
    tags: frozenset[str] = frozenset()
    everything: bool = False

    def matches(self, card: Card | Tombstone) -> bool:
        """Whether an event about this article has one of the topics."""
        return self.everything or card.id in self.articles or any(tag.slug in self.tags for tag in card.tags)


def parse(values: Sequence[str]) -> Topics:
    """Parse the topics. Raises ValueError for one that cannot match anything on this server."""
    if len(values) > MAX_TOPICS:
        raise ValueError(f"at most {MAX_TOPICS} topics")
    articles, tags, everything = set(), set(), False
    for value in values:
        path = unquote(urlsplit(value).path) if value != "*" else "*"
        if path == "*":
            everything = True
        elif found := _ARTICLE.match(path):
            articles.add(found[1])
        elif found := _STREAM.match(path):
            tags.add(tag_slug(found[1]))
        else:
            raise ValueError("a topic is * or the URL or path of an article or a stream here")
    return Topics(frozenset(articles), frozenset(tags), everything)
