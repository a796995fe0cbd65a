"""What decides which of two articles with the same text is the original: claims on texts, and editors' rulings."""

from __future__ import annotations

import json
import struct
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final, Self

from shared.source_patterns import matches_source

CLAIM_HASHES: Final = 64


@dataclass(frozen=True, slots=True)
class Claim:
    """A sample of the text by which an article has its place in the order of arrival.

    `hashes` are the smallest hashes of the word triples, ascending; `count` is the number of distinct triples.
    """

    hashes: tuple[int, ...]
    count: int

    @classmethod
    def of(cls, hashes: Sequence[int], count: int) -> Self:
        """The claim on a text with these hashes, ascending."""
        return cls(tuple(hashes[:CLAIM_HASHES]), count)

    def pack(self) -> bytes:
        """The claim as stored: unsigned 32-bit integers, big-endian, the count first."""
        return struct.pack(f">{1 + len(self.hashes)}I", self.count, *self.hashes)

    @classmethod
    def unpack(cls, packed: bytes) -> Self | None:
        """The stored claim; None for what is none."""
        if not packed or len(packed) % 4:
            return None
        count, *hashes = struct.unpack(f">{len(packed) // 4}I", packed)
        return cls(tuple(hashes), count)


@dataclass(frozen=True, slots=True)
class Ruling:
    """An editor's decision about an article: it is no copy, or (`is_original`) it is the original of its copies.

    It counts against articles of the sources that the editor's key writes.
    """

    is_original: bool
    sources: frozenset[str]

    def covers(self, source: str | None) -> bool:
        """Whether it counts against an article of this source."""
        return matches_source(self.sources, source)

    def pack(self) -> str:
        """The ruling as stored."""
        return json.dumps({"original": self.is_original, "sources": sorted(self.sources)})

    @classmethod
    def unpack(cls, packed: bytes) -> Self | None:
        """The stored ruling; None for what is none."""
        try:
            row = json.loads(packed)
            return cls(bool(row["original"]), frozenset(row["sources"]))
        except (ValueError, KeyError, TypeError):
            return None
