"""Text of strangers as safe HTML: everything is escaped, then `<mark>` is put around the spans that matched."""

from __future__ import annotations

import re
from collections.abc import Sequence
from html import escape
from typing import Final
from urllib.parse import urlsplit

_SPECIAL: Final = re.compile("[&<>\"']")
"""What `html.escape` replaces; most texts hold none of it."""


def marked(text: str, spans: Sequence[tuple[int, int]]) -> str:
    """`text` escaped, with `<mark>` around each character span `(start, end)`.

    Spans outside the text or overlapping an earlier one are ignored: a wrong span may lose a mark, never an escape.
    """
    if not spans:
        return escape(text)
    safe = escape if _SPECIAL.search(text) else str
    parts: list[str] = []
    position = 0
    for start, end in sorted(spans):
        if start < position or end <= start or end > len(text):
            continue
        parts += (safe(text[position:start]), "<mark>", safe(text[start:end]), "</mark>")
        position = end
    parts.append(safe(text[position:]))
    return "".join(parts)


def web_url(url: str | None) -> str | None:
    """The URL when a browser may follow it: absolute, http or https, with a host, without credentials; else None."""
    if url is None or any(ord(char) <= 0x20 for char in url):
        return None
    try:
        parts = urlsplit(url)
        safe = parts.scheme in {"http", "https"} and bool(parts.hostname) and "@" not in parts.netloc
    except ValueError:
        return None
    return url if safe else None
