"""Cutting an endless stream of bytes into lines, in memory bounded by one line."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Line:
    """A line that is not blank; `number` counts from 1, blank ones too. `data` is None when it was too long to keep."""

    number: int
    data: bytes | None


class LineCutter:
    """Feed it chunks, then `finish`. A line over `limit` bytes is dropped as it comes; only its number is kept."""

    def __init__(self, limit: int) -> None:
        self._limit = limit
        self._partial = bytearray()
        self._too_long = False
        self.lines = 0
        """Lines ended so far."""
        self.blank = 0
        """Those of them that held white space only."""

    def feed(self, chunk: bytes) -> Iterator[Line]:
        """The lines that end in this chunk."""
        *ended, rest = chunk.split(b"\n")
        for piece in ended:
            self._extend(piece)
            if line := self._end():
                yield line
        self._extend(rest)

    def finish(self) -> Line | None:
        """The last line, when the stream ended without a line feed."""
        return self._end() if self._partial or self._too_long else None

    def _extend(self, piece: bytes) -> None:
        if self._too_long or len(self._partial) + len(piece) > self._limit:
            self._too_long = True
            self._partial.clear()
        else:
            self._partial += piece

    def _end(self) -> Line | None:
        self.lines += 1
        too_long, self._too_long = self._too_long, False
        if too_long:
            return Line(self.lines, None)
        data = bytes(self._partial)
        self._partial.clear()
        if not data or data.isspace():
            self.blank += 1
            return None
        return Line(self.lines, data)
