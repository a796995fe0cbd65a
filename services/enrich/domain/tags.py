"""The tags of one article: one per identity (`shared.identity.tags`), in order of first occurrence.

Merged here is what is one tag in this article only: singular and plural, or an acronym and its words. The first stays.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from typing import Final

from shared.articles import Tag
from shared.identity.tags import initials, tag_of

MAX_TAGS: Final = 200
_ACRONYM: Final = re.compile(r"[a-z]{3,8}")
_MIN_SINGULAR: Final = 4


def normalise(labels: Iterable[str]) -> tuple[Tag, ...]:
    """At most 200 tags in order of first occurrence, one per identity; labels without a letter or digit are dropped."""
    tags: dict[str, Tag] = {}
    for label in labels:
        tag = tag_of(label)
        if tag is not None:
            tags.setdefault(_merge_key(tag.slug), tag)
        if len(tags) == MAX_TAGS:
            break
    acronyms = {initials(tag.slug) for tag in tags.values()}
    return tuple(tag for tag in tags.values() if not (_ACRONYM.fullmatch(tag.slug) and tag.slug in acronyms))


def _merge_key(slug: str) -> str:
    """Equal for tags that differ in the number of the last word, or in hyphens between their words."""
    *rest, last = slug.split("-")
    return "".join((*rest, _singular(last)))


def _singular(word: str) -> str:
    if not word.isascii() or not word.endswith("s") or word.endswith(("ss", "us", "is")):
        return word
    singular = word[:-3] + "y" if word.endswith("ies") else word[:-1]
    if word.endswith(("sses", "xes", "ches", "shes")):
        singular = word[:-2]
    return singular if len(singular) >= _MIN_SINGULAR else word
