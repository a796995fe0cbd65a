"""Decoders of the WHATWG Encoding standard: Python's codecs with corrections."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Final

from shared.charset.labels import python_codec

REPLACEMENT: Final = "\ufffd"
WINDOWS_1252_BYTES: Final = {
    0xDC00 + byte: bytes((byte,)).decode("cp1252", "replace").replace(REPLACEMENT, chr(byte))
    for byte in range(128, 256)
}
"""What `surrogateescape` leaves of an undecodable byte, as the windows-1252 character of that byte."""
_UNDEFINED: Final = {0xDC00 + byte: byte if byte < 0xA0 else ord(REPLACEMENT) for byte in range(128, 256)}
"""The standard maps undefined bytes of single-byte encodings to C1 controls, and nothing to the rest."""
_ESCAPED: Final = re.compile("[\udc80-\udcff]")
_FIXED: Final = {
    "koi8-u": {0x255D: 0x45E, 0x256C: 0x40E},
    "gb18030": dict(
        zip(
            (0xE5E5, *range(0xE78D, 0xE797), 0xE7C7, 0xE81E, 0xE826, 0xE82B, 0xE82C, 0xE832, 0xE843, 0xE854, 0xE864),
            (0x3000, 0xFE10, 0xFE12, 0xFE11, *range(0xFE13, 0xFE1A), 0x1E3F, *range(0x9FB4, 0x9FBC)),
            strict=True,
        )
    ),
    "euc-jp": {0x301C: 0xFF5E, 0x2016: 0x2225, 0x2212: 0xFF0D, 0xA2: 0xFFE0, 0xA3: 0xFFE1, 0xAC: 0xFFE2},
}
"""Code points of the Python codec that the standard maps elsewhere."""
_EUC_RUN: Final = re.compile(rb"[\x00-\x7f]+|\x8e[\xa1-\xdf]|(?:[\xa1-\xfe]{2})+|\x8f[\xa1-\xfe]{2}|.", re.DOTALL)
_JIS_SEGMENT: Final = re.compile(rb"\x1b(\([BJI]|\$[@B])([^\x1b]*)")


@dataclass(frozen=True, slots=True)
class Decoded:
    """Text of one encoding, and how many characters of it could not be decoded."""

    text: str
    errors: int


def decode_as(data: bytes, encoding: str) -> Decoded:
    """The text of `data` in an encoding of `labels.encoding_of`; what is undecodable becomes U+FFFD."""
    if encoding == "iso-2022-jp":
        return decode_as(_euc_from_iso_2022(data), "euc-jp")
    codec = python_codec(encoding)
    if encoding in {"utf-16le", "utf-16be"}:
        text = data.decode(codec, "replace")
        return Decoded(text, text.count(REPLACEMENT))
    text = data.decode(codec, "surrogateescape")
    if encoding == "euc-jp" and _ESCAPED.search(text):
        text = _windows_euc_jp(data)
    elif codec == "gb18030":
        text = text.replace("\udc80", "€")
    elif encoding == "windows-1255":
        text = text.replace("\udcca", "\u05ba")
    if fixed := _FIXED.get(codec if codec == "gb18030" else encoding):
        text = text.translate(fixed)
    if _ESCAPED.search(text) is None:
        return Decoded(text, 0)
    # A multi-byte decoder has no undefined bytes, only broken characters.
    single = codec.startswith(("cp12", "cp874", "iso", "koi8", "mac"))
    text = text.translate(_UNDEFINED) if single else _ESCAPED.sub(REPLACEMENT, text)
    return Decoded(text, text.count(REPLACEMENT))


def _windows_euc_jp(data: bytes) -> str:
    """EUC-JP with rows 13 and 89-92 of JIS X 0208 as Windows extends it (`①`, `㈱`), by way of Shift_JIS."""
    return "".join(_euc_run(run) for run in _EUC_RUN.findall(data))


def _euc_run(run: bytes) -> str:
    if run[0] < 0x80:
        return run.decode("ascii")
    if run[0] == 0x8E:
        return run[1:].decode("cp932", "replace") or REPLACEMENT
    if run[0] == 0x8F or len(run) == 1:
        return run.decode("euc_jp", "replace")
    return b"".join(map(_shift_jis_pair, run[::2], run[1::2])).decode("cp932", "replace")


def _shift_jis_pair(row: int, cell: int) -> bytes:
    """The same place of JIS X 0208 in Shift_JIS."""
    lead, trail = divmod((row - 0xA1) * 94 + cell - 0xA1, 188)
    return bytes((lead + (0x81 if lead < 0x1F else 0xC1), trail + (0x40 if trail < 0x3F else 0x41)))


def _euc_from_iso_2022(data: bytes) -> bytes:
    """ISO-2022-JP as EUC-JP, whose decoder then knows all of its characters."""
    return _JIS_SEGMENT.sub(_euc_segment, data)


def _euc_segment(segment: re.Match[bytes]) -> bytes:
    if segment[1].startswith(b"$"):
        return bytes(byte | 0x80 if 0x21 <= byte <= 0x7E else byte for byte in segment[2])
    if segment[1] == b"(I":
        return b"".join(
            b"\x8e" + bytes((byte | 0x80,)) if 0x21 <= byte <= 0x5F else bytes((byte,)) for byte in segment[2]
        )
    return segment[2]
