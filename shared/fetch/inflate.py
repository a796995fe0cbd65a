"""Bounded decompression: memory never exceeds the limit."""

from __future__ import annotations

import zlib
from typing import Final, Protocol

from shared.fetch.errors import FetchRefused

_GZIP_OR_ZLIB: Final = 47
_RAW: Final = -15
_RATIO_FREE: Final = 1024 * 1024
_MAX_MEMBERS: Final = 64


class BodyReader(Protocol):
    """Collects a body within size limits."""

    def feed(self, piece: bytes) -> None:
        """Append the next bytes of the body. Raises FetchRefused."""

    def finish(self) -> bytes:
        """The whole body. Raises FetchRefused if it is truncated."""


class IdentityReader:
    """An uncompressed body of at most `limit` bytes."""

    def __init__(self, limit: int) -> None:
        self._limit = limit
        self._body = bytearray()

    def feed(self, piece: bytes) -> None:
        """Append the next bytes."""
        if len(self._body) + len(piece) > self._limit:
            raise too_large(self._limit)
        self._body += piece

    def finish(self) -> bytes:
        """The whole body."""
        return bytes(self._body)


class InflatingReader:
    """A gzip (also of several members) or deflate body, at most `limit` bytes and `ratio` times its input."""

    def __init__(self, limit: int, ratio: int) -> None:
        self._limit, self._ratio = limit, ratio
        self._body = bytearray()
        self._input_size = 0
        self._members = 1
        self._inflater = zlib.decompressobj(_GZIP_OR_ZLIB)

    def feed(self, piece: bytes) -> None:
        """Append the next compressed bytes."""
        self._input_size += len(piece)
        while piece:
            if self._inflater.eof:
                piece = self._next_member(piece)
                continue
            self._body += self._inflated(piece)
            self._check_limits()
            piece = self._inflater.unconsumed_tail or self._inflater.unused_data

    def finish(self) -> bytes:
        """The whole body, inflated."""
        if self._input_size and not self._inflater.eof:
            raise FetchRefused("fetch-inflate", "the compressed body is truncated")
        return bytes(self._body)

    def _inflated(self, piece: bytes) -> bytes:
        room = min(self._limit - len(self._body) + 1, _RATIO_FREE)
        try:
            return self._inflater.decompress(piece, room)
        except zlib.error as error:
            if self._body or self._input_size != len(piece):
                raise FetchRefused("fetch-inflate", "the body does not match its Content-Encoding") from error
            return self._raw(piece, room)

    def _raw(self, piece: bytes, room: int) -> bytes:
        """Some servers send raw deflate data without the zlib wrapper."""
        self._inflater = zlib.decompressobj(_RAW)
        try:
            return self._inflater.decompress(piece, room)
        except zlib.error as error:
            raise FetchRefused("fetch-inflate", "the body does not match its Content-Encoding") from error

    def _next_member(self, piece: bytes) -> bytes:
        """Start the next gzip member; padding after the last one is ignored."""
        if not piece.startswith(b"\x1f\x8b"):
            return b""
        self._members += 1
        if self._members > _MAX_MEMBERS:
            raise FetchRefused("fetch-inflate", f"the body has more than {_MAX_MEMBERS} gzip members")
        self._inflater = zlib.decompressobj(_GZIP_OR_ZLIB)
        return piece

    def _check_limits(self) -> None:
        if len(self._body) > _RATIO_FREE and len(self._body) > self._input_size * self._ratio:
            raise FetchRefused("fetch-inflate", f"the body inflates more than {self._ratio} times")
        if len(self._body) > self._limit:
            raise too_large(self._limit)


def reader_for(encoding: str, limit: int, ratio: int) -> BodyReader:
    """A reader for a `Content-Encoding`. Raises FetchRefused for one that was not requested, or several."""
    coding = encoding.strip().lower()
    if coding in {"", "identity"}:
        return IdentityReader(limit)
    if coding in {"gzip", "x-gzip", "deflate"}:
        return InflatingReader(limit, ratio)
    raise FetchRefused("fetch-inflate", "the body has a Content-Encoding that was not requested")


def inflate(data: bytes, *, limit: int, ratio: int) -> bytes:
    """Inflate a gzip file such as `sitemap.xml.gz`. Raises FetchRefused above the limits or for invalid data."""
    reader = InflatingReader(limit, ratio)
    reader.feed(data)
    return reader.finish()


def too_large(limit: int) -> FetchRefused:
    """The error for a body above the limit."""
    return FetchRefused("fetch-size", f"the response is larger than {limit} bytes")
