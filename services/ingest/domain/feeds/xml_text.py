"""Repairs the text of an XML feed: character references, bare `&` and `<`, CDATA sections without an end."""

from __future__ import annotations

import re
from collections.abc import Iterator
from html import escape, unescape
from html.entities import html5
from typing import Final

_REFERENCE: Final = re.compile(r"&(?:#(?:[xX][0-9a-fA-F]{1,40}|[0-9]{1,40});?|(?P<name>[A-Za-z][A-Za-z0-9]{0,40});)?")
_XML_NAMES: Final = frozenset({"amp", "lt", "gt", "quot", "apos"})
_OPENING: Final = re.compile(r"<!\[CDATA\[|<!--")
_CLOSING: Final = {"<![CDATA[": "]]>", "<!--": "-->"}
"""Ends of the sections in which `&` and `<` are characters."""
_LONE_LESS_THAN: Final = re.compile(r"<(?![A-Za-z_/!?:])")

_TAG: Final = re.compile(r"<[A-Za-z][^<>]{0,4000}>")
_ATTRIBUTE: Final = re.compile(r"\"[^\"]*\"|'[^']*'|(?<==)([^\s\"'<>/][^\s\"'<>]{0,1000})(?:(?=\s)|(?<!/)(?=/?>))")
_CDATA: Final = "<![CDATA["
_CDATA_END: Final = "]]>"
_OPEN_ELEMENT: Final = re.compile(r"<([A-Za-z][\w:.-]{0,60})(?:\s[^<>]{0,300})?>\s*$")
_BEFORE: Final = 400
_MAX_REPAIRS: Final = 200


def repair_text(text: str) -> str:
    """The text with closed CDATA sections; outside of them HTML entities as characters, bare `&` and `<` escaped."""
    return "".join(
        piece if opaque else _REFERENCE.sub(_valid_reference, _LONE_LESS_THAN.sub("&lt;", _quoted(piece)))
        for piece, opaque in _sections(_with_closed_sections(text))
    )


def _quoted(text: str) -> str:
    """The text with quotes around attribute values that have none."""

    def quote(tag: re.Match[str]) -> str:
        if "=" not in tag[0]:
            return tag[0]
        return _ATTRIBUTE.sub(lambda value: f'"{value[1]}"' if value[1] else value[0], tag[0])

    return _TAG.sub(quote, text)


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


def _with_closed_sections(text: str) -> str:
    """The text with `]]>` before the end tag of an element whose CDATA section has no end of its own."""
    pieces: list[str] = []
    place = repairs = 0
    while (start := text.find(_CDATA, place)) >= 0 and repairs < _MAX_REPAIRS:
        end, inner = text.find(_CDATA_END, start), start + len(_CDATA)
        following = text.find(_CDATA, inner, end if end >= 0 else len(text))
        if end >= 0 and (following < 0 or text.find("</item>", inner, following) < 0):
            pieces.append(text[place : end + len(_CDATA_END)])
            place = end + len(_CDATA_END)
            continue
        element = _OPEN_ELEMENT.search(text[max(0, start - _BEFORE) : start])
        close = text.find(f"</{element[1]}>", inner) if element else -1
        close = close if close >= 0 else len(text)
        pieces.append(f"{text[place:close]}{_CDATA_END}")
        place, repairs = close, repairs + 1
    return "".join((*pieces, text[place:]))
