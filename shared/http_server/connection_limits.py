"""Limits of open connections: in all, per address, and the time for a request head.

A connection that awaits a request head is idle. Where a limit is reached, the oldest idle connection is closed for the
new one, so that silent sockets cannot keep anybody out. Only connections with a request in progress fill a server.
"""

from __future__ import annotations

import asyncio
from collections import Counter
from dataclasses import dataclass
from typing import Final

from starlette.types import Receive, Scope, Send

from shared.http_server.trusted_proxies import TrustedProxies, limited_network, parse_address
from shared.problems import Problem

REFUSED_AT_ONCE: Final = 100
"""Connections above the limit that are answered with 503; more are closed at once."""
_NO_PROXIES: Final = TrustedProxies(())
_Transports = dict[asyncio.BaseTransport, None]  # in order of age


@dataclass(slots=True)
class _Connection:
    name: str | None
    """What the limit per address counts; None for a trusted proxy."""
    deadline: asyncio.TimerHandle | None = None


class ConnectionLimits:
    """The open connections of one server. Not thread-safe: one event loop only.

    `per_address` counts IPv4 addresses and /64 networks, trusted proxies excepted; None: no limit.
    """

    def __init__(
        self,
        *,
        total: int,
        per_address: int | None = None,
        header_seconds: float = 10.0,
        proxies: TrustedProxies = _NO_PROXIES,
    ) -> None:
        self.total = total
        self._per_address = total if per_address is None else per_address
        self._header_seconds = header_seconds
        self._proxies = proxies
        self._connections: dict[asyncio.BaseTransport, _Connection] = {}
        self._open_by: Counter[str] = Counter()
        self._idle: _Transports = {}
        self._idle_by: dict[str, _Transports] = {}

    @property
    def open(self) -> int:
        """Number of open connections."""
        return len(self._connections)

    def opened(self, transport: asyncio.BaseTransport) -> bool:
        """Count a new connection, which is idle. False: answer its request with `refuse`, or it is closed already."""
        peer = transport.get_extra_info("peername")
        address = str(peer[0]) if isinstance(peer, tuple) else ""
        name = None if self._proxies.trusts(parse_address(address)) else limited_network(address)
        is_admitted = self._make_room(name)
        if not is_admitted and self.open >= self.total + REFUSED_AT_ONCE:
            transport.abort()  # type: ignore[attr-defined]
            return False
        self._connections[transport] = _Connection(name)
        if name is not None:
            self._open_by[name] += 1
        self.await_head(transport)
        return is_admitted

    def await_head(self, transport: asyncio.BaseTransport) -> None:
        """A head is awaited from now on; repeated calls do not extend its time."""
        connection = self._connections.get(transport)
        if connection is None:
            return
        self.idle(transport)
        if connection.deadline is None:
            loop = asyncio.get_running_loop()
            connection.deadline = loop.call_later(self._header_seconds, transport.abort)  # type: ignore[attr-defined]

    def idle(self, transport: asyncio.BaseTransport) -> None:
        """No request is in progress; the keep-alive timeout of the server applies."""
        connection = self._connections.get(transport)
        if connection is not None and transport not in self._idle:
            self._idle[transport] = None
            if connection.name is not None:
                self._idle_by.setdefault(connection.name, {})[transport] = None

    def busy(self, transport: asyncio.BaseTransport) -> None:
        """The head of a request is complete."""
        connection = self._connections.get(transport)
        if connection is None:
            return
        if connection.deadline is not None:
            connection.deadline.cancel()
            connection.deadline = None
        if transport not in self._idle:
            return
        del self._idle[transport]
        if connection.name is not None:
            idle = self._idle_by[connection.name]
            del idle[transport]
            if not idle:
                del self._idle_by[connection.name]

    def closed(self, transport: asyncio.BaseTransport) -> None:
        """Forget a connection; repeated calls do nothing."""
        self.busy(transport)
        connection = self._connections.pop(transport, None)
        if connection is not None and connection.name is not None:
            self._open_by[connection.name] -= 1
            if not self._open_by[connection.name]:
                del self._open_by[connection.name]

    def _make_room(self, name: str | None) -> bool:
        """Whether there is room for one more, after closing an idle one of the same address or of any."""
        full_address = name is not None and self._open_by[name] >= self._per_address
        if full_address and not self._close_oldest(self._idle_by.get(name or "", {})):
            return False
        return self.open < self.total or self._close_oldest(self._idle)

    def _close_oldest(self, idle: _Transports) -> bool:
        transport = next(iter(idle), None)
        if transport is None:
            return False
        self.closed(transport)
        transport.abort()  # type: ignore[attr-defined]
        return True


async def refuse(scope: Scope, receive: Receive, send: Send) -> None:
    """ASGI app of a connection above the limits."""
    detail = "too many open connections, of this address or in all"
    headers = {"Retry-After": "10", "Connection": "close"}
    await Problem(503, detail, "too-many-connections", headers=headers).response()(scope, receive, send)
