"""Text of strangers as safe HTML: everything is escaped, then `<mark>` is put around the spans that matched."""

from __future__ import annotations

from collections.abc import Iterable
from html import escape
from urllib.parse import urlsplit


def marked(text: str, spans: Iterable[tuple[int, int]]) -> str:
    """`text` escaped, with `<mark>` around each character span `(start, end)`.

    Spans outside the text or overlapping an earlier one are ignored: a wrong span may lose a mark, never an escape.
    """
    parts: list[str] = []
    position = 0
    for start, end in sorted(spans):
        if start < position or end <= start or end > len(text):
            continue
        parts += [escape(text[position:start]), "<mark>", escape(text[start:end]), "</mark>"]
        position = end
    parts.append(escape(text[position:]))
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
