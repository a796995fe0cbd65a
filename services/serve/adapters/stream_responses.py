"""Streams as an HTTP response and as a WebSocket."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import Final

from starlette.responses import Response
from starlette.types import Receive, Scope, Send
from starlette.websockets import WebSocket

from services.serve.adapters.connections import CONNECTION, DISABLE_CHUNKING, ClientConnection
from services.serve.domain.wire_format import WireFormat

HEADERS: Final = {
    "content-type": "text/event-stream; charset=utf-8",
    "cache-control": "no-cache, no-transform",
    "x-accel-buffering": "no",
    "vary": "Accept",
}
SUBPROTOCOL: Final = "cloudevents.json"
"""Subprotocol of the CloudEvents WebSocket binding: every message is one event in JSON."""
_CUT: Final = frozenset({"gone", "slow"})
_CODES: Final = {"rotated": 1000, "closing": 1012, "revoked": 1008}

Follow = Callable[[ClientConnection, WireFormat], Awaitable[str]]
"""Runs a session on a connection until it ends; returns why."""


class EventStream(Response):
    """Server-sent events until the session ends; then runs `on_end`. Needs the server of `connections.py`."""

    def __init__(self, follow: Follow, *, headers: dict[str, str], on_end: Callable[[], None]) -> None:
        super().__init__(status_code=200, headers=HEADERS | headers)
        del self.headers["content-length"]
        self._follow = follow
        self._on_end = on_end

    async def __call__(self, scope: Scope, _receive: Receive, send: Send) -> None:
        wire_format = WireFormat.PLAIN if scope["http_version"] == "1.0" else WireFormat.CHUNKED
        try:
            if wire_format is WireFormat.PLAIN:
                scope["state"][DISABLE_CHUNKING]()
            await send({"type": "http.response.start", "status": self.status_code, "headers": self.raw_headers})
            reason = await self._follow(scope["state"][CONNECTION], wire_format)
            if reason not in _CUT:
                await send({"type": "http.response.body", "body": b"", "more_body": False})
        finally:
            self._on_end()


async def socket_stream(websocket: WebSocket, follow: Follow, *, headers: dict[str, str]) -> None:
    """Accept a WebSocket and send until the session ends."""
    subprotocol = SUBPROTOCOL if SUBPROTOCOL in websocket.scope["subprotocols"] else None
    fields = [(name.encode(), value.encode()) for name, value in headers.items()]
    await websocket.accept(subprotocol, headers=fields)
    reason = await follow(websocket.scope["state"][CONNECTION], WireFormat.SOCKET)
    if reason not in _CUT:
        await websocket.close(_CODES[reason], reason)
