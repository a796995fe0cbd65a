"""Which sources a key may write: the one check behind every endpoint of ingest."""

from __future__ import annotations

from collections.abc import Collection
from typing import Final

from services.ingest.domain.rejections import reject
from shared.articles import CANARY_SOURCE
from shared.source_patterns import matches_source

_SHOWN: Final = 5


def check_source(patterns: Collection[str], source: str | None, scopes: Collection[str]) -> None:
    """Raise a rejection that names the source, unless the patterns match it.

    The source of self-checks is reserved, because lists leave its articles out: it takes scope `admin`, or a key with
    this very name among its patterns. Rules: `wrong-source`, `reserved-source`.
    """
    if source == CANARY_SOURCE and source not in patterns and "admin" not in scopes:
        raise reject("source", f"{source!r} is reserved for self-checks of this server", rule="reserved-source")
    if matches_source(patterns, source):
        return
    named = "none, which needs a key for all sources" if source is None else f"{source!r} is not one this key may write"
    shown = sorted(patterns)
    more = f" and {len(shown) - _SHOWN} more" if len(shown) > _SHOWN else ""
    allowed = f"it writes {', '.join(shown[:_SHOWN])}{more}" if shown else "it writes none"
    raise reject("source", f"{named}; {allowed}", rule="wrong-source")
