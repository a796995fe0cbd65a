"""Source patterns: which sources an API key, or an editor's decision, applies to.

A pattern is the name of a source, a prefix that ends in `*`, or `*` alone for all, also articles without a source.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass, field
from typing import Final, Self

ALL_SOURCES: Final = "*"
MAX_PATTERN: Final = 120


def source_patterns(texts: Iterable[str]) -> frozenset[str]:
    """Validated patterns. Raises ValueError for what is none."""
    patterns = frozenset(text.strip() for text in texts)
    for pattern in patterns:
        if not pattern or len(pattern) > MAX_PATTERN or not pattern.isprintable():
            raise ValueError(f"a source has 1 to {MAX_PATTERN} printable characters")
        if ALL_SOURCES in pattern[:-1]:
            raise ValueError(f"{pattern!r}: `*` is allowed at the end only")
    return patterns


def matches_source(patterns: Collection[str], source: str | None) -> bool:
    """Whether one of the patterns matches the source. None (no source) is matched by `*` only."""
    if ALL_SOURCES in patterns:
        return True
    if source is None:
        return False
    return source in patterns or any(
        pattern.endswith(ALL_SOURCES) and source.startswith(pattern[:-1]) for pattern in patterns
    )


@dataclass(frozen=True, slots=True)
class SourceTrust:
    """Trust ranks of sources; 0 where no pattern matches. The exact name wins, then the longest prefix."""

    ranks: Mapping[str, int] = field(default_factory=dict)

    @classmethod
    def parse(cls, text: str) -> Self:
        """Read `reuters*=2, bbc=1`. Raises ValueError."""
        ranks: dict[str, int] = {}
        for item in filter(None, (part.strip() for part in text.split(","))):
            pattern, found, rank = item.rpartition("=")
            if not found or not rank.strip().lstrip("-").isdecimal():
                raise ValueError(f"{item!r} is not a source pattern, `=` and a whole number")
            (name,) = source_patterns([pattern])
            ranks[name] = int(rank)
        return cls(ranks)

    def rank(self, source: str | None) -> int:
        """The rank of a source."""
        if source is None:
            return self.ranks.get(ALL_SOURCES, 0)
        if source in self.ranks:
            return self.ranks[source]
        prefixes = [one for one in self.ranks if one.endswith(ALL_SOURCES) and source.startswith(one[:-1])]
        return self.ranks[max(prefixes, key=len)] if prefixes else 0
