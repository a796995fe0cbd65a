"""URL parsing for the whole project, by the WHATWG standard (ada library)."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from ada_url import URL

MAX_CHARACTERS: Final = 8192


@dataclass(frozen=True, slots=True)
class Parts:
    """A parsed URL. `scheme` has no colon, `host` has brackets for IPv6, `port` is empty if it is the default."""

    href: str
    scheme: str
    username: str
    password: str
    host: str
    port: str
    path: str
    query: str
    """Without its question mark."""
    fragment: str
    """Without its hash sign."""


def parse_url(text: str, base: str | None = None) -> Parts:
    """Parse a URL, relative to `base` if given. Raises ValueError if browsers would reject it."""
    if len(text) > MAX_CHARACTERS:
        raise ValueError(f"is longer than {MAX_CHARACTERS} characters")
    try:
        read = URL(text, base=base) if base is not None else URL(text)
    except (ValueError, UnicodeError) as error:
        raise ValueError("is not a well-formed URL") from error
    return Parts(
        href=read.href,
        scheme=read.protocol.removesuffix(":"),
        username=read.username,
        password=read.password,
        host=read.hostname,
        port=read.port,
        path=read.pathname,
        query=read.search.removeprefix("?"),
        fragment=read.hash.removeprefix("#"),
    )
