"""Makes the XML of a feed well-formed and unambiguous before feedparser reads it, in one pass of libxml2.

Publishers write HTML entities, bare ampersands, wrong end tags and markup inside text elements. feedparser would lose
text for each of them, or read the markup as elements of the feed.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from html import escape, unescape
from html.entities import html5
from typing import Any, Final

from lxml import etree  # type: ignore[import-untyped]  # has no stubs

from services.ingest.domain.feeds.people import names_in

_REFERENCE: Final = re.compile(r"&(?:#(?:[xX][0-9a-fA-F]{1,40}|[0-9]{1,40});?|(?P<name>[A-Za-z][A-Za-z0-9]{0,40});)?")
_XML_NAMES: Final = frozenset({"amp", "lt", "gt", "quot", "apos"})
_OPENING: Final = re.compile(r"<!\[CDATA\[|<!--")
_CLOSING: Final = {"<![CDATA[": "]]>", "<!--": "-->"}
"""Ends of the sections in which `&` and `<` are characters."""
_LONE_LESS_THAN: Final = re.compile(r"<(?![A-Za-z_/!?:])")

ATOM: Final = frozenset({"http://www.w3.org/2005/Atom", "http://purl.org/atom/ns#"})
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
        root = etree.fromstring(_with_valid_references(text).encode("utf-8", "replace"), parser)
    except etree.XMLSyntaxError:  # not even one element
        return ""
    if root is None:
        return ""
    if _split(root)[0] not in ATOM:
        _flatten_people(root)
        _flatten_text_elements(root)
    for item in root.iter(*(f"{{*}}{name}" for name in _ITEMS)):
        _move_full_text(item)
        _move_media_texts(item)
    return str(etree.tostring(root, encoding="unicode"))


def _with_valid_references(text: str) -> str:
    """The text with HTML entities as characters, and other `&` and lone `<` escaped, outside CDATA and comments."""
    return "".join(
        piece if opaque else _REFERENCE.sub(_valid_reference, _LONE_LESS_THAN.sub("&lt;", piece))
        for piece, opaque in _sections(text)
    )


def _sections(text: str) -> Iterator[tuple[str, bool]]:
    """The text in pieces, each with whether it is a CDATA section or a comment."""
    place = 0
    unclosed: set[str] = set()
    for found in _OPENING.finditer(text):
        if found.start() < place or found[0] in unclosed:
            continue
        end = text.find(_CLOSING[found[0]], found.end())
        if end < 0:
            unclosed.add(found[0])
            continue
        yield text[place : found.start()], False
        place = end + len(_CLOSING[found[0]])
        yield text[found.start() : place], True
    yield text[place:], False


def _valid_reference(found: re.Match[str]) -> str:
    name = found["name"]
    if name in _XML_NAMES or found[0] in {"&#38;", "&#60;"}:
        return found[0]
    if name is None and len(found[0]) > 1:
        return escape(unescape(found[0]), quote=False)  # also reads &#146; as browsers do, as windows-1252
    if name is not None and (character := html5.get(f"{name};")):
        return escape(character, quote=False)
    return f"&amp;{found[0][1:]}"


def _flatten_people(root: Any) -> None:
    """Names of RSS authors without what feedparser would cut from them: an element `name` as in Atom, and beside another
    author the e-mail address.
    """
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
