"""uvicorn with limits it lacks: of connections, of request headers, and of a body whose response was already sent."""

from __future__ import annotations

import asyncio
from typing import Any, Final

import h11
import uvicorn
from uvicorn.protocols.http.h11_impl import H11Protocol

from shared.access import MAX_HEADER_BYTES
from shared.http_server.connection_limits import REFUSED_AT_ONCE, ConnectionLimits, refuse
from shared.problems import Problem

BACKLOG: Final = 256
"""Connections that the kernel holds for us, and that are accepted at once."""
LINGER_SECONDS: Final = 5.0
"""How long the rest of a body is discarded after an early response, so that the client can read the response."""


class BoundedProtocol(H11Protocol):
    """One connection. A subclass sets `limits`."""

    limits: ConnectionLimits

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        """Count the connection, and await a head."""
        super().connection_made(transport)
        if not self.limits.opened(transport):
            self.app = refuse

    def data_received(self, data: bytes) -> None:
        """Await the head of the next request unless one is in progress."""
        super().data_received(data)
        if self.conn.their_state is h11.IDLE:
            self.limits.await_head(self.transport)
        else:
            self.limits.busy(self.transport)

    def connection_lost(self, exc: Exception | None) -> None:
        """Forget the connection."""
        self.limits.closed(self.transport)
        super().connection_lost(exc)

    def on_response_complete(self) -> None:
        """Close the connection of a client that is still sending, after `LINGER_SECONDS`."""
        super().on_response_complete()
        if self.conn.their_state is h11.IDLE:
            self.limits.idle(self.transport)
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

    def _abort_if_sending(self, cycle: object) -> None:
        if self.cycle is cycle and self.conn.their_state is h11.SEND_BODY:
            self.transport.abort()


def server_config(app: Any, *, host: str, port: int, limits: ConnectionLimits) -> uvicorn.Config:
    """uvicorn configuration: bounded headers, connections and timeouts; no access log, no proxy headers of its own."""
    protocol = type("ConfiguredProtocol", (BoundedProtocol,), {"limits": limits})
    return uvicorn.Config(
        app,
        host=host,
        port=port,
        http=protocol,
        loop="asyncio",
        ws="none",
        lifespan="on",
        h11_max_incomplete_event_size=MAX_HEADER_BYTES,
        limit_concurrency=limits.total + REFUSED_AT_ONCE + 1,
        timeout_keep_alive=5,
        timeout_graceful_shutdown=10,
        backlog=BACKLOG,
        server_header=False,
        proxy_headers=False,
        access_log=False,
        log_config=None,
    )
