"""Bounded inflating: no more memory than the limit, whatever the compressed bytes claim."""

from __future__ import annotations

import zlib
from typing import Final, Protocol

from shared.fetch.errors import FetchRefused

_GZIP_OR_ZLIB: Final = 47
_RAW: Final = -15
_RATIO_FREE: Final = 1024 * 1024
_MAX_MEMBERS: Final = 64


class Reader(Protocol):
    """Takes the body piece by piece and keeps it within the limits."""

    def feed(self, piece: bytes) -> None:
        """Take the next bytes of the body. Raises FetchRefused."""

    def finish(self) -> bytes:
        """The whole body. Raises FetchRefused when it ended early."""


class PlainReader:
    """A body as it came, at most `limit` bytes."""

    def __init__(self, limit: int) -> None:
        self._limit = limit
        self._body = bytearray()

    def feed(self, piece: bytes) -> None:
        """Take the next bytes."""
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
        self._taken = 0
        self._members = 1
        self._inflater = zlib.decompressobj(_GZIP_OR_ZLIB)

    def feed(self, piece: bytes) -> None:
        """Take the next compressed bytes."""
        self._taken += len(piece)
        while piece:
            if self._inflater.eof:
                piece = self._next_member(piece)
                continue
            self._body += self._inflated(piece)
            self._judge()
            piece = self._inflater.unconsumed_tail or self._inflater.unused_data

    def finish(self) -> bytes:
        """The whole body, inflated."""
        if self._taken and not self._inflater.eof:
            raise FetchRefused("fetch-inflate", "the compressed body ends early")
        return bytes(self._body)

    def _inflated(self, piece: bytes) -> bytes:
        room = min(self._limit - len(self._body) + 1, _RATIO_FREE)
        try:
            return self._inflater.decompress(piece, room)
        except zlib.error as error:
            if self._body or self._taken != len(piece):
                raise FetchRefused("fetch-inflate", "the body is not what its Content-Encoding says") from error
            return self._raw(piece, room)

    def _raw(self, piece: bytes, room: int) -> bytes:
        """Some servers say deflate and leave out the zlib wrapper."""
        self._inflater = zlib.decompressobj(_RAW)
        try:
            return self._inflater.decompress(piece, room)
        except zlib.error as error:
            raise FetchRefused("fetch-inflate", "the body is not what its Content-Encoding says") from error

    def _next_member(self, piece: bytes) -> bytes:
        """Begin the next gzip member; padding after the last one is left out."""
        if not piece.startswith(b"\x1f\x8b"):
            return b""
        self._members += 1
        if self._members > _MAX_MEMBERS:
            raise FetchRefused("fetch-inflate", f"the body has more than {_MAX_MEMBERS} gzip members")
        self._inflater = zlib.decompressobj(_GZIP_OR_ZLIB)
        return piece

    def _judge(self) -> None:
        if len(self._body) > _RATIO_FREE and len(self._body) > self._taken * self._ratio:
            raise FetchRefused("fetch-inflate", f"the body inflates more than {self._ratio} times")
        if len(self._body) > self._limit:
            raise too_large(self._limit)


def reader_for(encoding: str, limit: int, ratio: int) -> Reader:
    """A reader for a `Content-Encoding`. Raises FetchRefused for one we did not ask for, or several at once."""
    coding = encoding.strip().lower()
    if coding in {"", "identity"}:
        return PlainReader(limit)
    if coding in {"gzip", "x-gzip", "deflate"}:
        return InflatingReader(limit, ratio)
    raise FetchRefused("fetch-inflate", "the body has a Content-Encoding that was not asked for")


def inflate(data: bytes, *, limit: int, ratio: int) -> bytes:
    """Inflate a gzip file such as `sitemap.xml.gz`. Raises FetchRefused beyond the limits or when it is broken."""
    reader = InflatingReader(limit, ratio)
    reader.feed(data)
    return reader.finish()


def too_large(limit: int) -> FetchRefused:
    """The refusal of a body above the limit."""
    return FetchRefused("fetch-size", f"the answer is larger than {limit} bytes")
