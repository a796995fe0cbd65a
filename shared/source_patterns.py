"""Source patterns: which sources an API key, or an editor's decision, applies to.

A pattern is the name of a source, a prefix that ends in `*`, or `*` alone for all, also articles without a source.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable
from typing import Final

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
    """Whether one of the patterns stands for the source. None, no source, is matched by `*` only."""
    if ALL_SOURCES in patterns:
        return True
    if source is None:
        return False
    return source in patterns or any(
        pattern.endswith(ALL_SOURCES) and source.startswith(pattern[:-1]) for pattern in patterns
    )
