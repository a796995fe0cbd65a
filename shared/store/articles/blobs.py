"""Stored blobs: zstd level 3 with the SHA-256 of the stored bytes, which is verified before decoding."""

from __future__ import annotations

import hashlib
import struct
from typing import Final

import zstandard

from shared.articles import Submission
from shared.errors import CorruptRecord

MAX_BYTES: Final = 128 * 1024 * 1024
_LENGTH: Final = struct.Struct(">I")


def pack(data: bytes) -> tuple[bytes, bytes]:
    """The blob and its SHA-256 (32 bytes)."""
    blob = zstandard.ZstdCompressor(level=3).compress(data)
    return blob, hashlib.sha256(blob).digest()


def unpack(blob: bytes, sha256: bytes) -> bytes:
    """The data of a blob. Raises CorruptRecord if the hash differs or it does not decode."""
    if hashlib.sha256(blob).digest() != sha256:
        raise CorruptRecord("the stored blob does not match its sha256")
    try:
        return zstandard.ZstdDecompressor().decompress(blob, max_output_size=MAX_BYTES)
    except zstandard.ZstdError as error:
        raise CorruptRecord(f"the stored blob does not decode: {error}") from error


def frame(head: bytes, body: bytes) -> bytes:
    """Two byte strings in one: u32 length of the first, the first, the second."""
    return _LENGTH.pack(len(head)) + head + body


def unframe(data: bytes) -> tuple[bytes, bytes]:
    """The two byte strings of `frame`; raises CorruptRecord."""
    if len(data) < _LENGTH.size:
        raise CorruptRecord("the stored blob is too short")
    (length,) = _LENGTH.unpack_from(data)
    end = _LENGTH.size + length
    if end > len(data):
        raise CorruptRecord("the stored blob is cut short")
    return data[_LENGTH.size : end], data[end:]


def pack_original(media_type: str, submission: Submission, data: bytes) -> tuple[bytes, bytes]:
    """An original with what was declared about it, as the blob and its SHA-256."""
    return pack(frame(media_type.encode() + b"\n" + submission.model_dump_json(exclude_defaults=True).encode(), data))


def unpack_original(blob: bytes, sha256: bytes) -> tuple[str, Submission, bytes]:
    """Media type, submission and data of `pack_original`; raises CorruptRecord, or ValueError for its head."""
    head, data = unframe(unpack(blob, sha256))
    media_type, _, submission = head.partition(b"\n")
    return media_type.decode(), Submission.model_validate_json(submission), data
