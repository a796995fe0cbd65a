"""The HTTP server with what streams need: bounded socket buffers, dead peers noticed, streams ended on shutdown."""

from __future__ import annotations

import asyncio
import socket
from typing import Any, Final

import uvicorn
from uvicorn.protocols.http.h11_impl import H11Protocol

from services.serve.adapters.hub import Hub
from services.serve.adapters.streaming import TRANSPORT

_SEND_BUFFER_BYTES: Final = 256 * 1024
_UNACKNOWLEDGED_MS: Final = 30_000


class Connection(H11Protocol):
    """One connection. Its transport is in the ASGI state, so that a response can abort a client that does not read."""

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        """Bound the kernel's share of the memory too, and let it drop a peer that acknowledges nothing for 30 s."""
        self.app_state = {**self.app_state, TRANSPORT: transport}
        sock = transport.get_extra_info("socket")
        if sock is not None and sock.family in {socket.AF_INET, socket.AF_INET6}:
            sock.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, _SEND_BUFFER_BYTES)
            sock.setsockopt(socket.IPPROTO_TCP, getattr(socket, "TCP_USER_TIMEOUT", 18), _UNACKNOWLEDGED_MS)
        super().connection_made(transport)


class Server(uvicorn.Server):
    """Ends all streams before it waits for open requests; otherwise a stop would take ten minutes."""

    def __init__(self, config: uvicorn.Config, hub: Hub) -> None:
        super().__init__(config)
        self._hub = hub

    async def shutdown(self, sockets: list[socket.socket] | None = None) -> None:
        """Called by uvicorn when a signal came."""
        self._hub.close()
        await super().shutdown(sockets)


def server(app: Any, *, host: str, port: int, hub: Hub) -> Server:
    """A server for the app: no access log (metrics count requests), no trust in forwarded headers, 10 s to stop."""
    config = uvicorn.Config(
        app,
        host=host,
        port=port,
        http=Connection,
        loop="asyncio",
        access_log=False,
        log_config=None,
        proxy_headers=False,
        server_header=False,
        h11_max_incomplete_event_size=64 * 1024,
        timeout_keep_alive=15,
        timeout_graceful_shutdown=10,
    )
    return Server(config, hub)
