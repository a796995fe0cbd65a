"""Open streams: one session each, and one task that gives all of them heartbeats, an end, and an eye on their keys."""

from __future__ import annotations

import asyncio
import random
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Final

import structlog

from services.serve.adapters.connections import Pipe
from services.serve.adapters.hub import Hub, slices
from services.serve.domain.control_frames import Voice
from services.serve.domain.event_filters import EventFilter
from services.serve.domain.wire_format import Encoded, Form, joined
from shared.errors import Retryable
from shared.observability.metrics import SSE_EVICTED
from shared.store.publication_log import parse_cursor

_ROUND_SECONDS: Final = 1.0
_KEYS_SECONDS: Final = 3.0
"""So often every key with an open stream is asked for again; `Access` remembers a good one for 3 s more."""
_PER_TURN: Final = 250

log = structlog.get_logger(__name__)


@dataclass(frozen=True, slots=True)
class Pace:
    """The times of a stream, in seconds."""

    heartbeat: float
    lifetime: float
    write: float


class Session:
    """One stream: follows the hub, or reads history where it is behind. A `Follower` of the hub."""

    __slots__ = (
        "_beat_at", "_cursor", "_ends_at", "_hub", "_pace", "_pipe", "_told", "_voice", "_wake", "ended", "form", "key",
        "place", "wanted",
    )  # fmt: skip

    def __init__(
        self, hub: Hub, pipe: Pipe, voice: Voice, *, wanted: EventFilter, after: str, key: str | None, pace: Pace
    ) -> None:
        now = asyncio.get_running_loop().time()
        self._hub = hub
        self._pipe = pipe
        self._voice = voice
        self._pace = pace
        self.form: Form = voice.form
        self.wanted = wanted
        self.key = key
        self.place = parse_cursor(after)
        self._cursor = after
        self._told = self.place
        self._wake = asyncio.Event()
        self._beat_at = now + pace.heartbeat
        # +-10 %, so that clients do not return all at once
        self._ends_at = now + pace.lifetime * random.uniform(0.9, 1.1)
        self.ended = ""
        """Why it ended: rotated, closing, gone, slow or revoked; empty while it is open."""

    async def run(self, opening: bytes) -> str:
        """Send until there is a reason to end, and return it. The head of the HTTP response was sent before."""
        self._pipe.on_lost = self._gone
        self._pipe.write(opening)
        if self._pipe.gone:
            self.end("gone")
        while not self.ended:
            if self._hub.closing.is_set():
                self.end("closing")
            elif self._pipe.full:
                await self._drain()
            elif self._hub.attach(self):
                await self._wake.wait()
                self._wake.clear()
            else:
                await self._catch_up()
        self._hub.detach(self)
        self._pipe.on_lost = None
        if self.ended == "slow":
            SSE_EVICTED.labels("slow").inc()
            self._pipe.abort()
        return self.ended

    def end(self, reason: str) -> None:
        """End soon; the first reason stays."""
        self.ended = self.ended or reason
        self._wake.set()

    def deliver(self, data: bytes, last: Encoded) -> bool:
        """See `Follower`."""
        self._pipe.write(data)
        self._told = last.place
        self._beat_at = asyncio.get_running_loop().time() + self._pace.heartbeat
        return not self._pipe.full

    def let_go(self, cursor: str) -> None:
        """See `Follower`."""
        place = parse_cursor(cursor)
        if place > self.place:
            self.place, self._cursor = place, cursor
        self._wake.set()

    def tick(self, now: float) -> bool:
        """A heartbeat if it is due, an end if that is; whether anything was written."""
        if now >= self._ends_at or self._hub.closing.is_set():
            self.end("closing" if self._hub.closing.is_set() else "rotated")
            return False
        if now < self._beat_at or self._pipe.full or self.ended:
            return False
        self._beat_at = now + self._pace.heartbeat
        # while the hub gives events out, some have seen them and some have not: no position is true then
        cursor, place = ("", self._told) if self._hub.giving else self._position()
        self._pipe.write(self._voice.beat(cursor, moved=place > self._told))
        self._told = max(self._told, place)
        return True

    def _position(self) -> tuple[str, tuple[int, int]]:
        """How far this client has seen the log."""
        if self._hub.follows(self) and self._hub.place > self.place:
            return self._hub.head, self._hub.place
        return self._cursor, self.place

    async def _catch_up(self) -> None:
        page = await self._hub.history(self._cursor, whole=bool(self.wanted.queries))
        for part in slices([encoded for encoded in page.events if self.wanted.holds(encoded.event, encoded.facts)]):
            if self._pipe.full:
                await self._drain()
            if self.ended:
                return
            self.deliver(joined(part, self.form), part[-1])
            self._cursor, self.place = part[-1].cursor, part[-1].place
        self._cursor, self.place = page.cursor, parse_cursor(page.cursor)

    async def _drain(self) -> None:
        if not await self._pipe.drain(self._pace.write):
            self.end("slow")

    def _gone(self) -> None:
        self.end("gone")


class Sessions:
    """All open streams of the process. `verify` says whether a key is still good."""

    def __init__(self, hub: Hub, verify: Callable[[str], Awaitable[bool]], *, pace: Pace) -> None:
        self.pace = pace
        self._hub = hub
        self._verify = verify
        self._open: dict[Session, None] = {}

    async def follow(self, session: Session, opening: bytes) -> str:
        """Run a session among the others; why it ended."""
        self._open[session] = None
        try:
            return await session.run(opening)
        finally:
            self._hub.detach(session)
            del self._open[session]

    async def run(self) -> None:
        """Go round until the hub closes."""
        loop = asyncio.get_running_loop()
        every = min(_ROUND_SECONDS, self.pace.heartbeat / 2, self.pace.lifetime / 10)
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
                return  # nobody can be asked now; nothing new is sent either while Redis is away
            if not good:
                ended = [session for session in self._open if session.key == key]
                log.info("streams.revoked", streams=len(ended))
                for session in ended:
                    session.end("revoked")

    async def _pause(self, seconds: float) -> None:
        try:
            async with asyncio.timeout(seconds):
                await self._hub.closing.wait()
        except TimeoutError:
            return
