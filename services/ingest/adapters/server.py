"""uvicorn with two time limits it lacks: for request headers, and for a body whose response was already sent."""

from __future__ import annotations

import asyncio
from typing import Any, Final

import h11
import uvicorn
from uvicorn.protocols.http.h11_impl import H11Protocol

from shared.access import MAX_HEADER_BYTES
from shared.problems import Problem

LINGER_SECONDS: Final = 5.0
"""How long the rest of a body is discarded after an early response, so that the client can read the response."""


class BoundedProtocol(H11Protocol):
    """One connection. A subclass sets `header_seconds`."""

    header_seconds = 10.0

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self._deadline: asyncio.TimerHandle | None = None

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        """Start the header timer."""
        super().connection_made(transport)
        self._watch_headers()

    def data_received(self, data: bytes) -> None:
        """Stop the timer once the headers are complete; restart it for the next request on the connection."""
        super().data_received(data)
        self._watch_headers()

    def connection_lost(self, exc: Exception | None) -> None:
        """Cancel the timer."""
        self._stop_watching()
        super().connection_lost(exc)

    def on_response_complete(self) -> None:
        """Close the connection of a client that is still sending, after `LINGER_SECONDS`."""
        super().on_response_complete()
        if self.conn.their_state is h11.SEND_BODY and not self.transport.is_closing():
            self.loop.call_later(LINGER_SECONDS, self._abort_if_sending, self.cycle)

    def send_400_response(self, msg: str) -> None:
        """Answer malformed HTTP with problem+json if a response can still be sent, then close."""
        if self.conn.our_state in {h11.IDLE, h11.SEND_RESPONSE}:
            problem = Problem(400, msg, "framing").response()
            headers = [*problem.raw_headers, (b"connection", b"close")]
            answer = h11.Response(status_code=400, headers=headers, reason=b"Bad Request")
            for event in (answer, h11.Data(data=bytes(problem.body)), h11.EndOfMessage()):
                self.transport.write(self.conn.send(event) or b"")
        self.transport.close()

    def _watch_headers(self) -> None:
        if self.conn.their_state is not h11.IDLE:
            self._stop_watching()
        elif self._deadline is None:
            self._deadline = self.loop.call_later(self.header_seconds, self.transport.close)

    def _stop_watching(self) -> None:
        if self._deadline is not None:
            self._deadline.cancel()
            self._deadline = None

    def _abort_if_sending(self, cycle: object) -> None:
        if self.cycle is cycle and self.conn.their_state is h11.SEND_BODY:
            self.transport.abort()


def server_config(app: Any, *, host: str, port: int, max_connections: int, header_seconds: float) -> uvicorn.Config:
    """uvicorn configuration: bounded headers, connections and timeouts; no access log, proxy headers are ignored."""
    protocol = type("ConfiguredProtocol", (BoundedProtocol,), {"header_seconds": header_seconds})
    return uvicorn.Config(
        app,
        host=host,
        port=port,
        http=protocol,
        loop="asyncio",
        ws="none",
        lifespan="on",
        h11_max_incomplete_event_size=MAX_HEADER_BYTES,
        limit_concurrency=max_connections,
        timeout_keep_alive=5,
        timeout_graceful_shutdown=10,
        backlog=1024,
        server_header=False,
        proxy_headers=False,
        access_log=False,
        log_config=None,
    )
