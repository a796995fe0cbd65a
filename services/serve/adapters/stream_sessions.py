"""Open streams: one session each, and one task that sends heartbeats, ends expired streams and re-verifies keys."""

from __future__ import annotations

import asyncio
import random
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Final

import structlog

from services.serve.adapters.connections import ClientConnection
from services.serve.adapters.hub import Hub, slices
from services.serve.domain.control_frames import ControlFrames
from services.serve.domain.event_filters import StreamFilter
from services.serve.domain.wire_format import EncodedEvent, WireFormat, join_events
from shared.errors import Retryable
from shared.observability import log_events
from shared.observability.metrics import SSE_EVICTED
from shared.store.publication_log import parse_cursor

_ROUND_SECONDS: Final = 1.0
_KEYS_SECONDS: Final = 3.0
"""Interval at which the key of every open stream is verified again; `Access` caches a valid key for 3 s more."""
_PER_TURN: Final = 250

log = structlog.get_logger(__name__)


@dataclass(frozen=True, slots=True)
class StreamTimeouts:
    """Timeouts of a stream, in seconds."""

    heartbeat: float
    lifetime: float
    write: float = 5.0


class StreamSession:
    """One stream: attached to the hub, or reading history while it is behind. A `StreamSubscriber` of the hub."""

    __slots__ = (
        "_announced",
        "_connection",
        "_cursor",
        "_ends_at",
        "_frames",
        "_heartbeat_at",
        "_hub",
        "_timeouts",
        "_wake",
        "ended",
        "event_filter",
        "key",
        "position",
        "wire_format",
    )  # fmt: skip

    def __init__(
        self,
        hub: Hub,
        connection: ClientConnection,
        frames: ControlFrames,
        *,
        event_filter: StreamFilter,
        after: str,
        key: str | None,
        timeouts: StreamTimeouts,
    ) -> None:
        now = asyncio.get_running_loop().time()
        self._hub = hub
        self._connection = connection
        self._frames = frames
        self._timeouts = timeouts
        self.wire_format: WireFormat = frames.wire_format
        self.event_filter = event_filter
        self.key = key
        self.position = parse_cursor(after)
        self._cursor = after
        self._announced = self.position
        self._wake = asyncio.Event()
        self._heartbeat_at = now + timeouts.heartbeat
        # jitter of 10 %, so that clients do not reconnect at the same time
        self._ends_at = now + timeouts.lifetime * random.uniform(0.9, 1.1)
        self.ended = ""
        """Why it ended: rotated, closing, gone, slow or revoked; empty while it is open."""

    async def run(self, opening: bytes) -> str:
        """Send until there is a reason to end, and return it. The response head has been sent."""
        self._connection.on_lost = self._on_lost
        self._connection.write(opening)
        if self._connection.gone:
            self.end("gone")
        while not self.ended:
            if self._hub.closing.is_set():
                self.end("closing")
            elif self._connection.full:
                await self._drain()
            elif self._hub.attach(self):
                await self._wake.wait()
                self._wake.clear()
            else:
                await self._catch_up()
        self._hub.detach(self)
        self._connection.on_lost = None
        if self.ended == "slow":
            SSE_EVICTED.labels("slow").inc()
            self._connection.abort()
        return self.ended

    def end(self, reason: str) -> None:
        """End soon; the first reason wins."""
        self.ended = self.ended or reason
        self._wake.set()

    def deliver(self, data: bytes, last: EncodedEvent) -> bool:
        """See `StreamSubscriber`."""
        self._connection.write(data)
        self._announced = last.position
        self._heartbeat_at = asyncio.get_running_loop().time() + self._timeouts.heartbeat
        return not self._connection.full

    def on_detached(self, cursor: str) -> None:
        """See `StreamSubscriber`."""
        position = parse_cursor(cursor)
        if position > self.position:
            self.position, self._cursor = position, cursor
        self._wake.set()

    def tick(self, now: float) -> bool:
        """Send a heartbeat or end the stream if it is due; whether anything was written."""
        if now >= self._ends_at or self._hub.closing.is_set():
            self.end("closing" if self._hub.closing.is_set() else "rotated")
            return False
        if now < self._heartbeat_at or self._connection.full or self.ended:
            return False
        self._heartbeat_at = now + self._timeouts.heartbeat
        # during a dispatch some subscribers have the events and some do not: no position is valid then
        cursor, position = ("", self._announced) if self._hub.is_dispatching else self._position()
        self._connection.write(self._frames.heartbeat(cursor, moved=position > self._announced))
        self._announced = max(self._announced, position)
        return True

    def _position(self) -> tuple[str, tuple[int, int]]:
        """The log position of this client."""
        if self._hub.follows(self) and self._hub.position > self.position:
            return self._hub.head, self._hub.position
        return self._cursor, self.position

    async def _catch_up(self) -> None:
        page = await self._hub.history(self._cursor, with_facts=bool(self.event_filter.queries))
        for part in slices(
            [encoded for encoded in page.events if self.event_filter.matches(encoded.event, encoded.facts)]
        ):
            if self._connection.full:
                await self._drain()
            if self.ended:
                return
            self.deliver(join_events(part, self.wire_format), part[-1])
            self._cursor, self.position = part[-1].cursor, part[-1].position
        self._cursor, self.position = page.cursor, parse_cursor(page.cursor)

    async def _drain(self) -> None:
        if not await self._connection.drain(self._timeouts.write):
            self.end("slow")

    def _on_lost(self) -> None:
        self.end("gone")


class StreamSessions:
    """All open streams of the process. `verify` returns whether a key is still valid."""

    def __init__(self, hub: Hub, verify: Callable[[str], Awaitable[bool]], *, timeouts: StreamTimeouts) -> None:
        self.timeouts = timeouts
        self._hub = hub
        self._verify = verify
        self._open: dict[StreamSession, None] = {}

    async def follow(self, session: StreamSession, opening: bytes) -> str:
        """Run a session; returns why it ended."""
        self._open[session] = None
        try:
            return await session.run(opening)
        finally:
            self._hub.detach(session)
            del self._open[session]

    async def run(self) -> None:
        """Send heartbeats and verify keys until the hub closes."""
        loop = asyncio.get_running_loop()
        every = min(_ROUND_SECONDS, self.timeouts.heartbeat / 2, self.timeouts.lifetime / 10)
        keys_at = loop.time() + _KEYS_SECONDS
        while not self._hub.closing.is_set():
            await self._pause(every)
            if loop.time() >= keys_at:
                await self._check_keys()
                keys_at = loop.time() + _KEYS_SECONDS
            await self._round(loop)
        for session in self._open:
            session.end("closing")

    async def _round(self, loop: asyncio.AbstractEventLoop) -> None:
        written = 0
        for session in tuple(self._open):
            written += session.tick(loop.time())
            if written >= _PER_TURN:
                written = 0
                await asyncio.sleep(0)

    async def _check_keys(self) -> None:
        for key in {session.key for session in self._open if session.key is not None}:
            try:
                good = await self._verify(key)
            except Retryable:
                return  # keys cannot be verified while Redis is unavailable; no events are sent either
            if not good:
                ended = [session for session in self._open if session.key == key]
                log.info(log_events.STREAMS_REVOKED, streams=len(ended))
                for session in ended:
                    session.end("revoked")

    async def _pause(self, seconds: float) -> None:
        try:
            async with asyncio.timeout(seconds):
                await self._hub.closing.wait()
        except TimeoutError:
            return
