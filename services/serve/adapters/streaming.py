"""One subscriber's HTTP response: frames, heartbeats, a write deadline, an end after some minutes.

A client that stops reading blocks `send` once the socket's buffers are full; after the deadline its connection is
aborted, because a polite close would wait for it for ever. It resumes by its last id and misses nothing.
"""

from __future__ import annotations

import asyncio
import random
from collections.abc import AsyncGenerator, Callable
from contextlib import aclosing
from dataclasses import dataclass
from typing import Final

import structlog
from starlette.responses import Response
from starlette.types import Receive, Scope, Send

from services.serve.adapters.hub import Encoded, Follower, Hub
from services.serve.domain import sse
from shared.events import LogEvent
from shared.observability.metrics import SSE_EVICTED

HEADERS: Final = {
    "content-type": "text/event-stream; charset=utf-8",
    "cache-control": "no-cache, no-transform",
    "x-accel-buffering": "no",
}
TRANSPORT: Final = "broadsheet.transport"
"""Where `connections.py` leaves the socket's transport in the ASGI state."""
_HEARTBEAT: Final = sse.comment("hb")

log = structlog.get_logger(__name__)


@dataclass(frozen=True, slots=True)
class Pace:
    """The times of a stream, in seconds."""

    heartbeat: float
    lifetime: float
    write: float

    def end(self, now: float) -> float:
        """When a stream that opens at `now` ends: its lifetime, +-10 % so that clients do not return all at once."""
        return now + self.lifetime * random.uniform(0.9, 1.1)


class Seats:
    """Counts open streams, in all and by address, so that one address cannot take them all."""

    def __init__(self, *, per_address: int, total: int) -> None:
        self._per_address = per_address
        self._total = total
        self._taken: dict[str, int] = {}
        self.open = 0

    def take(self, address: str) -> bool:
        """Take a seat; False when there is none left for this address or at all."""
        taken = self._taken.get(address, 0)
        if self.open >= self._total or taken >= self._per_address:
            return False
        self._taken[address] = taken + 1
        self.open += 1
        return True

    def leave(self, address: str) -> None:
        """Give the seat back."""
        self.open -= 1
        left = self._taken[address] - 1
        if left:
            self._taken[address] = left
        else:
            del self._taken[address]


async def frames(
    hub: Hub, follower: Follower, *, accepts: Callable[[LogEvent], bool], pace: Pace
) -> AsyncGenerator[bytes]:
    """The frames after the first: events that pass the filter, and heartbeats while there are none.

    With a heartbeat goes an id-only frame when events were passed over, so that a quiet filter keeps its place.
    """
    loop = asyncio.get_running_loop()
    ends_at = pace.end(loop.time())
    beat_at = loop.time() + pace.heartbeat
    told = follower.cursor
    closing = asyncio.ensure_future(hub.closing.wait())
    coming = asyncio.ensure_future(follower.next())
    try:
        while not closing.done() and (now := loop.time()) < ends_at:
            wait = max(0.0, min(beat_at, ends_at) - now)
            await asyncio.wait({coming, closing}, timeout=wait, return_when=asyncio.FIRST_COMPLETED)
            chunk = b""
            if coming.done():
                told, chunk = _passing(coming.result(), accepts, told)
                coming = asyncio.ensure_future(follower.next())
            elif loop.time() >= beat_at:
                told, chunk = follower.cursor, _beat(follower.cursor, told)
            if chunk:
                beat_at = loop.time() + pace.heartbeat
                yield chunk
    finally:
        coming.cancel()
        closing.cancel()
        follower.close()


def _passing(events: list[Encoded], accepts: Callable[[LogEvent], bool], told: str) -> tuple[str, bytes]:
    passing = [event for event in events if accepts(event.event)]
    return (passing[-1].cursor if passing else told), b"".join(event.frame for event in passing)


def _beat(cursor: str, told: str) -> bytes:
    return _HEARTBEAT if cursor == told else _HEARTBEAT + sse.frame(cursor=cursor)


class EventStream(Response):
    """Sends chunks until they end, the client leaves, or it takes none for `write_seconds`; then runs `on_end`."""

    def __init__(
        self,
        chunks: AsyncGenerator[bytes],
        *,
        headers: dict[str, str],
        write_seconds: float,
        on_end: Callable[[], None],
    ) -> None:
        super().__init__(status_code=200, headers=HEADERS | headers)
        del self.headers["content-length"]
        self._chunks = chunks
        self._write_seconds = write_seconds
        self._on_end = on_end

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        gone = asyncio.ensure_future(_gone(receive))
        sending = asyncio.ensure_future(self._send(send))
        try:
            await asyncio.wait({gone, sending}, return_when=asyncio.FIRST_COMPLETED)
            if sending.done():
                self._abort_if_stuck(sending, scope)
        finally:
            for task in (gone, sending):
                task.cancel()
            await asyncio.gather(gone, sending, return_exceptions=True)
            self._on_end()

    async def _send(self, send: Send) -> None:
        await send({"type": "http.response.start", "status": self.status_code, "headers": self.raw_headers})
        async with aclosing(self._chunks):
            async for chunk in self._chunks:
                await self._write(send, chunk, more=True)
            await self._write(send, b"", more=False)

    async def _write(self, send: Send, chunk: bytes, *, more: bool) -> None:
        async with asyncio.timeout(self._write_seconds):
            await send({"type": "http.response.body", "body": chunk, "more_body": more})

    def _abort_if_stuck(self, sending: asyncio.Future[None], scope: Scope) -> None:
        error = sending.exception()
        if error is None:
            return
        if not isinstance(error, TimeoutError):
            raise error
        SSE_EVICTED.labels("slow").inc()
        log.info("stream.evicted", client=str(scope.get("client")), seconds=self._write_seconds)
        transport = scope.get("state", {}).get(TRANSPORT)
        if transport is not None:
            transport.abort()


async def _gone(receive: Receive) -> None:
    while (await receive())["type"] != "http.disconnect":
        pass
