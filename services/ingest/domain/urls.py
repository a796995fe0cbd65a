"""Which article URLs are accepted. `shared.urls.page_key` tells which page a URL identifies."""

from __future__ import annotations

import re
from typing import Final
from urllib.parse import SplitResult, urlsplit

from shared.urls import page_key

MAX_URL_CHARACTERS: Final = 8192
_FORBIDDEN: Final = re.compile(r"[\x00-\x20\x7f-\xa0\\\u2028\u2029<>\"]")
_HOST: Final = re.compile(r"(?:[a-z0-9_](?:[a-z0-9_-]{0,61}[a-z0-9_])?\.)*[a-z0-9_](?:[a-z0-9_-]{0,61}[a-z0-9_])?")
_HOST_V6: Final = re.compile(r"[0-9a-f:.]{2,45}")
_SCHEMES: Final = frozenset({"http", "https"})


def accept_url(text: str) -> str:
    """The URL, unchanged. Raises ValueError with the reason unless it is http(s) with a host and no credentials."""
    if len(text) > MAX_URL_CHARACTERS:
        raise ValueError(f"is longer than {MAX_URL_CHARACTERS} characters")
    if _FORBIDDEN.search(text):
        raise ValueError("holds spaces, control characters, quotes or backslashes")
    parts = _split(text)
    if parts.scheme not in _SCHEMES:
        raise ValueError("must begin with http:// or https://")
    if "@" in parts.netloc:
        raise ValueError("must not hold a user name or password")
    _ascii_host(parts)
    page_key(text)  # raises for a URL that browsers reject: it would have no identity
    return text


def _split(text: str) -> SplitResult:
    try:
        parts = urlsplit(text)
        _ = parts.port  # parsed on access; raises ValueError outside 0..65535
    except ValueError as error:
        raise ValueError("is not a well-formed URL") from error
    return parts


def _ascii_host(parts: SplitResult) -> None:
    host = (parts.hostname or "").removesuffix(".").lower()
    if not host or len(host) > 253:
        raise ValueError("has no host, or one longer than 253 characters")
    try:
        ascii_host = host if host.isascii() else host.encode("idna").decode("ascii")
    except UnicodeError as error:
        raise ValueError("has a host that is not a name") from error
    pattern = _HOST_V6 if ":" in ascii_host else _HOST
    if not pattern.fullmatch(ascii_host):
        raise ValueError("has a host that is not a name")
