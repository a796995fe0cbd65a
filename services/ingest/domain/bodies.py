"""Request bodies before parsing: media type, declared charset, text or binary."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from html import unescape
from typing import Final

from services.ingest.domain.fields import clean_text, is_visible
from services.ingest.domain.rejections import reject
from shared.charset.codepages import REPLACEMENT
from shared.charset.decoding import Markup, decode
from shared.charset.labels import UTF_16, encoding_of, is_label

_PARAMETER: Final = re.compile(r";\s*([A-Za-z0-9-]{1,40})\s*=\s*(?:\"([^\"\\]{0,80})\"|([^\s;\"]{0,80}))\s*")
_NAME: Final = re.compile(r"[a-z0-9.+-]{1,60}/[a-z0-9.+-]{1,60}")
_MAGIC: Final = (
    *(b"\x89PNG", b"%PDF-", b"GIF8", b"\xff\xd8\xff", b"PK\x03\x04", b"\x1f\x8b", b"\x28\xb5\x2f\xfd"),
    *(b"\x7fELF", b"\xd0\xcf\x11\xe0", b"7z\xbc\xaf", b"\x00\x00\x01\x00", b"%!PS", b"{\\rtf"),
)
_ELSEWHERE: Final = ("<title", "<meta", "<script", "alt=", "aria-label=", "<noscript")
"""Where a page without text between its tags may still have a title or text."""
_MAX_CONTROL_SHARE: Final = 0.02
_CONTROLS: Final = bytes(byte for byte in range(32) if byte not in b"\t\n\x0c\r\x1b")


@dataclass(frozen=True, slots=True)
class MediaType:
    """A media type in lower case and the declared encoding by its name in the WHATWG Encoding standard."""

    name: str
    charset: str | None = None

    def __str__(self) -> str:
        return f"{self.name}; charset={self.charset}" if self.charset else self.name


def read_media_type(header: str, allowed: Sequence[str], *, fetched: bool = False) -> MediaType:
    """The media type of a Content-Type header. Raises InputRejected unless `allowed`, in a known charset.

    `fetched`: the header is another server's and cannot be corrected, so a charset that names no encoding is ignored
    and the bytes decide.
    """
    name, _, rest = header.partition(";")
    name = name.strip().lower()
    if not _NAME.fullmatch(name) or name not in allowed:
        raise reject("Content-Type", f"must be one of {', '.join(allowed)}", rule="unsupported-media-type")
    labels = [quoted or plain for key, quoted, plain in _PARAMETER.findall(f";{rest}") if key.lower() == "charset"]
    if not fetched and (len(labels) > 1 or not all(map(is_label, labels))):
        raise reject("Content-Type", "names an unknown charset, or several", rule="unsupported-media-type")
    return MediaType(name, encoding_of(labels[0]) if labels else None)


def read_text(data: bytes, charset: str | None) -> str:
    """A plain-text page in its declared encoding or, where that is absent or wrong, in the one the bytes speak for.

    Raises InputRejected when it is not text or is empty.
    """
    _reject_binary(data)
    found = decode(data, charset)
    try:
        text = clean_text(found.text)
    except ValueError as error:
        raise reject("body", str(error)) from None
    if not is_visible(text.replace(REPLACEMENT, "")):
        raise reject("body", "is empty or invisible")
    if _mostly_controls(data) and found.encoding not in UTF_16:
        raise reject("body", "is not text", rule="unsupported-media-type")
    return text


def read_html(data: bytes, charset: str | None = None) -> bytes:
    """An HTML page, unchanged: enrich decodes it. Raises InputRejected when it is empty or binary."""
    _reject_binary(data)
    if not data.strip(b" \t\r\n\x0c\x00"):
        raise reject("body", "is empty")
    # In UTF-16 the first byte of every Cyrillic, Greek or Thai letter is a control.
    if _mostly_controls(data.replace(b"\x00", b"")) and not _is_utf_16(data, charset):
        raise reject("body", "is not HTML", rule="unsupported-media-type")
    if is_empty_markup(data.replace(b"\x00", b"").decode("latin-1")):
        raise reject("body", "has no text and no title")
    return data


def is_empty_markup(html: str) -> bool:
    """Whether it is certain that the markup has neither text nor a title: enrich would reject it. Linear."""
    first, *pieces = html.split("<")
    if not all(piece[:1].isalpha() or piece[:1] in {"/", "!", "?"} for piece in pieces):
        return False  # such a `<` is a character
    texts = (first, *(piece.partition(">")[2] for piece in pieces))
    if any(text and not text.isspace() and is_visible(unescape(text)) for text in texts):
        return False
    lowered = html.lower()
    return not any(mark in lowered for mark in _ELSEWHERE)


def _reject_binary(data: bytes) -> None:
    if data.lstrip(b" \t\r\n").startswith(_MAGIC):
        raise reject("body", "is a binary file, not a page", rule="unsupported-media-type")


def _is_utf_16(data: bytes, charset: str | None) -> bool:
    found = decode(data, charset, Markup.HTML)
    return found.encoding in UTF_16 and REPLACEMENT not in found.text and not _mostly_controls(found.text.encode())


def _mostly_controls(data: bytes) -> bool:
    kept = len(data.translate(None, _CONTROLS))
    return len(data) - kept > _MAX_CONTROL_SHARE * len(data)
