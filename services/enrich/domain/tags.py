"""Tags: many spellings, one identity. `#WorldNews`, `World News` and `world-news` are the same tag.

What is one tag in every article is settled by its spelling and by the listed names of `shared.tag_names`. What is one
tag in this article only, singular and plural or an acronym and its words, is merged here and keeps the first's place.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterable
from typing import Final

from services.enrich.domain.slug import slugify
from services.enrich.domain.terms.vocabulary import ONE_WORD
from shared.articles import Tag
from shared.tag_names import ALIASES

MAX_TAGS: Final = 200
_MAX_LABEL: Final = 80
_MAX_WORDS: Final = 8
# Lower then upper case (WorldNews), or a run of capitals before a word (USElections).
_HUMP: Final = re.compile(r"(?<=[a-zß-ÿ0-9])(?=[A-ZÀ-Þ][a-zß-ÿ])|(?<=[A-Z])(?=[A-Z][a-zß-ÿ]{2})|(?<=[a-zß-ÿ]{2})(?=[A-Z]{2})")  # fmt: skip  # noqa: E501
_SCOTS: Final = re.compile(r"^(?:Mc|Mac|O['’])[A-Z][a-z]+$")
_SMALL: Final = frozenset(["a", "an", "and", "at", "by", "for", "in", "of", "on", "or", "the", "to", "vs"])
_JOINERS: Final = re.compile(r"[-_\s]+")
_EXPLAINED: Final = re.compile(r"(?P<words>.+?)\s*\((?P<acronym>[A-Z]{2,8})\)")
_ACRONYM: Final = re.compile(r"[a-z]{3,8}")
_MIN_SINGULAR: Final = 4


def normalise(labels: Iterable[str]) -> tuple[Tag, ...]:
    """At most 200 tags in order of first occurrence, one per identity; labels without a letter or digit are dropped."""
    found: dict[str, Tag] = {}
    for label in labels:
        tag = tag_of(label)
        if tag is not None:
            found.setdefault(_same_here(tag.slug), tag)
        if len(found) == MAX_TAGS:
            break
    initials = {_initials(tag.slug) for tag in found.values()}
    return tuple(tag for tag in found.values() if not (_ACRONYM.fullmatch(tag.slug) and tag.slug in initials))


def tag_of(label: str) -> Tag | None:
    """The tag behind one label, or None when it is empty, longer than 80 characters or longer than 8 words."""
    text = unicodedata.normalize("NFKC", label[: _MAX_LABEL * 4]).strip().lstrip("#").strip(' .,;:!?"“”')
    explained = _EXPLAINED.fullmatch(text)
    if explained and _initials(slugify(explained["words"], empty="")) == explained["acronym"].lower():
        text = explained["words"]  # `European Central Bank (ECB)`
    words = [word for part in _JOINERS.split(text) for word in _humps(part) if word]
    spaced = " ".join(words)
    slug = slugify(spaced, limit=_MAX_LABEL, empty="")
    if not slug or len(spaced) > _MAX_LABEL or len(words) > _MAX_WORDS:
        return None
    if slug in ALIASES:
        slug, known = ALIASES[slug]
        return Tag(slug=slug, label=known)
    return Tag(slug=slug, label=_titled(words))


def _same_here(slug: str) -> str:
    """What two tags of one article have in common that differ in number, or in a hyphen between their words."""
    *rest, last = slug.split("-")
    return "".join((*rest, _singular(last)))


def _singular(word: str) -> str:
    if not word.isascii() or not word.endswith("s") or word.endswith(("ss", "us", "is")):
        return word
    singular = word[:-3] + "y" if word.endswith("ies") else word[:-1]
    if word.endswith(("sses", "xes", "ches", "shes")):
        singular = word[:-2]
    return singular if len(singular) >= _MIN_SINGULAR else word


def _initials(slug: str) -> str:
    """The acronym of several words, small ones left out; empty for fewer than two."""
    words = [word for word in slug.split("-") if word not in _SMALL]
    return "".join(word[0] for word in words) if len(words) > 1 else ""


def _humps(word: str) -> list[str]:
    if word.lower() in ONE_WORD or _SCOTS.match(word):
        return [word]
    return _HUMP.sub(" ", word).split()


def _titled(words: list[str]) -> str:
    if any(word != word.lower() for word in words):
        return " ".join(words)  # the source wrote capitals: it knows better
    return " ".join(word if i and word in _SMALL else word[:1].upper() + word[1:] for i, word in enumerate(words))
