"""Bytes of a document to clean text: decoding, line ends, invisible characters."""

from __future__ import annotations

import re
from typing import Final
from unicodedata import normalize

from shared.charset import decoding as charset
from shared.charset.decoding import Markup
from shared.charset.labels import charset_parameter
from shared.errors import Permanent
from shared.text_cleaning import remove_invisible

_BINARY: Final = (
    b"%PDF-",
    b"\x89PNG",
    b"\xff\xd8\xff",
    b"GIF8",
    b"PK\x03\x04",
    b"\x1f\x8b",
    b"\x7fELF",
    b"RIFF",
    b"\x28\xb5\x2f\xfd",
)
_LINE_ENDS: Final = re.compile(r"\r\n|[\r\v\f\x1c-\x1e\x85\u2028\u2029]")
_CONTROL: Final = re.compile(r"[\x00-\x08\x0e-\x1f\x7f-\x9f]")
_CONTROL_BYTES: Final = bytes(code for code in range(128) if _CONTROL.match(chr(code)))
_SPACES: Final = re.compile(r"[^\S\n]+")
_SAMPLE: Final = 65_536
_MAX_CONTROL_SHARE: Final = 0.05
_FEW: Final = 8


def decode(data: bytes, media_type: str, markup: Markup = Markup.NONE) -> str:
    """The text of `data`, by the rules of `shared.charset`.

    Raises Permanent(rule="not-text") for known binary formats and for bytes that are mostly control characters.
    """
    if data.startswith(_BINARY):
        raise Permanent("the bytes are a binary file, not text", rule="not-text")
    text = charset.decode(data, charset_parameter(media_type), markup).text
    if _is_binary(text[:_SAMPLE]):
        raise Permanent("more than 5 % of the characters are control characters", rule="not-text")
    return text


def _is_binary(sample: str) -> bool:
    """Whether too many of the characters are controls. Counted in bytes first: nearly all texts have none or few."""
    few = max(_FEW, len(sample) * _MAX_CONTROL_SHARE)
    raw = sample.encode("utf-8", "surrogatepass")
    # Controls beyond ASCII all have one lead byte, which some letters have, too.
    at_most = len(raw) - len(raw.translate(None, _CONTROL_BYTES)) + raw.count(b"\xc2")
    return at_most > few and len(_CONTROL.findall(sample)) > few


def clean(text: str) -> str:
    """The text in NFC, with `\\n` line ends only, runs of blanks as one space, and without invisible characters."""
    if "\n" in text and "\r" not in text:
        return "\n".join(map(clean, text.split("\n")))
    # macOS writes accents as characters of their own, and so does windows-1258 (Vietnamese).
    visible = remove_invisible(normalize("NFC", text))
    if visible.isprintable() and "  " not in visible:
        return visible  # most lines
    return _SPACES.sub(" ", _LINE_ENDS.sub("\n", visible))


def one_line(text: str, limit: int) -> str:
    """Clean text on one line, at most `limit` characters; a cut is marked with an ellipsis."""
    flat = " ".join(clean(text).split())
    return flat if len(flat) <= limit else flat[: limit - 1].rstrip() + "…"
