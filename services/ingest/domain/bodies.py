"""Media type, charset and plausibility of a request body."""

from __future__ import annotations

import codecs
import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from services.ingest.domain.fields import clean_text, is_visible
from services.ingest.domain.rejections import reject

_PARAMETER: Final = re.compile(r";\s*([A-Za-z0-9-]{1,40})\s*=\s*(?:\"([^\"\\]{0,80})\"|([^\s;\"]{0,80}))\s*")
_NAME: Final = re.compile(r"[a-z0-9.+-]{1,60}/[a-z0-9.+-]{1,60}")
_ENCODINGS: Final = frozenset(
    (
        *("utf-8", "ascii", "utf-16", "utf-16-le", "utf-16-be", "gb18030", "gbk", "gb2312", "big5", "shift_jis"),
        *("euc_jp", "euc_kr", "iso2022_jp", "koi8-r", "koi8-u", "mac-roman"),
        *(f"cp125{n}" for n in range(9)),
        *(f"iso8859-{n}" for n in range(1, 17)),
    )
)
"""Codecs a producer may declare. UTF-7 and Python's own transforms are excluded."""

_MAGIC: Final = (
    *(b"\x89PNG", b"%PDF-", b"GIF8", b"\xff\xd8\xff", b"PK\x03\x04", b"\x1f\x8b", b"\x28\xb5\x2f\xfd"),
    *(b"\x7fELF", b"\xd0\xcf\x11\xe0", b"7z\xbc\xaf", b"\x00\x00\x01\x00", b"%!PS", b"{\\rtf"),
)
_MAX_CONTROL_SHARE: Final = 0.02
_CONTROLS: Final = bytes(byte for byte in range(32) if byte not in b"\t\n\x0c\r\x1b")


@dataclass(frozen=True, slots=True)
class MediaType:
    """A media type in lower case and the canonical name of its declared charset."""

    name: str
    charset: str | None = None

    def __str__(self) -> str:
        return f"{self.name}; charset={self.charset}" if self.charset else self.name


def read_media_type(header: str, allowed: Sequence[str]) -> MediaType:
    """The media type of a Content-Type header; InputRejected unless `allowed` and in a known charset."""
    name, _, rest = header.partition(";")
    name = name.strip().lower()
    if not _NAME.fullmatch(name) or name not in allowed:
        raise reject("Content-Type", f"must be one of {', '.join(allowed)}", rule="unsupported-media-type")
    return MediaType(name, _charset(f";{rest}") if rest.strip() else None)


def _charset(parameters: str) -> str | None:
    declared = [quoted or plain for key, quoted, plain in _PARAMETER.findall(parameters) if key.lower() == "charset"]
    if not declared:
        return None
    try:
        charset = codecs.lookup(declared[0]).name
    except (LookupError, ValueError):
        charset = ""
    if len(declared) > 1 or charset not in _ENCODINGS:
        raise reject("Content-Type", "unsupported charset", rule="unsupported-media-type")
    return charset


def read_text(data: bytes, charset: str | None) -> str:
    """A plain-text page, UTF-8 unless declared otherwise; raises InputRejected if it is binary or empty."""
    _refuse_binary(data)
    try:
        text = clean_text(data.removeprefix(codecs.BOM_UTF8).decode(charset or "utf-8"))
    except UnicodeError:
        raise reject("body", f"is not {charset or 'utf-8'}; declare its charset in Content-Type") from None
    except ValueError as error:
        raise reject("body", str(error)) from None
    if not is_visible(text):
        raise reject("body", "is empty or invisible")
    if _mostly_controls(data) and charset not in {"utf-16", "utf-16-le", "utf-16-be"}:
        raise reject("body", "is not text", rule="unsupported-media-type")
    return text


def read_html(data: bytes) -> bytes:
    """An HTML page, unchanged; enrich detects its charset. Raises InputRejected if binary or empty."""
    _refuse_binary(data)
    if not data.strip(b" \t\r\n\x0c\x00"):
        raise reject("body", "is empty")
    if _mostly_controls(data.replace(b"\x00", b"")):
        raise reject("body", "is not HTML", rule="unsupported-media-type")
    return data


def _refuse_binary(data: bytes) -> None:
    if data.lstrip(b" \t\r\n").startswith(_MAGIC):
        raise reject("body", "is a binary file, not a page", rule="unsupported-media-type")


def _mostly_controls(data: bytes) -> bool:
    kept = len(data.translate(None, _CONTROLS))
    return len(data) - kept > _MAX_CONTROL_SHARE * len(data)
