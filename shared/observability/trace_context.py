"""W3C Trace Context: the `traceparent` header of a request, kept in the events that the request causes."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from typing import Final

HEADER: Final = "traceparent"
_FORMAT: Final = re.compile(r"([0-9a-f]{2})-([0-9a-f]{32})-([0-9a-f]{16})-[0-9a-f]{2}(-[0-9A-Za-z-]*)?")
_MAX_CHARACTERS: Final = 200

_current: ContextVar[str | None] = ContextVar("traceparent", default=None)


def current_traceparent() -> str | None:
    """The valid `traceparent` of the request being handled, or None."""
    return _current.get()


@contextmanager
def traceparent_context(value: str | None) -> Iterator[None]:
    """Make `value` the current traceparent inside the block."""
    token = _current.set(value)
    try:
        yield
    finally:
        _current.reset(token)


def read_traceparent(headers: Iterable[tuple[bytes, bytes]]) -> str | None:
    """The `traceparent` of raw ASGI headers; None when it is missing, repeated or invalid (W3C section 3.2)."""
    values = [value for name, value in headers if name == b"traceparent"]
    return parse_traceparent(values[0].decode("latin-1")) if len(values) == 1 else None


def parse_traceparent(text: str) -> str | None:
    """The value itself when it is valid, else None.

    Version ff and all-zero ids are invalid; a higher version may have more parts after the flags.
    """
    if len(text) > _MAX_CHARACTERS or not text.isascii() or not text.isprintable():
        return None
    match = _FORMAT.fullmatch(text)
    if match is None or match[1] == "ff" or not match[2].strip("0") or not match[3].strip("0"):
        return None
    return None if match[1] == "00" and match[4] else text
