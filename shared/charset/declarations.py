"""What a document says of its own encoding: byte order mark, `<meta>` and XML declaration."""

from __future__ import annotations

import codecs
import re
from collections.abc import Iterable, Iterator
from typing import Final

from shared.charset.labels import UTF_16, encoding_of

_BYTE_ORDER_MARKS: Final = (
    (codecs.BOM_UTF8, "utf-8"),
    (codecs.BOM_UTF32_LE, "utf-32-le"),
    (codecs.BOM_UTF32_BE, "utf-32-be"),
    (codecs.BOM_UTF16_LE, "utf-16le"),
    (codecs.BOM_UTF16_BE, "utf-16be"),
)
_HEAD: Final = 65_536
"""Browsers scan 1,024 bytes before parsing, and restart if the tree builder finds a `<meta>` later."""
_TAG: Final = re.compile(rb"<[/!?a-z](?:[^>\"']|\"[^\"]{0,500}+\"|'[^']{0,500}+'){0,1000}+>?")
_META: Final = re.compile(rb"<meta[\s/]")
_RAW_TEXT: Final = re.compile(rb"<(script|style|textarea|title|xmp|iframe|noembed|noframes)\b")
"""Elements whose content is no markup: what a script writes declares nothing."""
_ATTRIBUTE: Final = re.compile(rb"([^\s/=>\"'][^\s/=>]*)\s*(?:=\s*(?:\"([^\"]*)\"|'([^']*)'|([^\s>\"']+)))?")
_CONTENT_CHARSET: Final = re.compile(rb"charset\s*=\s*(?:\"([^\"]*)\"|'([^']*)'|([^\s;\"']+))", re.IGNORECASE)
_XML: Final = re.compile(rb"\s*<\?xml\s[^>]{0,200}?encoding\s*=\s*[\"']([A-Za-z0-9_.:+ -]{1,40})[\"']")


def byte_order_mark(data: bytes) -> tuple[bytes, str] | None:
    """The byte order mark that `data` begins with, and its encoding."""
    return next(((mark, name) for mark, name in _BYTE_ORDER_MARKS if data.startswith(mark)), None)


def meta_encoding(data: bytes) -> str | None:
    """The encoding of the first `<meta>` that names a known one (HTML, 13.2.3.2 and 13.2.6.4.4), else None."""
    return next(_declared(_tags(data[:_HEAD].lower())), None)


def xml_encoding(data: bytes) -> str | None:
    """The encoding of an XML declaration; None when there is no known one."""
    found = _XML.match(data)
    return _in_ascii(found[1]) if found else None


def _tags(head: bytes) -> Iterator[bytes]:
    """The tags of markup in lower case, without what stands in comments, scripts and the like."""
    place = 0
    while (place := head.find(b"<", place)) >= 0:
        if head.startswith(b"<!--", place):
            end = head.find(b"-->", place)
        elif raw := _RAW_TEXT.match(head, place):
            end = head.find(b"</" + raw[1], place)
        else:
            tag = _TAG.match(head, place)
            end = tag.end() if tag else place + 1
            yield tag[0] if tag else b""
        if end < 0:
            return
        place = end


def _declared(tags: Iterable[bytes]) -> Iterator[str]:
    return (name for tag in tags if _META.match(tag) and (name := _of_meta(tag[5:])) is not None)


def _of_meta(attributes: bytes) -> str | None:
    values: dict[bytes, bytes] = {}
    for name, *quoted in _ATTRIBUTE.findall(attributes):
        values.setdefault(name, next(filter(None, quoted), b""))
    if (label := values.get(b"charset")) is not None:
        return _in_ascii(label)
    if values.get(b"http-equiv", b"").strip().lower() != b"content-type":
        return None
    found = _CONTENT_CHARSET.search(values.get(b"content", b""))
    return _in_ascii(next(filter(None, found.groups()), b"")) if found else None


def _in_ascii(label: bytes) -> str | None:
    """The encoding of a label that was read as ASCII, so that it cannot be UTF-16."""
    name = encoding_of(label.decode("latin-1"))
    return "utf-8" if name in UTF_16 else name
