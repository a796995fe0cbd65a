"""Reader of the public log `publications.v1`: by cursor, without a consumer group, past and live entries.

A cursor is a Redis stream id `<ms>-<seq>`; entries after it are returned in log order.
"""

from __future__ import annotations

import asyncio
import re
from collections.abc import Collection, Sequence
from dataclasses import dataclass
from typing import Any, Final
from uuid import UUID

from redis.asyncio import Redis

from shared.envelope import MalformedEntry, decode
from shared.events import Event, LogEvent, read_log_event
from shared.store.connection import RedisClient, unavailable_when_down
from shared.tasks import single_flight
from shared.topology import PUBLICATIONS, Stream

CURSOR: Final = re.compile(r"\A[0-9]{1,20}-[0-9]{1,20}\Z")
EARLIEST: Final = "0-0"
_MAX_PART: Final = 2**64 - 1
_SKEW_MS: Final = 5_000
_NEAR: Final = 2_000
_PART: Final = 500
_Rows = Sequence[tuple[bytes, dict[bytes, bytes]]]


@dataclass(frozen=True, slots=True)
class LogEntry:
    """One event with its cursor."""

    cursor: str
    event: LogEvent


@dataclass(frozen=True, slots=True)
class LogPage:
    """Entries in order, and the cursor after all entries that were read, damaged ones included."""

    entries: tuple[LogEntry, ...]
    cursor: str


@dataclass(frozen=True, slots=True)
class LogBounds:
    """Oldest and newest cursor and number of entries of the log; both cursors are `0-0` if it is empty."""

    first: str
    last: str
    length: int
    removed: int = 0
    """Number of deleted entries."""


def parse_cursor(text: str) -> tuple[int, int]:
    """The sortable form of a cursor. Raises ValueError unless it is `<ms>-<seq>` within 64 bits each."""
    if not CURSOR.match(text):
        raise ValueError("a cursor is <milliseconds>-<sequence>")
    ms, seq = (int(part) for part in text.split("-"))
    if ms > _MAX_PART or seq > _MAX_PART:
        raise ValueError("a cursor's parts are below 2^64")
    return ms, seq


class StreamLog:
    """A log that readers follow by cursor: its bounds and its raw entries. Raises `StoreUnavailable`."""

    def __init__(self, client: Redis, stream: Stream) -> None:
        self._client: RedisClient = client
        self._key = stream.key
        self._asking: asyncio.Task[LogBounds] | None = None
        self._asking_next: asyncio.Task[LogBounds] | None = None

    async def rows(self, after: str, *, count: int, block_ms: int | None = None) -> _Rows:
        """Up to `count` raw entries after the cursor; waits up to `block_ms` if there are none; None does not wait."""
        async with unavailable_when_down(deadline=None):
            answer = await self._client.xread({self._key: after}, count=count, block=block_ms)
        return _rows(answer)

    async def cursor_of(self, event_id: str) -> str | None:
        """The cursor of the event with this UUIDv7; None if it is not found near the timestamp in the id.

        Searches `_NEAR` entries from a few seconds before that time, to tolerate clock skew.
        """
        try:
            made_at = UUID(event_id).int >> 80
        except ValueError:
            return None
        lowered = event_id.lower()
        async with unavailable_when_down():
            rows = await self._client.xrange(self._key, min=max(0, made_at - _SKEW_MS), count=_NEAR)
        likely = (row for row in rows if lowered.encode() in b"".join(row[1].values()))
        return next((entry_id.decode() for entry_id, fields in likely if _event_id(fields) == lowered), None)

    async def bounds(self) -> LogBounds:
        """The current bounds of the log. Concurrent callers share one read that starts after all of their calls.

        A read already in flight could be older than an event that the caller has seen.
        """
        if self._asking_next is None:
            self._asking_next = single_flight(self._ask_after(self._asking))
        return await asyncio.shield(self._asking_next)

    async def _ask_after(self, before: asyncio.Task[LogBounds] | None) -> LogBounds:
        if before is not None:
            await asyncio.wait({before})
        self._asking, self._asking_next = self._asking_next, None
        return await self._bounds()

    async def _bounds(self) -> LogBounds:
        async with unavailable_when_down():
            if not await self._client.exists(self._key):
                return LogBounds(EARLIEST, EARLIEST, 0)
            info = await self._client.xinfo_stream(self._key)
        first = info.get("first-entry")
        return LogBounds(
            first=first[0].decode() if first else EARLIEST,
            last=info["last-generated-id"].decode(),
            length=int(info["length"]),
            removed=max(0, int(info.get("entries-added", info["length"])) - int(info["length"])),
        )


class PublicationLog(StreamLog):
    """The public log in Redis. Raises `StoreUnavailable` while Redis is unavailable."""

    def __init__(self, client: Redis) -> None:
        super().__init__(client, PUBLICATIONS)

    async def read(self, after: str, *, count: int = 200, block_ms: int | None = None) -> list[LogEntry]:
        """Up to `count` entries after the cursor; waits up to `block_ms` if there are none; None does not wait.

        `block_ms` must stay below the client's socket timeout of 5 s.
        """
        return list((await self.page(after, count=count, block_ms=block_ms)).entries)

    async def page(self, after: str, *, count: int = 200, block_ms: int | None = None) -> LogPage:
        """Like `read`, with the next cursor, which also advances past damaged entries."""
        rows = await self.rows(after, count=count, block_ms=block_ms)
        entries = tuple(entry for row in rows if (entry := _parse(*row)))
        return LogPage(entries, rows[-1][0].decode() if rows else after)

    async def at(self, cursor: str) -> LogEntry | None:
        """The entry at exactly this cursor; None if there is none or it is damaged."""
        async with unavailable_when_down():
            rows = await self._client.xrange(PUBLICATIONS.key, min=cursor, max=cursor)
        return _parse(*rows[0]) if rows else None

    async def newest(self, count: int) -> list[LogEntry]:
        """The newest entries, newest first."""
        async with unavailable_when_down():
            rows = await self._client.xrevrange(PUBLICATIONS.key, count=count)
        return [entry for row in rows if (entry := _parse(*row))]

    async def latest_of(self, kinds: Collection[str], *, look_at: int) -> list[LogEntry]:
        """Events of these types among the newest `look_at` entries, oldest first. Other entries are not parsed."""
        found: list[LogEntry] = []
        end, left = "+", look_at
        while left > 0:
            async with unavailable_when_down():
                rows = await self._client.xrevrange(PUBLICATIONS.key, max=end, count=min(left, _PART))
            found += _of_kinds(rows, kinds)
            if len(rows) < min(left, _PART):
                break
            left -= len(rows)
            end = f"({rows[-1][0].decode()}"
        return found[::-1]

    async def select(self, kinds: Collection[str], after: str) -> LogPage:
        """Events of these types among the next entries after the cursor, up to the current end of the log."""
        async with unavailable_when_down():
            rows = await self._client.xrange(PUBLICATIONS.key, min=f"({after}", count=_PART)
        return LogPage(tuple(_of_kinds(rows, kinds)), rows[-1][0].decode() if rows else after)


def _event_id(fields: dict[bytes, bytes]) -> str:
    try:
        return Event.model_validate_json(decode(fields)[1]).meta.event_id
    except (MalformedEntry, ValueError):
        return ""


def _rows(answer: Any) -> _Rows:
    if isinstance(answer, dict):  # RESP3
        ((rows,),) = answer.values() if answer else (((),),)
        return rows
    return answer[0][1] if answer else ()


def _of_kinds(rows: _Rows, kinds: Collection[str]) -> list[LogEntry]:
    marks = [f'"{kind}"'.encode() for kind in kinds]
    likely = [row for row in rows if any(mark in value for value in row[1].values() for mark in marks)]
    entries = (_parse(*row) for row in likely)
    return [entry for entry in entries if entry and entry.event.meta.type in kinds]


def _parse(entry_id: bytes, fields: dict[bytes, bytes]) -> LogEntry | None:
    """Skips damaged entries, so that they do not block readers of the log."""
    try:
        return LogEntry(entry_id.decode(), read_log_event(decode(fields)[1]))
    except (MalformedEntry, ValueError):
        return None
