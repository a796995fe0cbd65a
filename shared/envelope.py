"""Bytes of one stream entry, in the form FastStream 0.7 decodes (binary message format, version 1).

One field `__data__` = magic `\\x89BIN\\r\\n\\x1a\\n`, u16 version, u32 offset of the headers, u32 offset of the body,
u16 count of headers, then per header u16 length + key and u16 length + value, then the body. Integers are big-endian.

FastStream's own encoder writes header lengths in characters but headers in UTF-8, so a non-ASCII header corrupts the
entry; this encoder counts bytes. FastStream's parser reads it (tests/contracts/test_envelope.py).
"""

from __future__ import annotations

import struct
from collections.abc import Mapping
from typing import Final

from shared.errors import Permanent
from shared.events import Event

DATA_FIELD: Final = b"__data__"
_MAGIC: Final = b"\x89BIN\r\n\x1a\n"
_HEAD: Final = struct.Struct(">HII")
_U16: Final = struct.Struct(">H")
_REV: Final = b'"rev":'


class MalformedEntry(Permanent):
    """The entry is not an envelope: no `__data__` field, wrong magic, or offsets outside the bytes."""

    def __init__(self, reason: str) -> None:
        super().__init__(reason, rule="malformed-entry")


def encode(headers: Mapping[str, str], body: bytes) -> bytes:
    """The value of `__data__`. Raises ValueError when a header exceeds 65,535 bytes."""
    parts = [_U16.pack(len(headers))]
    for item in headers.items():
        for text in item:
            raw = text.encode("utf-8", "replace")
            if len(raw) > 0xFFFF:
                raise ValueError(f"header of {len(raw)} bytes; the limit is 65535")
            parts += [_U16.pack(len(raw)), raw]
    head = b"".join(parts)
    start = len(_MAGIC) + _HEAD.size
    return b"".join([_MAGIC, _HEAD.pack(1, start, start + len(head)), head, body])


def decode(fields: Mapping[bytes, bytes]) -> tuple[dict[str, str], bytes]:
    """Headers and body of an entry; a bare JSON body without an envelope is accepted, with no headers.

    Raises MalformedEntry.
    """
    data = fields.get(DATA_FIELD)
    if data is None:
        raise MalformedEntry("the entry has no __data__ field")
    if not data.startswith(_MAGIC):
        if data[:1] == b"{":
            return {}, data
        raise MalformedEntry("__data__ is neither an envelope nor a JSON object")
    try:
        return _unpack(data)
    except (struct.error, UnicodeDecodeError, IndexError) as error:
        raise MalformedEntry(f"broken envelope: {error}") from error


def _unpack(data: bytes) -> tuple[dict[str, str], bytes]:
    version, position, body_at = _HEAD.unpack_from(data, len(_MAGIC))
    if version != 1 or not position <= body_at <= len(data):
        raise MalformedEntry(f"unknown envelope version {version} or offsets outside the entry")
    (count,) = _U16.unpack_from(data, position)
    position += _U16.size
    texts: list[str] = []
    for _ in range(count * 2):
        (length,) = _U16.unpack_from(data, position)
        position += _U16.size
        if position + length > body_at:
            raise MalformedEntry("a header runs into the body")
        texts.append(data[position : position + length].decode())
        position += length
    return dict(zip(texts[::2], texts[1::2], strict=True)), data[body_at:]


def headers_of(event: Event) -> dict[str, str]:
    """Headers of an event's entry: trace ids and content type."""
    return {"correlation_id": event.meta.correlation_id, "content-type": "application/json"}


def encode_event(event: Event) -> bytes:
    """The value of `__data__` for an event."""
    return encode(headers_of(event), event.to_json())


def split_at_rev(event: Event) -> tuple[bytes, bytes]:
    """The entry before and after its revision number, for a script that assigns the revision.

    The event must hold exactly one `"rev":`; ids and kinds never contain a quote, so the first hit is the field.
    """
    data = encode_event(event)
    head, found, tail = data.partition(_REV)
    digits = len(tail) - len(tail.lstrip(b"0123456789"))
    if not found or digits == 0 or _REV in tail:
        raise ValueError("the event must hold exactly one rev")
    return head + found, tail[digits:]
