"""Resolves the start position of an event stream: a cursor, an event id, a time, or the head of the log."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Final

from shared.store.publication_log import EARLIEST, LogBounds, StreamLog, parse_cursor

_EVENT_ID: Final = re.compile(r"^[0-9a-fA-F]{8}(-[0-9a-fA-F]{4}){3}-[0-9a-fA-F]{12}$")


@dataclass(frozen=True, slots=True)
class Start:
    """A stream starts after `cursor`. `gap` is the reason why that is not the requested position, None if it is."""

    cursor: str
    head: str
    requested: str | None = None
    gap: str | None = None

    @property
    def label(self) -> str:
        """The resume position to report, as in Mercure: `earliest` if it was requested or the id cannot be resumed."""
        return "earliest" if self.gap is not None or self.requested == "earliest" else self.cursor


async def start_after(log: StreamLog, requested: str | None, since_ms: int | None) -> Start:
    """The start position: after the id `requested`, else at `since_ms` (Unix ms), else at the head of the log.

    An id that cannot be resumed (unknown, ahead of the log, or trimmed) starts at the earliest entry with a `gap`:
    clients can drop repeats by id, but could not notice a silent loss.
    """
    bounds = await log.bounds()
    if requested is not None:
        return _resume(await _as_cursor(log, requested[:64]), requested[:64], bounds)
    if since_ms is None:
        return Start(bounds.last, bounds.last)
    cursor = f"{since_ms - 1}-{2**64 - 1}" if since_ms else EARLIEST
    if parse_cursor(cursor) > parse_cursor(bounds.last):
        cursor = bounds.last  # a time in the future: start at the head
    gap = "trimmed" if since_ms and _is_trimmed(cursor, bounds) else None
    return Start(EARLIEST if gap else cursor, bounds.last, requested=cursor, gap=gap)


async def _as_cursor(log: StreamLog, requested: str) -> str:
    """The cursor of a CloudEvent id, which pollers resume from; other values are returned as they are."""
    if _EVENT_ID.match(requested):
        return await log.cursor_of(requested) or requested
    return requested


def _resume(position: str, requested: str, bounds: LogBounds) -> Start:
    if position == "earliest":
        return Start(EARLIEST, bounds.last, requested=requested)
    try:
        ms, seq = parse_cursor(position)
    except ValueError:
        return Start(EARLIEST, bounds.last, requested=requested, gap="unknown")
    cursor = f"{ms}-{seq}"  # canonical form: the client may have sent leading zeros
    gap = None
    if (ms, seq) > parse_cursor(bounds.last):
        gap = "future"
    elif cursor != EARLIEST and _is_trimmed(cursor, bounds):
        gap = "trimmed"
    return Start(EARLIEST if gap else cursor, bounds.last, requested=requested, gap=gap)


def _is_trimmed(cursor: str, bounds: LogBounds) -> bool:
    return bounds.removed > 0 and parse_cursor(cursor) < parse_cursor(bounds.first if bounds.length else bounds.last)
