"""The one tree of an HTML page: parsed once, read by all, and made small before the engines copy it again and again."""

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
# lxml asks a Python function for the class of every element it meets; one class for all costs a fifteenth less CPU.
_PARSER.set_element_class_lookup(
    ElementDefaultClassLookup(element=HtmlElement, comment=HtmlComment, pi=HtmlProcessingInstruction, entity=HtmlEntity)
)
_XML_DECLARATION: Final = re.compile(r"^\s*<\?xml[^>]{0,200}\?>")
"""An encoding in it would contradict text that is decoded already."""
_UNREADABLE: Final = re.compile(r"[\x00-\x08\x0b\x0c\x0e-\x1f\ufffe\uffff]")
"""Characters that no parser should ever see."""
_CONTROLS: Final = bytes(code for code in range(32) if code not in b"\t\n\r")
_DOCTYPE: Final = re.compile(r"\A\s{0,40}<\s?!\s?doctype[^>\n]{0,400}/[^<>\n]{0,400}>", re.IGNORECASE)
"""With a slash in it libxml2 takes the rest of the page for text."""
_CLOSED_HTML: Final = re.compile(r"(<html\b[^<>]{0,2000}?)\s*/>", re.IGNORECASE)
_BEGINNING: Final = 4_096
_SCRIPTS: Final = XPath("//script[not(contains(@type, 'ld+json'))]")
# Not more: by the words of menus, buttons and forms trafilatura measures how much of a page it has read, an aside may
# be all that it finds, and structured data may hold the body.
_UNUSED: Final = (
    "applet", "area", "audio", "base", "canvas", "embed", "fencedframe", "footer", "frame", "img", "input", "link",
    "map", "meta", "object", "param", "picture", "source", "style", "svg", "track", "video",
)  # fmt: skip
_UNREAD: Final = (
    "action", "aria-controls", "aria-expanded", "aria-label", "aria-labelledby", "content", "datetime", "for", "height",
    "href", "method", "name", "onclick", "rel", "src", "srcset", "tabindex", "target", "title", "value", "width",
)  # fmt: skip
"""Attributes that are common and say nothing of the text: links and pictures are not asked for."""


def parsed(text: str) -> tuple[str, HtmlElement]:
    """The markup without what no parser should see, and its tree without comments. Raises Permanent(rule="not-html").

    A fragment is a page, too: its tree's root is the element around it.
    """
    markup = _readable(_XML_DECLARATION.sub("", text))
    beginning = _CLOSED_HTML.sub(r"\1>", _DOCTYPE.sub("", markup[:_BEGINNING]), count=1)
    markup = beginning + markup[_BEGINNING:]
    try:
        tree = fromstring(markup.encode("utf-8", "replace"), parser=_PARSER)
        if len(tree) >= 2 or "html" in markup[:50].lower():
            return markup, tree
    except (LxmlError, ValueError):
        pass  # such as nothing but an unknown element: read below as what stands in a body
    try:
        return markup, document_fromstring(f"<html><body>{markup}</body></html>", parser=_PARSER)
    except (LxmlError, ValueError) as error:
        raise Permanent("the page does not parse as HTML", rule="not-html") from error


def _readable(text: str) -> str:
    # Nearly all pages are: telling so by their bytes takes a quarter of the pattern's time.
    raw = text.encode("utf-8", "replace")
    clean = len(raw.translate(None, _CONTROLS)) == len(raw) and "\ufffe" not in text and "\uffff" not in text
    return text if clean else _UNREADABLE.sub("", text)


def slim(tree: HtmlElement) -> HtmlElement:
    """The same tree without what is none of a body's text, elements and attributes, for engines that copy it often."""
    for script in _SCRIPTS(tree):
        script.tag = "style"
    strip_elements(tree, *_UNUSED, with_tail=False)
    strip_attributes(tree, *_UNREAD)
    return tree
