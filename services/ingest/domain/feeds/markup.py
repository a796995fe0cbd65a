"""Text constructs of feeds: what is markup, what is plain text, and the line of text of a title, tag or name.

Atom and JSON Feed declare the kind of a text. RSS does not, so its texts are sniffed: known HTML elements make them
markup. Every function is linear in the length of the text.
"""

from __future__ import annotations

import re
from html import escape, unescape
from typing import Final

from services.ingest.domain.feeds.model import TextKind
from services.ingest.domain.fields import is_visible

_INLINE: Final = frozenset(
    (
        *("a", "abbr", "acronym", "b", "bdi", "bdo", "big", "br", "center", "cite", "code", "data", "del"),
        *("dfn", "em", "font", "i", "img", "ins", "kbd", "mark", "nobr", "q", "rp", "rt", "ruby", "s", "samp"),
        *("small", "span", "strike", "strong", "sub", "sup", "time", "tt", "u", "var", "wbr"),
    )
)
_BLOCK: Final = frozenset(
    (
        *("address", "article", "aside", "blockquote", "dd", "details", "div", "dl", "dt", "figcaption"),
        *("figure", "footer", "h1", "h2", "h3", "h4", "h5", "h6", "header", "hr", "li", "main", "nav", "ol"),
        *("p", "pre", "section", "table", "tbody", "td", "tfoot", "th", "thead", "tr", "ul"),
    )
)
_OTHER: Final = frozenset(
    (
        *("audio", "body", "button", "embed", "form", "head", "html", "iframe", "input", "label", "link"),
        *("meta", "noscript", "object", "option", "param", "picture", "script", "select", "source", "style"),
        *("summary", "svg", "textarea", "title", "video"),
    )
)
_HTML: Final = _INLINE | _BLOCK | _OTHER
_VOID: Final = frozenset({"br", "img", "wbr", "hr"})
_UNPAIRED: Final = _VOID | {"p", "li", "dt", "dd", "tr", "td", "th"}
"""Elements whose end tag is often left out."""
_HIDDEN: Final = frozenset({"script", "style", "noscript", "iframe", "object", "svg", "head", "select", "textarea"})
"""Elements whose content is not text of the article."""
_TAG: Final = re.compile(r"<(?P<close>/?)(?P<name>[A-Za-z][A-Za-z0-9:-]{0,30})(?P<attributes>\s[^<>]{0,4000})?/?>")
_ENTITY: Final = re.compile(r"&(?:#[0-9]{1,7}|#[xX][0-9a-fA-F]{1,6}|[A-Za-z][A-Za-z0-9]{1,30});")
_SAFE_ENTITY: Final = re.compile(r"&(?!(?:lt|gt);)(?:#[0-9]{1,7}|#[xX][0-9a-fA-F]{1,6}|[A-Za-z][A-Za-z0-9]{1,30});")
_BLANK_LINE: Final = re.compile(r"\n[ \t]*\n\s*")
_DIRECTION_MARKS: Final = re.compile("[\u061c\u200e\u200f\u202a-\u202e\u2066-\u2069]")
_MAX_UNESCAPES: Final = 3


def is_html(text: str, kind: TextKind) -> bool:
    """Whether the text is markup: declared, or undeclared with an HTML element or a character reference in it."""
    if kind:
        return kind == "html"
    return _has_markup(text) or _ENTITY.search(text) is not None


def html_of(text: str, kind: TextKind) -> str:
    """Markup for any text; a text without block elements becomes paragraphs."""
    if not is_html(text, kind):
        return _paragraphs(escape(text, quote=False))
    if not kind and not _has_markup(text):
        text = unescape(text)  # plain text with character references, or markup that was escaped twice
        if not _has_markup(text):
            return _paragraphs(escape(text, quote=False))
    if _has_elements(text, _BLOCK):
        return text
    return f"<p>{text}</p>" if _has_elements(text, frozenset({"br"})) else _paragraphs(text)


def text_of(text: str, kind: TextKind) -> str:
    """The visible text, with white space collapsed."""
    if not is_html(text, kind):
        return " ".join(text.split())
    if not kind and not _has_markup(text):
        text = unescape(text)
    return " ".join(unescape(_without_tags(_without_hidden(text))).split())


def has_text(text: str, kind: TextKind) -> bool:
    """Whether a reader would see any text, not only pictures."""
    return is_visible(text_of(text, kind))


def line_of(text: str, kind: TextKind) -> str:
    """A title, tag or name as one line of plain text: markup removed, its text kept, references decoded.

    Undeclared text is read as most publishers mean it: `&amp;amp;` is an ampersand, `<b>word</b>` is a word, but a lone
    `<` or `<b>` is a character. In text that is declared plain only doubly escaped references are decoded.
    """
    text = _DIRECTION_MARKS.sub("", text)
    if kind != "text" and "-->" in text:
        text = _without_comments(text)
    if kind == "html":
        text = unescape(_without_tags(text))
    for _ in range(_MAX_UNESCAPES):
        if not kind:
            text = _without_formatting(text)
        decoded = (_ENTITY if not kind else _SAFE_ENTITY).sub(lambda found: unescape(found[0]), text)
        if decoded == text:
            break
        text = decoded
    return " ".join(text.split())


def _has_markup(text: str) -> bool:
    """Whether HTML elements are used and not only named: in pairs, with attributes, or such as need no end tag."""
    tags = [found for found in _TAG.finditer(text) if found["name"].lower() in _HTML]
    if any(found["name"].lower() in _UNPAIRED or "=" in (found["attributes"] or "") for found in tags):
        return True
    opened = {found["name"].lower() for found in tags if not found["close"]}
    return not opened.isdisjoint(found["name"].lower() for found in tags if found["close"])


def _has_elements(text: str, names: frozenset[str]) -> bool:
    return any(found["name"].lower() in names for found in _TAG.finditer(text))


def _paragraphs(markup: str) -> str:
    parts = (part.strip() for part in _BLANK_LINE.split(markup.replace("\r\n", "\n").replace("\r", "\n")))
    return "".join(f"<p>{part}</p>" for part in parts if part)


def _without_tags(text: str) -> str:
    return _TAG.sub(lambda found: "" if found["name"].lower() in _INLINE - _VOID else " ", text)


def _without_formatting(text: str) -> str:
    """Without HTML elements that a headline can have been formatted with: in pairs, void, or with attributes."""
    tags = [found for found in _TAG.finditer(text) if found["name"].lower() in _INLINE | _BLOCK]
    opened = {found["name"].lower() for found in tags if not found["close"]}
    closed = {found["name"].lower() for found in tags if found["close"]}
    paired = opened & closed

    def replacement(found: re.Match[str]) -> str:
        name = found["name"].lower()
        if (
            name in paired
            or name in _VOID & (_INLINE | _BLOCK)
            or ("=" in (found["attributes"] or "") and name in _INLINE | _BLOCK)
        ):
            return "" if name in _INLINE - _VOID else " "
        return found[0]

    return _TAG.sub(replacement, text) if tags else text


def _without_comments(text: str) -> str:
    first, *rest = text.split("<!--")
    return first + "".join(piece.partition("-->")[2] for piece in rest)


def _without_hidden(text: str) -> str:
    """Without comments and without elements whose content is not text, in one pass."""
    text = _without_comments(text)
    kept: list[str] = []
    hidden, start = "", 0
    for found in _TAG.finditer(text):
        name = found["name"].lower()
        if hidden:
            if name == hidden and found["close"]:
                hidden, start = "", found.end()
        elif name in _HIDDEN and not found["close"] and not found[0].endswith("/>"):
            kept.append(text[start : found.start()])
            hidden = name
    return "".join((*kept, "" if hidden else text[start:]))
