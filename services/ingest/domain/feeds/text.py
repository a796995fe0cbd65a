"""Bytes of a feed to text that is safe to parse: decoded, without DOCTYPE, with a bounded number of items."""

from __future__ import annotations

import re
from typing import Final

from services.ingest.domain.feeds.model import MAX_FEED_BYTES, MAX_ITEMS
from shared.charset.decoding import Markup, decode
from shared.charset.labels import charset_parameter
from shared.charset.mojibake import C1_CHARACTERS
from shared.errors import Permanent

_DECLARATION: Final = re.compile(r"^\s*<\?xml[^>]{0,300}\?>")
_CONTROL: Final = re.compile("[\x00-\x08\x0b\x0c\x0e-\x1f\ufffe\uffff]")
_EXTERNAL_DOCTYPE: Final = re.compile(
    r"^(?P<before>(?:\s{0,99}(?:<\?[^<>]{0,300}\?>|<!--(?:(?!-->)[^\0]){0,2000}-->)){0,9}\s{0,99})"
    r"<!DOCTYPE\s{1,99}[\w.:-]{1,60}"
    r"(?:\s{1,99}(?:PUBLIC|SYSTEM)(?:\s{1,99}(?:\"[^\"<>\[\]]{0,300}\"|'[^'<>\[\]]{0,300}')){1,2})?\s{0,99}>",
    re.IGNORECASE,
)
"""A document type without an internal subset, as RSS 0.91 requires it. What it names is never fetched."""
_DOCTYPE: Final = re.compile(r"<!\s*(?:doctype|entity)", re.IGNORECASE)
_REFERENCE: Final = re.compile(r"&#(?:[xX]([0-9a-fA-F]{1,40})|([0-9]{1,40}));?")
_SURROGATES: Final = re.compile(
    r"&(?:amp;)?#(?:[xX](?P<hex>[dD][89abAB][0-9a-fA-F]{2})|(?P<high>5[56][0-9]{3}));"
    r"&(?:amp;)?#(?:[xX](?P<hex2>[dD][c-fC-F][0-9a-fA-F]{2})|(?P<low>5[67][0-9]{3}));"
)
"""One character beyond the basic plane, written as its two units of UTF-16, as software of Java and .NET does."""
_HIDING: Final = (("<![CDATA[", "]]>"), ("<!--", "-->"))
_ITEM: Final = re.compile(r"<(?:[A-Za-z0-9_.-]{1,40}:)?(?:item|entry|url|sitemap)[\s>/]", re.IGNORECASE)
_ROOT: Final = re.compile(r"<\?xml\s|<(?:[\w.-]{1,40}:)?(?:rss|rdf|feed|urlset|sitemapindex)[\s>]", re.IGNORECASE)
_START: Final = re.compile(rf"<!|<html[\s>]|<\?|{_ROOT.pattern}|<channel[\s>]", re.IGNORECASE)
_MAX_JUNK: Final = 20_000
_HTML: Final = re.compile(r"^\s*(?:<!doctype\s+html|<html[\s>])", re.IGNORECASE)


def decode_feed(data: bytes, content_type: str = "") -> tuple[str, bool]:
    """The text of a feed without its XML declaration, and whether items beyond `MAX_ITEMS` were cut off.

    Raises Permanent: `feed-too-large`, `feed-html`, `feed-doctype`.
    """
    if len(data) > MAX_FEED_BYTES:
        raise Permanent(f"the feed is larger than {MAX_FEED_BYTES} bytes", rule="feed-too-large")
    decoded = decode(data, charset_parameter(content_type), Markup.XML)
    text = _SURROGATES.sub(_joined_surrogates, _CONTROL.sub("", decoded.text))
    text = _REFERENCE.sub(_valid_reference, text).lstrip("\ufeff \t\r\n")
    text = _from_root(text)
    if _HTML.match(text):
        raise Permanent("this is an HTML page, not a feed", rule="feed-html")
    text = _EXTERNAL_DOCTYPE.sub(lambda found: found["before"], text, count=1)
    reject_doctype(text)
    return _cut(_DECLARATION.sub("", text, count=1))


def _from_root(text: str) -> str:
    """The text without what a server wrote before the document, such as a warning of PHP."""
    if text.startswith(("{", "[")) or _START.match(text) or not (found := _ROOT.search(text, 0, _MAX_JUNK)):
        return text
    return text[found.start() :]


def _joined_surrogates(pair: re.Match[str]) -> str:
    high = int(pair["hex"], 16) if pair["hex"] else int(pair["high"])
    low = int(pair["hex2"], 16) if pair["hex2"] else int(pair["low"])
    if not (0xD800 <= high < 0xDC00 <= low < 0xE000):
        return pair[0]
    return chr(0x10000 + ((high - 0xD800) << 10) + low - 0xDC00)


def _valid_reference(reference: re.Match[str]) -> str:
    """A character reference as it is, or U+FFFD for what is no character: one surrogate would fail the whole feed.

    `&#147;` is a control in XML and a quotation mark in HTML, which is what publishers mean.
    """
    code = int(reference[1], 16) if reference[1] else int(reference[2])
    if code in C1_CHARACTERS:
        return C1_CHARACTERS[code]
    return "\ufffd" if code < 9 or 0xD800 <= code < 0xE000 or code > 0x10FFFF else reference[0]


def reject_doctype(text: str) -> None:
    """Raises Permanent for a document type with an internal subset, one after the prolog, or an entity declaration.

    CDATA and comments are skipped. One pass.
    """
    place = 0
    while (found := _DOCTYPE.search(text, place)) is not None:
        hidden = _hiding_span(text, place, found.start())
        if hidden is None:
            raise Permanent(
                "the feed holds a DOCTYPE with an internal subset, or an ENTITY declaration", rule="feed-doctype"
            )
        place = hidden


def _hiding_span(text: str, start: int, stop: int) -> int | None:
    """The end of the CDATA section or comment that contains `stop`, or None."""
    while True:
        found = [(text.find(mark, start, stop), close) for mark, close in _HIDING]
        opened = [pair for pair in found if pair[0] >= 0]
        if not opened:
            return None
        place, close = min(opened)
        end = text.find(close, place)
        if end < 0:
            return None  # unclosed: a lenient parser would still see what follows
        start = end + len(close)
        if start > stop:
            return start


def _cut(text: str) -> tuple[str, bool]:
    """The text up to item `MAX_ITEMS`, which bounds the cost of parsing."""
    for count, found in enumerate(_ITEM.finditer(text)):
        if count == MAX_ITEMS:
            return text[: found.start()], True
    return text, False
