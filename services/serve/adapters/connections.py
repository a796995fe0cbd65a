"""The HTTP server, extended for streams: bounded socket buffers, detection of dead peers, streams closed on shutdown.

A stream writes to its `ClientConnection` directly, bypassing uvicorn and websockets. An event is encoded once for all
clients, so the only work per client is the write.
"""

from __future__ import annotations

import asyncio
import socket
import time
from collections.abc import Awaitable, Callable, Sequence
from functools import partial
from typing import Any, Final

import uvicorn
from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol, RequestResponseCycle
from uvicorn.protocols.websockets.websockets_sansio_impl import WebSocketsSansIOProtocol

from services.serve.adapters.hub import Hub
from shared.http_server.connection_limits import REFUSED_AT_ONCE, ConnectionLimits, refuse

CONNECTION: Final = "broadsheet.connection"
"""Key of the `ClientConnection` in the ASGI state."""
DISABLE_CHUNKING: Final = "broadsheet.disable_chunking"
"""Key of the function that turns chunked encoding off for an HTTP/1.0 response; uvicorn would announce it."""
BACKLOG: Final = 1024
"""Connections that the kernel holds for us, and that are accepted at once."""
FULL_BYTES: Final = 32 * 1024
"""A connection with more than this in its write buffer is full."""
MAX_MESSAGE_BYTES: Final = 16 * 1024
"""Largest message of a WebSocket client; a larger one closes the connection with 1009."""
FRAMES_AT_ONCE: Final = 64
FRAMES_PER_SECOND: Final = 4.0
"""Token bucket for frames of any kind from a WebSocket client; exceeding it closes the connection with 1008."""
_SEND_BUFFER_BYTES: Final = 256 * 1024
_UNACKNOWLEDGED_MS: Final = 30_000
_PING_SECONDS: Final = 15.0
_CLOSE_SECONDS: Final = 5.0
_MAX_LINE_BYTES: Final = 8_000
_MAX_LINES: Final = 100
_MAX_HEAD_BYTES: Final = 64 * 1024
"""Limit for a request head that arrives in pieces; the parser itself would wait for its end indefinitely."""


class ClientConnection:
    """Write side of one client connection. `on_lost` is called once when the connection is closed."""

    __slots__ = ("_drained", "_transport", "gone", "on_lost")

    def __init__(self, transport: asyncio.Transport, drained: Callable[[], Awaitable[Any]]) -> None:
        self._transport = transport
        self._drained = drained
        self.gone = False
        self.on_lost: Callable[[], None] | None = None

    @property
    def full(self) -> bool:
        """Whether the write buffer is full because the client does not read; do not write now."""
        return self._transport.get_write_buffer_size() > FULL_BYTES

    def write(self, data: bytes) -> None:
        """Write without waiting."""
        if not self.gone and not self._transport.is_closing():
            self._transport.write(data)

    async def drain(self, seconds: float) -> bool:
        """Wait until the buffer has drained; False when it has not after `seconds`."""
        try:
            async with asyncio.timeout(seconds):
                await self._drained()
        except TimeoutError:
            return False
        return True

    def abort(self) -> None:
        """Close immediately: a graceful close would wait indefinitely for a client that does not read."""
        self._transport.abort()

    def lost(self) -> None:
        """Mark the connection as closed."""
        self.gone = True
        if self.on_lost is not None:
            self.on_lost()
            self.on_lost = None


class Connection(HttpToolsProtocol):
    """One HTTP connection, with its `ClientConnection` in the ASGI state. A subclass sets `limits`."""

    limits: ConnectionLimits

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        """Limit the kernel's send buffer, and let it drop a peer that acknowledges nothing for 30 s."""
        sock = transport.get_extra_info("socket")
        if sock is not None and sock.family in {socket.AF_INET, socket.AF_INET6}:
            sock.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, _SEND_BUFFER_BYTES)
            sock.setsockopt(socket.IPPROTO_TCP, getattr(socket, "TCP_USER_TIMEOUT", 18), _UNACKNOWLEDGED_MS)
        super().connection_made(transport)
        transport.set_write_buffer_limits(high=FULL_BYTES)
        self._connection = ClientConnection(transport, self.flow.drain)
        self.app_state = {**self.app_state, CONNECTION: self._connection}
        self._heads = 0
        self._in_head = False
        self._head_bytes = 0
        if not self.limits.opened(transport):
            self.app = refuse

    def on_message_begin(self) -> None:
        """A request line begins."""
        super().on_message_begin()
        self._heads += 1
        self._in_head, self._head_bytes = True, 0

    def on_headers_complete(self) -> None:
        """The head has ended."""
        self._in_head = False
        self.limits.busy(self.transport)
        super().on_headers_complete()
        if self.scope["http_version"] == "1.0":
            self.scope["state"][DISABLE_CHUNKING] = partial(setattr, self.cycle, "chunked_encoding", False)

    def data_received(self, data: bytes) -> None:
        """Refuse a head that exceeds the limit, counting the bytes since the piece in which it began."""
        head = self._heads
        super().data_received(data)
        if self._is_idle:
            self.limits.await_head(self.transport)
        if self._in_head and self._heads == head and not self.transport.is_closing():
            self._head_bytes += len(data)
            if self._head_bytes > _MAX_HEAD_BYTES:
                self.send_400_response("Invalid HTTP request received.")

    def on_response_complete(self) -> None:
        """The connection is idle unless the next request has arrived already."""
        super().on_response_complete()
        if self._is_idle:
            self.limits.idle(self.transport)

    @property
    def _is_idle(self) -> bool:
        """No request is in progress. After an upgrade `Socket` has the transport, and `cycle` is none of its."""
        cycle: RequestResponseCycle | None = self.cycle  # None before the first head has ended
        is_upgraded = self.transport.get_protocol() is not self
        return not is_upgraded and (cycle is None or cycle.response_complete)

    def send_400_response(self, msg: str) -> None:
        """Send a 400; when a response has started, close instead, since nothing may be written into it."""
        cycle: RequestResponseCycle | None = getattr(self, "cycle", None)  # None before the first head has ended
        if cycle is not None and cycle.response_started and not cycle.response_complete:
            self.transport.close()
        else:
            super().send_400_response(msg)

    def _should_upgrade(self) -> bool:
        """Upgrade only what the WebSocket parser accepts: it fails on long lines, which are answered over HTTP."""
        longest = max((len(name) + len(value) for name, value in self.headers), default=0)
        fits = max(len(self.url), longest) <= _MAX_LINE_BYTES and len(self.headers) <= _MAX_LINES
        return fits and self.app is not refuse and super()._should_upgrade()

    def connection_lost(self, exc: Exception | None) -> None:
        """Notify the stream, if there is one."""
        self.limits.closed(self.transport)
        super().connection_lost(exc)
        self._connection.lost()


class Socket(WebSocketsSansIOProtocol):
    """One WebSocket. Messages from clients are validated, discarded, and rate limited. A subclass sets `limits`."""

    limits: ConnectionLimits

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Put the `ClientConnection` into the ASGI state."""
        super().connection_made(transport)
        self.transport.set_write_buffer_limits(high=FULL_BYTES)
        self._connection = ClientConnection(self.transport, self.writable.wait)
        self.app_state = {**self.app_state, CONNECTION: self._connection}
        self._tokens = float(FRAMES_AT_ONCE)
        self._counted_at = time.monotonic()

    def connection_lost(self, exc: Exception | None) -> None:
        """Notify the stream."""
        self.limits.closed(self.transport)
        super().connection_lost(exc)
        self._connection.lost()

    async def send(self, message: Any) -> None:
        """A refusal completes the handshake too; otherwise uvicorn logs an error for each."""
        await super().send(message)
        if message["type"] == "websocket.http.response.body" and not message.get("more_body"):
            self.handshake_complete = True

    def handle_ping(self) -> None:
        """Answer unless the rate limit is exceeded."""
        if self._may_send():
            super().handle_ping()

    def handle_pong(self, event: Any) -> None:
        """Accept unless the rate limit is exceeded."""
        if self._may_send():
            super().handle_pong(event)

    def handle_cont(self, event: Any) -> None:
        """Accept a fragment unless the rate limit is exceeded: empty fragments cost memory below any byte limit."""
        if self._may_send():
            super().handle_cont(event)

    def send_receive_event_to_app(self) -> None:
        """Discard a complete message; text must be UTF-8 (RFC 6455 section 8.1)."""
        data = b"".join(self.frames)
        self.frames = []
        if not self._may_send() or self.curr_msg_data_type != "text":
            return
        try:
            data.decode()
        except UnicodeDecodeError:
            self._close(1007, "text is not UTF-8")

    def handle_parser_exception(self) -> None:
        """Close after a protocol violation; abort when the client does not read the close frame."""
        super().handle_parser_exception()
        self._connection.lost()
        self.loop.call_later(_CLOSE_SECONDS, self.transport.abort)

    def _may_send(self) -> bool:
        now = time.monotonic()
        self._tokens = min(FRAMES_AT_ONCE, self._tokens + (now - self._counted_at) * FRAMES_PER_SECOND) - 1
        self._counted_at = now
        if self._tokens >= 0:
            return True
        self._close(1008, "too many frames")
        return False

    def _close(self, code: int, reason: str) -> None:
        if self.close_sent:
            return
        self.conn.fail(code, reason)
        self.handle_parser_exception()


class Server(uvicorn.Server):
    """Closes all streams before it waits for open requests; otherwise a shutdown would take ten minutes."""

    def __init__(self, config: uvicorn.Config, hubs: Sequence[Hub]) -> None:
        super().__init__(config)
        self._hubs = hubs

    async def shutdown(self, sockets: list[socket.socket] | None = None) -> None:
        """Called by uvicorn on a signal."""
        for hub in self._hubs:
            hub.close()
        await super().shutdown(sockets)


def server(app: Any, *, host: str, port: int, hubs: Sequence[Hub], limits: ConnectionLimits) -> Server:
    """A server for the app: bounded connections, no access log, no proxy headers of its own, 10 s to stop.

    WebSockets are not compressed: an event is one run of bytes for all clients.
    """
    config = uvicorn.Config(
        app,
        host=host,
        port=port,
        http=type("LimitedConnection", (Connection,), {"limits": limits}),
        ws=type("LimitedSocket", (Socket,), {"limits": limits}),
        limit_concurrency=limits.total + REFUSED_AT_ONCE + 1,
        ws_max_size=MAX_MESSAGE_BYTES,
        ws_per_message_deflate=False,
        ws_ping_interval=_PING_SECONDS,
        ws_ping_timeout=_PING_SECONDS,
        loop="uvloop",
        backlog=BACKLOG,
        access_log=False,
        log_config=None,
        proxy_headers=False,
        server_header=False,
        timeout_keep_alive=15,
        timeout_graceful_shutdown=10,
    )
    return Server(config, hubs)
