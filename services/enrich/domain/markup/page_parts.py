"""The elements of a page that the readers of its fields look at, each kind found in one walk."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import chain
from typing import Any, Final

from lxml.html import HtmlElement  # type: ignore[import-untyped]

_MAX_SIGNS: Final = 30
_MAX_NAMES: Final = 200
_KEPT: Final = ("meta", "link", "script", "title", "h1", "figure", "time")
_TELLING: Final = ("a", "address", "cite", "div", "h1", "h2", "h3", "h4", "h5", "p", "span")
"""Elements that may name somebody; these are what is walked and counted."""
_CLASSES: Final = (
    ("byline", re.compile(r"by-?_?line|written-?_?by|posted-?_?by|by-?author|lead-?author")),
    ("box", re.compile(r"(?:author|autor|writer)\S{0,20}(?:bio|desc|about|box|info|image|avatar|photo|social|role)|"
                       r"(?:bio|about|avatar)\S{0,12}(?:author|autor)")),
    ("author", re.compile(r"auth?or(?!i[tz]e|ity)|auteur|verfasser|redakteur|writer|contributor")),
    ("user", re.compile(r"(?:^|[\s_-])(?:user-?_?name|submitted|poster|vcard|fn|journalist|reporter|creator|editor)"
                        r"(?:$|[\s_-])|itemposter")),
)  # fmt: skip
"""What the class of an element that names an author looks like, most telling first."""
_LINKS: Final = re.compile(
    r"/(?:aut(?:h?or(?:s|es|en|i)?|eurs?|oren)|by|profiles?|people|contributors?|redakteure?|redaktion|staff|team)/[^/?#]|"
    r"[?&]author=",
    re.IGNORECASE,
)


@dataclass(frozen=True, slots=True)
class Sign:
    """An element that may name who wrote the page, by its mark-up."""

    kind: str
    """One of `author_claims.KINDS`."""
    element: Any
    order: int
    """How many elements stand before it."""


@dataclass(frozen=True, slots=True)
class Signs:
    """All such elements of a page, at most 30, in document order."""

    found: tuple[Sign, ...]
    heading: int
    """How many elements stand before the first `h1`; -1 without one."""


def parts_of(tree: HtmlElement) -> dict[str, list[Any]]:
    """The elements `meta`, `link`, `script`, `title`, `h1`, `figure` and `time`, in document order."""
    found: dict[str, list[Any]] = {tag: [] for tag in _KEPT}
    for element in _elements(tree, *_KEPT):
        found[element.tag].append(element)
    return found


def _elements(tree: HtmlElement, *tags: str) -> Iterator[Any]:
    # A broken page may have several roots.
    return chain(tree.iter(*tags), *(other.iter(*tags) for other in tree.itersiblings()))


def signs_of(tree: HtmlElement, markup: str) -> Signs:  # noqa: C901 (one loop nearly without calls: it runs for every element)
    """Walk the whole page for them; `markup` is what the tree was made of."""
    described = "itemprop" in markup
    signs: list[Sign] = []
    kinds: dict[str, str] = {}
    heading = -1
    for number, element in enumerate(_elements(tree, *_TELLING)):
        tag = element.tag
        if tag == "h1" and heading < 0:
            heading = number
        names = element.get("class")
        if names is not None:
            kind = kinds.get(names)
            if kind is None:
                kind = kinds[names] = _class(names)
            if kind:
                signs.append(Sign(kind, element, number))
        if described and element.get("itemprop") == "author":
            signs.append(Sign("itemprop", element, number))
        if tag == "a" and (address := element.get("href")):
            if "author" in (element.get("rel") or ""):
                signs.append(Sign("rel", element, number))
            elif _leads_to_author(address):
                signs.append(Sign("link", element, number))
    return Signs(tuple(signs[:_MAX_SIGNS]), heading)


def _class(names: str) -> str:
    lower = names[:_MAX_NAMES].lower()
    # Most classes tell nothing, and this is a tenth of what the patterns take.
    if not (
        "aut" in lower or "by" in lower or "user" in lower or "writ" in lower or "fn" in lower or "vcard" in lower
        or "poster" in lower or "report" in lower or "submitted" in lower or "redakt" in lower or "editor" in lower
        or "contrib" in lower or "journalist" in lower or "creator" in lower or "verfasser" in lower
    ):  # fmt: skip
        return ""
    return next((kind for kind, form in _CLASSES if form.search(lower)), "")


def _leads_to_author(address: str) -> bool:
    if not (
        "/aut" in address or "/p" in address or "/by/" in address or "/contrib" in address or "/red" in address
        or "/staff/" in address or "/team/" in address or "author=" in address
    ):  # fmt: skip
        return False
    return _LINKS.search(address[:_MAX_NAMES]) is not None
