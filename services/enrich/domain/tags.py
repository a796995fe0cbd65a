"""Tags: many spellings, one identity. `#WorldNews`, `World News` and `world-news` are the same tag."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterable
from typing import Final

from services.enrich.domain.slug import slugify
from services.enrich.domain.vocabulary import ONE_WORD
from shared.articles import Tag

MAX_TAGS: Final = 200
_MAX_LABEL: Final = 80
_MAX_WORDS: Final = 8
# Lower then upper case (WorldNews), or a run of capitals before a word (USElections).
_HUMP: Final = re.compile(r"(?<=[a-zß-ÿ0-9])(?=[A-ZÀ-Þ][a-zß-ÿ])|(?<=[A-Z])(?=[A-Z][a-zß-ÿ]{2})|(?<=[a-zß-ÿ]{2})(?=[A-Z]{2})")  # fmt: skip  # noqa: E501
_SCOTS: Final = re.compile(r"^(?:Mc|Mac|O['’])[A-Z][a-z]+$")
_SMALL: Final = frozenset(["a", "an", "and", "at", "by", "for", "in", "of", "on", "or", "the", "to", "vs"])
_JOINERS: Final = re.compile(r"[-_\s]+")


def normalise(labels: Iterable[str]) -> tuple[Tag, ...]:
    """At most 200 tags in order of first occurrence, one per slug; labels without a letter or digit are dropped."""
    found: dict[str, Tag] = {}
    for label in labels:
        tag = tag_of(label)
        if tag is not None:
            found.setdefault(tag.slug, tag)
        if len(found) == MAX_TAGS:
            break
    return tuple(found.values())


def tag_of(label: str) -> Tag | None:
    """The tag behind one label, or None when it is empty, longer than 80 characters or longer than 8 words."""
    text = unicodedata.normalize("NFKC", label[: _MAX_LABEL * 4]).strip().lstrip("#").strip(' .,;:!?"“”')
    words = [word for part in _JOINERS.split(text) for word in _humps(part) if word]
    spaced = " ".join(words)
    slug = slugify(spaced, limit=_MAX_LABEL, empty="")
    if not slug or len(spaced) > _MAX_LABEL or len(words) > _MAX_WORDS:
        return None
    return Tag(slug=slug, label=_titled(words))


def _humps(word: str) -> list[str]:
    if word.lower() in ONE_WORD or _SCOTS.match(word):
        return [word]
    return _HUMP.sub(" ", word).split()


def _titled(words: list[str]) -> str:
    if any(word != word.lower() for word in words):
        return " ".join(words)  # the source wrote capitals: it knows better
    return " ".join(word if i and word in _SMALL else word[:1].upper() + word[1:] for i, word in enumerate(words))
