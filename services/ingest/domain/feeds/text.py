"""From the bytes of a feed to text that is safe to parse: the encoding settled, DOCTYPE refused, items counted."""

from __future__ import annotations

import codecs
import re
from datetime import UTC, datetime
from typing import Final

from services.ingest.domain.feeds.model import MAX_FEED_BYTES, MAX_ITEMS
from shared.errors import Permanent

_BOMS: Final = (
    (codecs.BOM_UTF8, "utf-8"),
    (codecs.BOM_UTF32_LE, "utf-32-le"),
    (codecs.BOM_UTF32_BE, "utf-32-be"),
    (codecs.BOM_UTF16_LE, "utf-16-le"),
    (codecs.BOM_UTF16_BE, "utf-16-be"),
)
_WIDE: Final = ((b"<\x00?\x00", "utf-16-le"), (b"\x00<\x00?", "utf-16-be"), (b"<\x00\x00\x00", "utf-32-le"))
_CHARSET: Final = re.compile(r"charset\s*=\s*[\"']?([A-Za-z0-9_.:-]{1,40})", re.IGNORECASE)
_DECLARED: Final = re.compile(rb"^\s*<\?xml[^>]{0,200}?encoding\s*=\s*[\"']([A-Za-z0-9_.:-]{1,40})[\"']")
_DECLARATION: Final = re.compile(r"^\s*<\?xml[^>]{0,300}\?>")
_NOT_FOR_FEEDS: Final = frozenset({"utf-7", "idna", "punycode", "unicode_escape", "raw_unicode_escape", "undefined"})
"""Codecs that can hide markup from a scan, or are no encodings of documents."""
_CONTROL: Final = re.compile("[\x00-\x08\x0b\x0c\x0e-\x1f\ufffe\uffff]")
_DOCTYPE: Final = re.compile(r"<!\s*(?:doctype|entity)", re.IGNORECASE)
_REFERENCE: Final = re.compile(r"&#(?:[xX]([0-9a-fA-F]{1,40})|([0-9]{1,40}));?")
_HIDING: Final = (("<![CDATA[", "]]>"), ("<!--", "-->"))
_ITEM: Final = re.compile(r"<(?:[A-Za-z0-9_.-]{1,40}:)?(?:item|entry|url|sitemap)[\s>/]", re.IGNORECASE)
_HTML: Final = re.compile(r"^\s*(?:<!doctype\s+html|<html[\s>])", re.IGNORECASE)


def readable(data: bytes, content_type: str = "") -> tuple[str, bool]:
    """The text of a feed without its XML declaration, and whether items were cut off.

    Raises Permanent: `feed-too-large`, `feed-encoding`, `feed-html`, `feed-doctype`.
    """
    if len(data) > MAX_FEED_BYTES:
        raise Permanent(f"the feed is larger than {MAX_FEED_BYTES} bytes", rule="feed-too-large")
    text = _REFERENCE.sub(_possible, _CONTROL.sub("", _decoded(data, content_type))).lstrip("\ufeff \t\r\n")
    if _HTML.match(text):
        raise Permanent("this is an HTML page, not a feed", rule="feed-html")
    refuse_doctype(text)
    return _cut(_DECLARATION.sub("", text, count=1))


def _possible(reference: re.Match[str]) -> str:
    """A character reference as it is, or U+FFFD for what is no character: one surrogate would fail the whole feed."""
    code = int(reference[1], 16) if reference[1] else int(reference[2])
    return "\ufffd" if code < 9 or 0xD800 <= code < 0xE000 or code > 0x10FFFF else reference[0]


def refuse_doctype(text: str) -> None:
    """Refuse any document type or entity declaration outside CDATA and comments, in one pass. Raises Permanent."""
    place = 0
    while (found := _DOCTYPE.search(text, place)) is not None:
        hidden = _hiding_span(text, place, found.start())
        if hidden is None:
            raise Permanent("the feed holds a DOCTYPE or ENTITY declaration", rule="feed-doctype")
        place = hidden


def _hiding_span(text: str, start: int, stop: int) -> int | None:
    """The end of the CDATA section or comment around `stop`, when there is one that begins after `start`."""
    while True:
        found = [(text.find(mark, start, stop), close) for mark, close in _HIDING]
        opened = [pair for pair in found if pair[0] >= 0]
        if not opened:
            return None
        place, close = min(opened)
        end = text.find(close, place)
        if end < 0:
            return None  # never closed: what follows is not hidden from a forgiving parser
        start = end + len(close)
        if start > stop:
            return start


def _decoded(data: bytes, content_type: str) -> str:
    name = _encoding(data, content_type)
    try:
        known = codecs.lookup(name)
    except LookupError:
        raise Permanent(f"the feed is in an unknown encoding ({name})", rule="feed-encoding") from None
    if known.name in _NOT_FOR_FEEDS:
        raise Permanent(f"a feed in {known.name} is not read", rule="feed-encoding")
    try:
        return data.decode(known.name)
    except LookupError:  # base64 and the like are codecs, but not of text
        raise Permanent(f"a feed in {known.name} is not read", rule="feed-encoding") from None
    except UnicodeDecodeError:
        # Half of the wrong labels are one of these two; single bytes cannot fail.
        return data.decode("utf-8" if known.name != "utf-8" else "cp1252", "replace")


def _encoding(data: bytes, content_type: str) -> str:
    """A byte order mark, else what the document declares, else what HTTP said, else UTF-8."""
    for mark, name in (*_BOMS, *_WIDE):
        if data.startswith(mark):
            return name
    if declared := _DECLARED.match(data):
        return declared[1].decode("ascii")
    said = _CHARSET.search(content_type)
    return said[1] if said else "utf-8"


def _cut(text: str) -> tuple[str, bool]:
    """The text up to its item number `MAX_ITEMS`: what comes after costs the parser more than it is worth."""
    for count, found in enumerate(_ITEM.finditer(text)):
        if count == MAX_ITEMS:
            return text[: found.start()], True
    return text, False


def iso_instant(text: str) -> datetime | None:
    """An ISO 8601 date or time in UTC, without an offset taken as UTC; None for anything else."""
    try:
        read = datetime.fromisoformat(text)
        return (read if read.tzinfo else read.replace(tzinfo=UTC)).astimezone(UTC)
    except (ValueError, OverflowError):  # the latter: its offset leads out of the calendar
        return None
