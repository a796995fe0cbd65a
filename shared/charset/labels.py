"""Encoding labels as browsers read them (WHATWG Encoding, 4.2): `iso-8859-1` is windows-1252, `gb2312` is gbk."""

from __future__ import annotations

import codecs
import re
from functools import lru_cache
from typing import Final

import webencodings
from webencodings.labels import LABELS

UTF_16: Final = frozenset({"utf-16le", "utf-16be"})
MULTI_BYTE: Final = ("gb18030", "shift_jis", "euc-jp", "euc-kr", "big5")
"""The legacy multi-byte encodings; `gbk` is decoded as gb18030."""
_UNUSABLE: Final = frozenset({"replacement", "x-user-defined"})
"""Encodings of the standard that hold no text: documents that name one are read by detection."""
_PYTHON_NAMES: Final = {
    "gbk": "gbk",
    "gb2312": "gbk",
    "cp950": "big5",
    "big5": "big5",
    "shift_jis": "shift_jis",
    "shift_jisx0213": "shift_jis",
    "shift_jis_2004": "shift_jis",
    "euc_jisx0213": "euc-jp",
    "euc_jis_2004": "euc-jp",
    "euc_kr": "euc-kr",
    "iso2022_jp_1": "iso-2022-jp",
    "iso2022_jp_2": "iso-2022-jp",
    "iso2022_jp_3": "iso-2022-jp",
    "iso2022_jp_ext": "iso-2022-jp",
    "iso2022_jp_2004": "iso-2022-jp",
    "utf-16": "utf-16le",
    "utf-8-sig": "utf-8",
}
"""Python's names of variants that the standard knows by one name."""
_PARAMETER: Final = re.compile(
    r";\s*charset\s*=\s*(?:\"([^\"]{0,80})\"|'([^']{0,80})'|([^\s;\"']{0,80}))", re.IGNORECASE
)
_PRINTABLE: Final = bytes(range(0x20, 0x7F)) + b"+AGE- ~{VpND~}"
"""ASCII, with the escapes of UTF-7 and HZ."""


def charset_parameter(content_type: str) -> str | None:
    """The label in a Content-Type header, as it is written there; None when there is none."""
    match = _PARAMETER.search(f";{content_type.partition(';')[2]}")
    return next(filter(None, match.groups()), None) if match else None


@lru_cache(maxsize=1_024)
def encoding_of(label: str) -> str | None:
    """The encoding that a label names, in lower case; None for a label that names none.

    Labels of the standard first, then what Python calls the same encodings (`cp949`, `latin_1`), then the single-byte
    code pages that only Python knows (`cp850`). UTF-7 and other codecs that can hide markup name no encoding.
    """
    label = label.strip("\t\n\f\r ")
    if (found := webencodings.lookup(label) if label.isascii() else None) is not None:
        return None if found.name in _UNUSABLE else str(found.name)
    try:
        codec = codecs.lookup(label)
    except (LookupError, ValueError):  # the latter: a null character in it
        return None
    return _by_python_name().get(codec.name) or (codec.name if _extends_ascii(codec) else None)


def python_codec(encoding: str) -> str:
    """The Python codec that comes closest to an encoding of `encoding_of`."""
    found = webencodings.lookup(encoding)
    if found is None:
        return encoding
    return "gb18030" if found.name == "gbk" else str(found.codec_info.name)


def is_label(label: str) -> bool:
    """Whether a label is of the standard, or names an encoding anyway; a few of the standard hold no text."""
    return encoding_of(label) is not None or (label.isascii() and webencodings.lookup(label) is not None)


@lru_cache(maxsize=1)
def _by_python_name() -> dict[str, str]:
    names = sorted(set(LABELS.values()) - _UNUSABLE)
    return {codecs.lookup(python_codec(name)).name: name for name in names if name != "gbk"} | _PYTHON_NAMES


def _extends_ascii(codec: codecs.CodecInfo) -> bool:
    if not getattr(codec, "_is_text_encoding", True) or "escape" in codec.name:
        return False  # such as base64 and Python's own string literals
    try:
        return codec.decode(_PRINTABLE + b"\xe9")[0][: len(_PRINTABLE)].encode() == _PRINTABLE
    except (UnicodeError, ValueError):
        return False
