"""Identifiers: UUIDv7 for events, 26 base32 characters for articles.

Article ids match `[a-z2-7]{26}`, which is inside `[A-Za-z0-9_-]`: safe in URLs, Redis keys and search engines.
"""

from __future__ import annotations

import base64
import hashlib
import re
import secrets
import time
import uuid
from typing import Final

ARTICLE_ID: Final = re.compile(r"^[a-z2-7]{26}$")

_SEPARATOR: Final = b"\x1f"  # cannot occur in an accepted source or external id


def new_event_id(*, unix_ms: int | None = None) -> str:
    """A UUIDv7 (RFC 9562): 48 bits of Unix milliseconds, then random bits. Sorts by time of creation."""
    ms = time.time_ns() // 1_000_000 if unix_ms is None else unix_ms
    value = (ms & (1 << 48) - 1) << 80 | secrets.randbits(80)
    value = value & ~(0xF << 76) | 0x7 << 76  # version 7
    value = value & ~(0x3 << 62) | 0x2 << 62  # RFC variant
    return str(uuid.UUID(int=value))


def article_id(kind: str, *parts: str) -> str:
    """The id of the article with this identity key: base32 of a 128-bit BLAKE2b hash, 26 lower-case characters.

    `kind` names the identity rule (`external`, `url` or `text`), so that keys of different rules never collide.
    """
    key = _SEPARATOR.join(part.encode("utf-8", "surrogatepass") for part in (kind, *parts))
    digest = hashlib.blake2b(key, digest_size=16, person=b"broadsheet-art").digest()
    return base64.b32encode(digest).decode("ascii").rstrip("=").lower()
