"""Collects the elements that metadata and author readers need, in one walk per kind."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import chain
from typing import Any, Final

from lxml.html import HtmlElement  # type: ignore[import-untyped]

_MAX_SIGNS: Final = 30
_MAX_NAMES: Final = 200
_METADATA_TAGS: Final = ("meta", "link", "base", "script", "title", "h1", "figure", "time")
_AUTHOR_TAGS: Final = ("a", "address", "cite", "div", "h1", "h2", "h3", "h4", "h5", "p", "span")
"""Elements that may name an author."""
_CLASSES: Final = (
    ("byline", re.compile(r"by-?_?line|written-?_?by|posted-?_?by|by-?author|lead-?author")),
    ("box", re.compile(r"(?:author|autor|writer)\S{0,20}(?:bio|desc|about|box|info|image|avatar|photo|social|role)|"
                       r"(?:bio|about|avatar)\S{0,12}(?:author|autor)")),
    ("author", re.compile(r"auth?or(?!i[tz]e|ity)|auteur|verfasser|redakteur|writer|contributor")),
    ("user", re.compile(r"(?:^|[\s_-])(?:user-?_?name|submitted|poster|vcard|fn|journalist|reporter|creator|editor)"
                        r"(?:$|[\s_-])|itemposter")),
)  # fmt: skip
"""Class name patterns of author elements, most specific first."""
_RDFA: Final = frozenset(["author", "schema:author", "dc:creator"])
_LINKS: Final = re.compile(
    r"/(?:aut(?:h?or(?:s|es|en|i)?|eurs?|oren)|by|profiles?|people|contributors?|redakteure?|redaktion|staff|team)/[^/?#]|"
    r"[?&]author=",
    re.IGNORECASE,
)


@dataclass(frozen=True, slots=True)
class Sign:
    """An element whose markup suggests that it names an author."""

    kind: str
    """One of `author_claims.KINDS`."""
    element: Any
    order: int
    """Number of author-tag elements before it."""


@dataclass(frozen=True, slots=True)
class Signs:
    """The author elements of a page in document order, at most 30."""

    found: tuple[Sign, ...]
    heading: int
    """Number of author-tag elements before the first `h1`; -1 without one."""


def page_parts(tree: HtmlElement) -> dict[str, list[Any]]:
    """`meta`, `link`, `base`, `script`, `title`, `h1`, `figure` and `time` elements by tag, in document order."""
    found: dict[str, list[Any]] = {tag: [] for tag in _METADATA_TAGS}
    for element in _elements(tree, *_METADATA_TAGS):
        found[element.tag].append(element)
    return found


def _elements(tree: HtmlElement, *tags: str) -> Iterator[Any]:
    # A malformed page may have several roots.
    return chain(tree.iter(*tags), *(other.iter(*tags) for other in tree.itersiblings()))


def author_signs(tree: HtmlElement, markup: str) -> Signs:  # noqa: C901 (one loop nearly without calls: it runs for every element)
    """Find author elements. `markup` is the source of `tree`."""
    described = "itemprop" in markup
    is_rdfa = "typeof=" in markup
    signs: list[Sign] = []
    kinds: dict[str, str] = {}
    heading = -1
    for number, element in enumerate(_elements(tree, *_AUTHOR_TAGS)):
        tag = element.tag
        if tag == "h1" and heading < 0:
            heading = number
        names = element.get("class")
        if names is not None:
            kind = kinds.get(names)
            if kind is None:
                kind = kinds[names] = _author_class(names)
            if kind:
                signs.append(Sign(kind, element, number))
        if described and element.get("itemprop") == "author":
            signs.append(Sign("itemprop", element, number))
        if is_rdfa and element.get("property") in _RDFA:
            signs.append(Sign("itemprop", element, number))
        if tag == "a" and (address := element.get("href")):
            if "author" in (element.get("rel") or ""):
                signs.append(Sign("rel", element, number))
            elif _is_author_url(address):
                signs.append(Sign("link", element, number))
    return Signs(tuple(signs[:_MAX_SIGNS]), heading)


def _author_class(names: str) -> str:
    lower = names[:_MAX_NAMES].lower()
    # Most classes match nothing; this check takes a tenth of the time of the patterns.
    if not (
        "aut" in lower or "by" in lower or "user" in lower or "writ" in lower or "fn" in lower or "vcard" in lower
        or "poster" in lower or "report" in lower or "submitted" in lower or "redakt" in lower or "editor" in lower
        or "contrib" in lower or "journalist" in lower or "creator" in lower or "verfasser" in lower
    ):  # fmt: skip
        return ""
    return next((kind for kind, form in _CLASSES if form.search(lower)), "")


def _is_author_url(address: str) -> bool:
    if not (
        "/aut" in address or "/p" in address or "/by/" in address or "/contrib" in address or "/red" in address
        or "/staff/" in address or "/team/" in address or "author=" in address
    ):  # fmt: skip
        return False
    return _LINKS.search(address[:_MAX_NAMES]) is not None
