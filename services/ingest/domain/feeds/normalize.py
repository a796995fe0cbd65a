"""Makes the XML of a feed well-formed and unambiguous before feedparser reads it, in one pass of libxml2.

Publishers write HTML entities, bare ampersands, wrong end tags and markup inside text elements. feedparser would lose
text for each of them, or read the markup as elements of the feed.
"""

from __future__ import annotations

import re
from html import escape
from typing import Any, Final

from lxml import etree  # type: ignore[import-untyped]  # has no stubs

from services.ingest.domain.feeds.people import names_in
from services.ingest.domain.feeds.xml_text import repair_text

ATOM_1: Final = "http://www.w3.org/2005/Atom"
ATOM: Final = frozenset({ATOM_1, "http://purl.org/atom/ns#"})
_WRAPPED: Final = re.compile(
    r"\s*<(?:p|div|h[1-6]|ul|ol|table|figure|blockquote|article|section)(?:\s[^<>]*)?>", re.IGNORECASE
)
_MEDIA: Final = ("http://search.yahoo.com/mrss/", "http://search.yahoo.com/mrss")
_CONTENT: Final = "http://purl.org/rss/1.0/modules/content/"
_FULL_TEXT: Final = frozenset({("http://news.yandex.ru", "full-text"), ("http://turbo.yandex.ru", "content")})
_TEXT_ELEMENTS: Final = frozenset(
    ("title", "description", "category", "author", "managingEditor", "webMaster", "creator", "encoded", "full-text")
)
"""Elements of RSS that hold text only: markup inside them is a producer's mistake and part of the text."""
_ITEMS: Final = frozenset({"item", "entry"})
_PEOPLE: Final = frozenset({"author", "creator"})


def normalize_xml(text: str) -> str:
    """The feed as well-formed XML without a declaration; empty if nothing can be read of it."""
    parser = etree.XMLParser(recover=True, resolve_entities=False, no_network=True, load_dtd=False, huge_tree=False)
    try:
        root = etree.fromstring(repair_text(text).encode("utf-8", "replace"), parser)
    except etree.XMLSyntaxError:  # not even one element
        return ""
    if root is None:
        return ""
    if _split(root)[0] not in ATOM:
        _flatten_people(root)
        _flatten_text_elements(root)
    for item in root.iter(*(f"{{*}}{name}" for name in _ITEMS)):
        _declare_markup(item)
        _drop_picture_texts(item)
        _move_full_text(item)
        _move_media_texts(item)
    return str(etree.tostring(root, encoding="unicode"))


def _flatten_people(root: Any) -> None:
    """Authors of RSS without what feedparser cuts wrongly: an element `name`, an address next to another author."""
    for item in root.iter(*(f"{{*}}{name}" for name in _ITEMS)):
        people = [child for child in item if _split(child)[1] in _PEOPLE and _split(child)[0] not in ATOM]
        for element in people:
            named = element.find("{*}name")
            text = "".join((element if named is None else named).itertext()).strip()
            if named is not None or (len(people) > 1 and "@" in text and not len(element)):
                del element[:]
                element.text = "; ".join(names_in(text)) or text


def _flatten_text_elements(root: Any) -> None:
    for element in list(root.iter(*(f"{{*}}{name}" for name in _TEXT_ELEMENTS))):
        if len(element) and _split(element)[0] not in ATOM and element.getparent() is not None:
            inner = "".join((escape(element.text or "", quote=False), *(_markup(child) for child in element)))
            del element[:]
            element.text = inner


def _markup(child: Any) -> str:
    return re.sub(r"\sxmlns(?::\w+)?=\"[^\"]*\"", "", str(etree.tostring(child, encoding="unicode")))


def _drop_picture_texts(item: Any) -> None:
    """Remove title and link of an `image` of an item: feedparser would let them replace those of the item."""
    for image in [child for child in item if _split(child)[1] == "image"]:
        for child in [child for child in image if _split(child)[1] != "url"]:
            image.remove(child)


def _declare_markup(entry: Any) -> None:
    """Atom texts without a `type` are plain text, but one that starts and ends with a tag is HTML."""
    for name in ("content", "summary"):
        for element in entry.iterfind(f"{{{ATOM_1}}}{name}"):
            if element.get("type") is None and not len(element) and _WRAPPED.match(text := element.text or ""):
                element.set("type", "html" if text.rstrip().endswith(">") else "text")


def _move_full_text(item: Any) -> None:
    """Yandex feeds carry the whole article in elements of their own."""
    if item.find(f"{{{_CONTENT}}}encoded") is None:
        for child in item:
            if _split(child) in _FULL_TEXT:
                child.tag = f"{{{_CONTENT}}}encoded"
                break


def _move_media_texts(item: Any) -> None:
    """Take the texts of Media RSS out of the way: feedparser would let them replace the title and text of the item.

    Of a picture they are its alternative text, which stays in the attribute `alt` of its element. Of anything else they
    are the text and title of an item that has none.
    """
    texts = {"title": "", "description": ""}
    for element in list(item.iter(*(f"{{{ns}}}{name}" for ns in _MEDIA for name in texts))):
        parent = element.getparent()
        name, text = _split(element)[1], (element.text or "").strip()
        if _is_picture(parent):
            parent.set("alt", parent.get("alt") or text)
        elif text and not texts[name]:
            texts[name] = text if element.get("type") == "html" or name == "title" else escape(text, quote=False)
        _remove(element)
    filled = (child for child in item if _split(child)[0] not in _MEDIA and (len(child) or (child.text or "").strip()))
    names = {_split(child)[1] for child in filled}
    if texts["title"] and "title" not in names:
        _append(item, "title", texts["title"])
    if texts["description"] and not names & {"description", "summary", "content", "encoded"}:
        _append(item, "summary" if _split(item)[0] in ATOM else "description", texts["description"])


def _is_picture(element: Any) -> bool:
    namespace, name = _split(element)
    if namespace not in _MEDIA:
        return False
    return name == "thumbnail" or (element.get("medium") or element.get("type") or "").startswith("image")


def _append(item: Any, name: str, text: str) -> None:
    namespace = _split(item)[0]
    child = etree.SubElement(item, f"{{{namespace}}}{name}" if namespace else name)
    if namespace in ATOM:
        child.set("type", "html")
    child.text = text


def _remove(element: Any) -> None:
    parent, tail = element.getparent(), element.tail
    if tail and (before := element.getprevious()) is not None:
        before.tail = (before.tail or "") + tail
    parent.remove(element)


def _split(element: Any) -> tuple[str, str]:
    """Namespace and local name; empty for comments."""
    if not isinstance(element.tag, str):
        return "", ""
    namespace, _, name = element.tag.rpartition("}")
    return namespace.removeprefix("{"), name
