"""Encoder of server-sent events.

A frame is a run of `field: value` lines ended by an empty line. A value must not hold a line break: CR, LF and CRLF
inside `data` become separate `data:` lines (a parser joins them with LF again); `event` and `id` with a line break or a
NUL are programming errors. U+2028 and U+2029 are not line breaks in this format and pass through as they are.
"""

from __future__ import annotations

import re
from typing import Final

_LINE_BREAK: Final = re.compile(r"\r\n|\r|\n")
_FORBIDDEN: Final = re.compile(r"[\r\n\0]")


def frame(
    *, data: str | None = None, event: str | None = None, cursor: str | None = None, retry_ms: int | None = None
) -> bytes:
    """One frame. Without `data` a browser stores the id and fires nothing: an id-only frame.

    `cursor` is the `id:` field, `retry_ms` how long a client waits before it reconnects. Raises ValueError for an
    `event` or `cursor` that would break the frame apart, and for a frame without fields.
    """
    lines: list[str] = []
    if retry_ms is not None:
        lines.append(f"retry: {int(retry_ms)}")
    if event is not None:
        lines.append(f"event: {_one_line('event', event)}")
    if cursor is not None:
        lines.append(f"id: {_one_line('id', cursor)}")
    if data is not None:
        lines += [f"data: {line}" for line in _LINE_BREAK.split(data)]
    if not lines:
        raise ValueError("a frame needs at least one field")
    return ("\n".join(lines) + "\n\n").encode("utf-8", "replace")


def comment(text: str) -> bytes:
    """A comment line: keeps the connection alive, and parsers ignore it."""
    return f": {_one_line('comment', text)}\n\n".encode("utf-8", "replace")


def _one_line(name: str, value: str) -> str:
    if _FORBIDDEN.search(value):
        raise ValueError(f"{name} must not hold a line break or a NUL")
    return value
