"""Parses an HTML page once; the tree is shared by all readers and stripped before the extraction engines copy it."""

from __future__ import annotations

import re
from typing import Final

from lxml.etree import (  # type: ignore[import-untyped]
    ElementDefaultClassLookup,
    LxmlError,
    XPath,
    strip_attributes,
    strip_elements,
)
from lxml.html import (  # type: ignore[import-untyped]
    HtmlComment,
    HtmlElement,
    HtmlEntity,
    HTMLParser,
    HtmlProcessingInstruction,
    document_fromstring,
    fromstring,
)

from shared.errors import Permanent

_PARSER: Final = HTMLParser(
    collect_ids=False, default_doctype=False, encoding="utf-8", remove_comments=True, remove_pis=True
)
# By default lxml calls a Python function for the class of every element; a fixed class saves 7 % of the CPU.
_PARSER.set_element_class_lookup(
    ElementDefaultClassLookup(element=HtmlElement, comment=HtmlComment, pi=HtmlProcessingInstruction, entity=HtmlEntity)
)
_XML_DECLARATION: Final = re.compile(r"^\s*<\?xml[^>]{0,200}\?>")
"""Its encoding would contradict text that is already decoded."""
_UNREADABLE: Final = re.compile(r"[\x00-\x08\x0b\x0c\x0e-\x1f\ufffe\uffff]")
"""Characters that are not allowed in a document."""
_CONTROLS: Final = bytes(code for code in range(32) if code not in b"\t\n\r")
_DOCTYPE: Final = re.compile(r"\A\s{0,40}<\s?!\s?doctype[^>\n]{0,400}/[^<>\n]{0,400}>", re.IGNORECASE)
"""libxml2 treats the rest of the page as text after a doctype that contains a slash."""
_CLOSED_HTML: Final = re.compile(r"(<html\b[^<>]{0,2000}?)\s*/>", re.IGNORECASE)
_BEGINNING: Final = 4_096
_SCRIPTS: Final = XPath("//script[not(contains(@type, 'ld+json'))]")
# Menus, buttons, forms, asides and structured data stay: trafilatura measures coverage by them.
_UNUSED: Final = (
    "applet", "area", "audio", "base", "canvas", "embed", "fencedframe", "footer", "frame", "img", "input", "link",
    "map", "meta", "object", "param", "picture", "source", "style", "svg", "track", "video",
)  # fmt: skip
_UNREAD: Final = (
    "action", "aria-controls", "aria-expanded", "aria-label", "aria-labelledby", "content", "datetime", "for", "height",
    "href", "method", "name", "onclick", "rel", "src", "srcset", "tabindex", "target", "title", "value", "width",
)  # fmt: skip
"""Common attributes that do not affect the text; links and pictures are not extracted from this tree."""


def parse_page(text: str) -> tuple[str, HtmlElement]:
    """Cleaned markup, and its tree without comments. A fragment gets a root element. Raises Permanent("not-html")."""
    markup = _remove_unreadable(_XML_DECLARATION.sub("", text))
    beginning = _CLOSED_HTML.sub(r"\1>", _DOCTYPE.sub("", markup[:_BEGINNING]), count=1)
    markup = beginning + markup[_BEGINNING:]
    try:
        tree = fromstring(markup.encode("utf-8", "replace"), parser=_PARSER)
        if len(tree) >= 2 or "html" in markup[:50].lower():
            return markup, tree
    except (LxmlError, ValueError):
        pass  # such as a single unknown element: parsed below as the content of a body
    return markup, _as_body(markup)


def parse_body(text: str) -> tuple[str, HtmlElement]:
    """Cleaned markup of a fragment, and a tree that has it as its `body`. Raises Permanent("not-html")."""
    markup = _remove_unreadable(_XML_DECLARATION.sub("", text))
    return markup, _as_body(markup)


def _as_body(markup: str) -> HtmlElement:
    try:
        return document_fromstring(f"<html><body>{markup}</body></html>", parser=_PARSER)
    except (LxmlError, ValueError) as error:
        raise Permanent("the page does not parse as HTML", rule="not-html") from error


def _remove_unreadable(text: str) -> str:
    # Nearly all pages have none: checking the bytes takes a quarter of the pattern's time.
    raw = text.encode("utf-8", "replace")
    clean = len(raw.translate(None, _CONTROLS)) == len(raw) and "\ufffe" not in text and "\uffff" not in text
    return text if clean else _UNREADABLE.sub("", text)


def strip_unread(tree: HtmlElement) -> HtmlElement:
    """Remove, in place, elements and attributes that the extraction engines do not need. Returns the same tree."""
    for script in _SCRIPTS(tree):
        script.tag = "style"
    strip_elements(tree, *_UNUSED, with_tail=False)
    strip_attributes(tree, *_UNREAD)
    return tree
