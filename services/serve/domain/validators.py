"""HTTP validators: ETag and Last-Modified checks."""

from __future__ import annotations

import hashlib
from datetime import UTC, datetime
from email.utils import format_datetime, parsedate_to_datetime
from typing import Final

VERSION: Final = "1"
"""Part of every ETag; increased when the response format changes."""


def etag(*parts: str) -> str:
    """A weak ETag: same parts, same meaning (times such as `took_ms` may differ)."""
    digest = hashlib.blake2b("\x1f".join((VERSION, *parts)).encode("utf-8", "surrogatepass"), digest_size=12)
    return f'W/"{digest.hexdigest()}"'


def is_current(if_none_match: str | None, tag: str) -> bool:
    """Whether the caller's `If-None-Match` names `tag` (weak comparison, RFC 9110 section 13.1.2)."""
    if if_none_match is None:
        return False
    current = tag.removeprefix("W/")
    return any(
        candidate.strip().removeprefix("W/") == current or candidate.strip() == "*"
        for candidate in if_none_match[:4096].split(",")
    )


def http_date(instant: datetime) -> str:
    """An instant as an HTTP date; fractions of a second are dropped."""
    return format_datetime(instant.astimezone(UTC), usegmt=True)


def is_unmodified(if_modified_since: str | None, changed: datetime) -> bool:
    """Whether nothing changed since the caller's `If-Modified-Since`; an invalid date is ignored."""
    if if_modified_since is None:
        return False
    try:
        since = parsedate_to_datetime(if_modified_since[:100])
    except ValueError:
        return False
    if since.tzinfo is None:
        return False
    return since >= changed.replace(microsecond=0)
