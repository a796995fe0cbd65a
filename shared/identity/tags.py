"""Tag identity: `#WorldNews`, `World News` and `world-news` are one tag, `world-news`.

`tag_of` creates the stored tag; `tag_slug` applies the same rules to the text of a query, a path or a filter, so that
an article is found by every label that normalises to its slug, including the displayed one. The slugs of `tag_of` are
stored with articles: `tests/unit/shared/tag_slugs.json` freezes them.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Callable
from typing import Final

from shared.articles import Tag
from shared.identity.slugs import slugify
from shared.identity.tag_names import ALIASES

SMALL_WORDS: Final = frozenset(["a", "an", "and", "at", "by", "for", "in", "of", "on", "or", "the", "to", "vs"])
"""Words that stay lower-case in a label and do not count in an acronym."""
_MAX_LABEL: Final = 80
_MAX_WORDS: Final = 8
_MAX_INPUT: Final = 4 * _MAX_LABEL
# Lower then upper case (WorldNews), or a run of capitals before a word (USElections).
_HUMP: Final = re.compile(r"(?<=[a-zß-ÿ0-9])(?=[A-ZÀ-Þ][a-zß-ÿ])|(?<=[A-Z])(?=[A-Z][a-zß-ÿ]{2})|(?<=[a-zß-ÿ]{2})(?=[A-Z]{2})")  # fmt: skip  # noqa: E501
_SCOTS: Final = re.compile(r"^(?:Mc|Mac|O['’])[A-Z][a-z]+$")
_JOINERS: Final = re.compile(r"[-_\s]+")
_CONTROL: Final = re.compile("[\x00-\x1f\x7f-\x9f\ud800-\udfff]")  # no query can hold one
_EXPLAINED: Final = re.compile(r"(?P<words>.+?)\s*\((?P<acronym>[A-Z]{2,8})\)")
_ONE_WORD: Final = frozenset(
    [
        "youtube", "tiktok", "linkedin", "whatsapp", "paypal", "ebay", "iphone", "ipad", "imac", "ios", "macos",
        "github", "openai", "chatgpt", "deepmind", "spacex", "biontech", "astrazeneca", "facetime", "playstation",
        "mcdonald", "mcdonalds", "blackrock", "wikileaks", "airbnb", "gofundme", "deepseek", "blackberry", "snapchat",
        "wechat", "doordash", "fedex", "exxonmobil",
    ]
)  # fmt: skip
"""Names with a capital inside that are one word."""


def tag_of(label: str) -> Tag | None:
    """The tag to store for a label; None when it is empty, longer than 80 characters or longer than 8 words.

    `tag_slug` of the returned label is the returned slug.
    """
    words, slug = _read(label)
    spaced = " ".join(words)
    if not slug or len(spaced) > _MAX_LABEL or len(words) > _MAX_WORDS:
        return None
    if slug in ALIASES:
        slug, known = ALIASES[slug]
        return Tag(slug=slug, label=known)
    shown: tuple[Callable[[], str], ...] = (lambda: _titled(words), lambda: spaced, lambda: label_from_slug(slug))
    # A capital may change how the label is read: `ßab` as `SSab`, whose words are `S Sab`.
    return Tag(slug=slug, label=next((text for made in shown if tag_slug(text := made()) == slug), slug))


def tag_slug(text: str) -> str:
    """The stored slug for a label, hashtag, synonym or slug; empty if there is no letter or digit."""
    slug = _read(text)[1]
    return ALIASES[slug][0] if slug in ALIASES else slug


def tag_prefix(text: str) -> str:
    """Slug prefix for a partially typed tag; synonyms are not resolved."""
    return _read(text)[1]


def label_from_slug(slug: str) -> str:
    """A label derived from a slug: `world-news` is `World News`."""
    return " ".join(word[:1].upper() + word[1:] for word in slug.split("-"))


def initials(slug: str) -> str:
    """The acronym of several words, without small words; empty for fewer than two."""
    words = [word for word in slug.split("-") if word not in SMALL_WORDS]
    return "".join(word[0] for word in words) if len(words) > 1 else ""


def _read(label: str) -> tuple[list[str], str]:
    """The words of a label, and its slug before other names are resolved."""
    text = _CONTROL.sub(" ", unicodedata.normalize("NFKC", label[:_MAX_INPUT])).strip().lstrip("#").strip(' .,;:!?"“”')
    explained = _EXPLAINED.fullmatch(text)
    if explained and initials(slugify(explained["words"], empty="")) == explained["acronym"].lower():
        text = explained["words"]  # `European Central Bank (ECB)`
    words = [word for part in _JOINERS.split(text) for word in _split_capitals(part) if word]
    return words, slugify(" ".join(words), limit=_MAX_LABEL, empty="")


def _split_capitals(word: str) -> list[str]:
    if word.lower() in _ONE_WORD or _SCOTS.match(word):
        return [word]
    return _HUMP.sub(" ", word).split()


def _titled(words: list[str]) -> str:
    if any(word != word.lower() for word in words):
        return " ".join(words)  # the capitals of the source are kept
    return " ".join(word if i and word in SMALL_WORDS else word[:1].upper() + word[1:] for i, word in enumerate(words))
