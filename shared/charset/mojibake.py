"""Text that was decoded twice (`Ã¤` for `ä`), mended where that is certain."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Final

from ftfy import TextFixerConfig, fix_encoding

_WHOLE: Final = TextFixerConfig(unescape_html=False, replace_lossy_sequences=False, decode_inconsistent_utf8=False)
_PARTS: Final = TextFixerConfig(unescape_html=False, replace_lossy_sequences=False)
C1_CHARACTERS: Final = {byte: text for byte in range(0x80, 0xA0) if (text := bytes((byte,)).decode("cp1252", "ignore"))}
"""Controls that stand where a writer took windows-1252 for latin-1: quotes, dashes and the euro sign."""
_CONTROL: Final = re.compile("[\x80-\x84\x86-\x9f]")
_SUSPECT: Final = re.compile("[Â-ôРСЃ][\x80-¿ŒœŠšŸŽžƒˆ˜–—‘-„†‡•…‰‹›€™ЂЃѓЉЊЌЋЏђљњќћџЎўЈҐЁЄЇІіґё№єјЅѕї]")
_ASCII: Final = dict.fromkeys(range(128))
_ONLY_BEYOND_ASCII: Final = b" " * 128 + bytes(range(128, 256))
_SEGMENT: Final = re.compile(r"[^<>\n\"]+")
_MAX_SEGMENTS: Final = 20_000
"""Segments tried in one document; ftfy needs 40 microseconds for each."""


def repair(text: str) -> str:
    """The text with C1 controls as the characters they were meant to be, and double decoding undone.

    A segment between tags, quotes and line ends is mended when all of it is valid as bytes of UTF-8, or several places
    of it are and it has no other letters beyond ASCII: a text that explains `Ã¤` and also writes `ä` stays as it is.
    """
    if text.isascii():
        return text
    beyond = _beyond_ascii(text)
    if _SUSPECT.search(beyond):
        budget = iter(range(_MAX_SEGMENTS))
        text = beyond = _SEGMENT.sub(lambda segment: _mended(segment[0], budget), text)
    return text.translate(C1_CHARACTERS) if _CONTROL.search(beyond) else text


def _beyond_ascii(text: str) -> str:
    """The runs of characters beyond ASCII, separated by blanks: a small part of most pages, found with bytes."""
    raw = text.encode("utf-8", "surrogatepass").translate(_ONLY_BEYOND_ASCII)
    return b" ".join(raw.split()).decode("utf-8", "surrogatepass")


def _mended(segment: str, budget: Iterator[int]) -> str:
    places = len(_SUSPECT.findall(segment))
    if not places or next(budget, None) is None:
        return segment
    mended = fix_encoding(segment, _WHOLE)
    if mended == segment and places > 1 and not any(map(str.isalpha, _SUSPECT.sub("", segment.translate(_ASCII)))):
        return fix_encoding(segment, _PARTS)
    return mended
