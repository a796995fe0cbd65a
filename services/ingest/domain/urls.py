"""The URL of an article: what is acceptable, and the canonical form that identifies it."""

from __future__ import annotations

import re
from typing import Final
from urllib.parse import SplitResult, urlsplit, urlunsplit

MAX_URL_CHARACTERS: Final = 8192
_FORBIDDEN: Final = re.compile(r"[\x00-\x20\x7f-\xa0\\\u2028\u2029<>\"]")
_HOST: Final = re.compile(r"(?:[a-z0-9_](?:[a-z0-9_-]{0,61}[a-z0-9_])?\.)*[a-z0-9_](?:[a-z0-9_-]{0,61}[a-z0-9_])?")
_HOST_V6: Final = re.compile(r"[0-9a-f:.]{2,45}")
_ESCAPE: Final = re.compile(r"%[0-9a-fA-F]{2}")
_DEFAULT_PORTS: Final = {"http": 80, "https": 443}

TRACKING_PREFIXES: Final = ("utm_", "mtm_", "pk_", "hsa_")
TRACKING_NAMES: Final = frozenset(
    (
        *("fbclid", "gclid", "dclid", "gbraid", "wbraid", "gclsrc", "msclkid", "yclid", "twclid", "ttclid", "igshid"),
        *("mc_cid", "mc_eid", "_ga", "_gl", "_hsenc", "_hsmi", "mkt_tok", "vero_id", "oly_enc_id", "ocid", "cmpid"),
    )
)


def accept_url(text: str) -> str:
    """The URL, unchanged; raises ValueError saying why it is not acceptable: http(s), a host, no credentials."""
    if len(text) > MAX_URL_CHARACTERS:
        raise ValueError(f"is longer than {MAX_URL_CHARACTERS} characters")
    if _FORBIDDEN.search(text):
        raise ValueError("holds spaces, control characters, quotes or backslashes")
    parts = _split(text)
    if parts.scheme not in _DEFAULT_PORTS:
        raise ValueError("must begin with http:// or https://")
    if "@" in parts.netloc:
        raise ValueError("must not hold a user name or password")
    _ascii_host(parts)
    return text


def canonical_url(text: str) -> str:
    """The form that identifies the page: lower-case host, no default port, fragment or tracking parameters.

    The order of the remaining parameters is kept, since some sites depend on it. Raises ValueError.
    """
    parts = _split(accept_url(text))
    host = _ascii_host(parts)
    if ":" in host:
        host = f"[{host}]"
    if parts.port is not None and parts.port != _DEFAULT_PORTS[parts.scheme]:
        host = f"{host}:{parts.port}"
    query = "&".join(item for item in parts.query.split("&") if item and not _is_tracking(item.partition("=")[0]))
    return urlunsplit((parts.scheme, host, _upper_escapes(parts.path or "/"), _upper_escapes(query), ""))


def _split(text: str) -> SplitResult:
    try:
        parts = urlsplit(text)
        _ = parts.port  # parsed on access; raises ValueError outside 0..65535
    except ValueError as error:
        raise ValueError("is not a well-formed URL") from error
    return parts


def _ascii_host(parts: SplitResult) -> str:
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
    return ascii_host


def _is_tracking(name: str) -> bool:
    lowered = name.lower()
    return lowered in TRACKING_NAMES or lowered.startswith(TRACKING_PREFIXES)


def _upper_escapes(text: str) -> str:
    return _ESCAPE.sub(lambda match: match[0].upper(), text)
