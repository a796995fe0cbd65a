"""Bytes of a document to text: byte order mark, header, the document's own declaration, then the bytes themselves.

The order is that of the HTML standard, with one addition: a declaration is checked against the bytes, and one that they
contradict gives way to the next. Servers declare `iso-8859-1` for everything more often than pages are in it.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from enum import StrEnum
from typing import Final

from shared.charset.codepages import WINDOWS_1252_BYTES, decode_as
from shared.charset.declarations import byte_order_mark, meta_encoding, xml_encoding
from shared.charset.detection import FALLBACK, contradicts, detect, strangeness, text_sample
from shared.charset.labels import UTF_16, encoding_of
from shared.charset.mojibake import repair

_CERTAIN: Final = 3
"""UTF-8 characters from which no text of another encoding is valid UTF-8 by accident."""
_SUPERSETS: Final = {
    "iso-8859-2": "windows-1250",
    "iso-8859-7": "windows-1253",
    "iso-8859-8": "windows-1255",
    "iso-8859-13": "windows-1257",
    "iso-8859-15": "windows-1252",
}
"""What Windows programs write under the ISO label: the same letters, and quotes where ISO has controls."""
_WIDE: Final = 4_096
_WIDE_TAG: Final = (re.compile(rb"<\x00[!?a-zA-Z]\x00"), re.compile(rb"\x00<\x00[!?a-zA-Z]"))
"""How markup begins in UTF-16, little and big endian. Thai has few zero bytes beside its tags."""
_STRAY: Final = re.compile("[\udc80-\udcff]")
"""A byte that is not UTF-8, as `surrogateescape` leaves it."""
_STRAY_ALONE: Final = re.compile("(?<=[\x00-\x7f])[\udc80-\udcff](?=[\x00-\x7f])")
_BETWEEN_TAGS: Final = re.compile(r"([<>\n])")
_VALID: Final = re.compile("[^\x00-\x7f\udc80-\udcff]")


class Markup(StrEnum):
    """Where a document may declare its encoding."""

    HTML = "html"
    XML = "xml"
    NONE = "none"


@dataclass(frozen=True, slots=True)
class DecodedDocument:
    """The text of a document, the encoding it was in, and what that was decided by."""

    text: str
    encoding: str
    evidence: str
    """`bom`, `header`, `meta`, `xml`, `utf-8` (valid as such) or `detected`."""


def decode(data: bytes, label: str | None = None, markup: Markup = Markup.NONE) -> DecodedDocument:
    """The text of a document; `label` is the charset of its Content-Type. Never fails: see `codepages.REPLACEMENT`."""
    found = _decode(data, list(_declarations(data, label, markup)))
    return DecodedDocument(repair(found.text), found.encoding, found.evidence)


def _declarations(data: bytes, label: str | None, markup: Markup) -> Iterator[tuple[str, str]]:
    """Encodings that are declared, with the place, the one to be believed first first."""
    header = encoding_of(label) if label else None
    places = [("header", header)]
    if markup is Markup.HTML:
        own = [("meta", meta_encoding(data)), ("xml", xml_encoding(data))]
        # Servers send that for everything; another encoding declared by the page takes precedence.
        places = [*own, *places] if header == FALLBACK else [*places, *own]
    elif markup is Markup.XML:  # publishers write the declaration, hosting companies the header
        places.insert(0, ("xml", xml_encoding(data)))
    yield from ((name, place) for place, name in places if name is not None)


def _decode(data: bytes, declared: list[tuple[str, str]]) -> DecodedDocument:
    if mark := byte_order_mark(data):
        return DecodedDocument(data[len(mark[0]) :].decode(mark[1], "replace"), mark[1], "bom")
    if wide := _wide_encoding(data, declared):
        return DecodedDocument(decode_as(data, wide[0]).text, *wide)
    declared = [(name, place) for name, place in declared if name not in UTF_16]
    if data.isascii():
        if b"\x1b$" in data:
            return DecodedDocument(decode_as(data, "iso-2022-jp").text, "iso-2022-jp", "detected")
        return DecodedDocument(data.decode("ascii"), "utf-8", "utf-8")
    if (found := _utf_8(data, declared)) is not None:
        return found
    return _legacy(data, [(name, place) for name, place in declared if name != "utf-8"])


def _wide_encoding(data: bytes, declared: list[tuple[str, str]]) -> tuple[str, str] | None:
    """UTF-16 by its label, or by the zero bytes that markup and blanks have in it."""
    head = data[:_WIDE]
    even, odd = head[::2].count(0), head[1::2].count(0)
    few = max(1, len(head) // 20)
    little = odd > max(few, 4 * even) or (_WIDE_TAG[0].match(data) is not None and odd > 4 * even)
    big = even > max(few, 4 * odd) or (_WIDE_TAG[1].match(data) is not None and even > 4 * odd)
    place = next((place for name, place in declared if name in UTF_16), "detected")
    if little or big:
        return "utf-16le" if little else "utf-16be", place
    for name in (name for name, _ in declared if name in UTF_16):
        decoded = decode_as(data, name)
        if (
            not decoded.errors
            and (b"\x00" in data or not data.isascii())
            and len(data) % 2 == 0
            and not strangeness(decoded.text[:_WIDE])
        ):
            return name, place
    return None


def _utf_8(data: bytes, declared: list[tuple[str, str]]) -> DecodedDocument | None:
    """The text as UTF-8, when it is that; None when another encoding is likelier."""
    named = next((place for name, place in declared if name == "utf-8"), None)
    try:
        text = data.decode("utf-8")
    except UnicodeDecodeError as error:
        if not (
            error.end == len(data) and error.reason == "unexpected end of data" and not data[: error.start].isascii()
        ):
            return _mixed(data.decode("utf-8", "surrogateescape"), named)
        text = data[: error.start].decode("utf-8")  # cut off inside a character
    other = declared[0][0] if declared and named is None else None
    if other and len(data) - len(text) < _CERTAIN and not strangeness(decode_as(data, other).text):
        return None  # the bytes of `é` are also a character of Chinese
    return DecodedDocument(text, "utf-8", named or "utf-8")


def _mixed(escaped: str, named: str | None) -> DecodedDocument | None:
    """UTF-8 with some bytes of another encoding in it; None when there is too little UTF-8 in it to be that."""
    strays = _STRAY.findall(escaped)
    alone = len(_STRAY_ALONE.findall(escaped)) * 2 > len(strays)
    segments = _BETWEEN_TAGS.split(escaped)
    pure = "".join(segment for segment in segments if not _STRAY.search(segment))
    if _extra_bytes(escaped) * (4 if alone else 1) < len(strays) and _extra_bytes(pure) * 4 < len(strays):
        return None  # in another multi-byte encoding some pairs are UTF-8 by accident, but whole paragraphs are not
    odd = [segment for segment in segments if _STRAY.search(segment) and not _VALID.search(segment)]
    # Accents and quotes of Western text stand alone; letters of other scripts stand together.
    encoding = FALLBACK if alone or not odd else detect("\n".join(odd).encode("utf-8", "surrogateescape"))

    def mend(segment: str) -> str:
        if _VALID.search(segment) or not _STRAY.search(segment):
            return segment.translate(WINDOWS_1252_BYTES)
        return decode_as(segment.encode("utf-8", "surrogateescape"), encoding).text

    return DecodedDocument("".join(map(mend, segments)), "utf-8", named or "utf-8")


def _extra_bytes(escaped: str) -> int:
    return sum(len(character.encode()) - 1 for character in _VALID.findall(escaped))


def _legacy(data: bytes, declared: list[tuple[str, str]]) -> DecodedDocument:
    sample = text_sample(data)
    believed = ((name, place) for name, place in declared if not contradicts(sample, name))
    encoding, evidence = next(believed, None) or (detect(sample), "detected")
    text = decode_as(data, encoding).text
    if encoding in _SUPERSETS and any("\x80" <= character <= "\x9f" for character in text):
        encoding = _SUPERSETS[encoding]
        text = decode_as(data, encoding).text
    return DecodedDocument(text, encoding, evidence)
