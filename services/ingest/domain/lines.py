"""Splits a byte stream into lines; memory is bounded by one line."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class BulkLine:
    """A non-blank line. `number` counts all lines from 1. `data` is None if the line exceeded the limit."""

    number: int
    data: bytes | None


class LineSplitter:
    """Call `feed` per chunk, then `finish`. The content of a line over `limit` bytes is discarded as it arrives."""

    def __init__(self, limit: int) -> None:
        self._limit = limit
        self._partial = bytearray()
        self._too_long = False
        self.lines = 0
        """Lines completed so far."""
        self.blank = 0
        """Lines of white space only among them."""

    def feed(self, chunk: bytes) -> Iterator[BulkLine]:
        """The lines completed by this chunk."""
        *ended, rest = chunk.split(b"\n")
        for piece in ended:
            self._extend(piece)
            if line := self._end():
                yield line
        self._extend(rest)

    def finish(self) -> BulkLine | None:
        """The last line if the stream did not end with a line feed."""
        return self._end() if self._partial or self._too_long else None

    def _extend(self, piece: bytes) -> None:
        if self._too_long or len(self._partial) + len(piece) > self._limit:
            self._too_long = True
            self._partial.clear()
        else:
            self._partial += piece

    def _end(self) -> BulkLine | None:
        self.lines += 1
        too_long, self._too_long = self._too_long, False
        if too_long:
            return BulkLine(self.lines, None)
        data = bytes(self._partial)
        self._partial.clear()
        if not data or data.isspace():
            self.blank += 1
            return None
        return BulkLine(self.lines, data)
