"""ASGI middleware: client address, scheme and host of requests that came through a trusted proxy."""

from __future__ import annotations

from typing import Final

from starlette.types import ASGIApp, Receive, Scope, Send

from shared.http_server.trusted_proxies import TrustedProxies

_READ: Final = frozenset({b"forwarded", b"x-forwarded-for", b"x-forwarded-proto", b"x-forwarded-host"})


class ProxyHeaders:
    """Outermost middleware, so that logs, limits and links all see the client. Other peers' headers are ignored."""

    def __init__(self, app: ASGIApp, proxies: TrustedProxies) -> None:
        self._app = app
        self._proxies = proxies

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] in {"http", "websocket"} and scope.get("client") and self._proxies:
            self._apply(scope)
        await self._app(scope, receive, send)

    def _apply(self, scope: Scope) -> None:
        lines: dict[str, list[str]] = {}
        for name, value in scope["headers"]:
            if name in _READ:
                lines.setdefault(name.decode(), []).append(value.decode("latin-1"))
        if not lines:
            return
        client = self._proxies.resolve(scope["client"][0], {name: ",".join(values) for name, values in lines.items()})
        if client is None:
            return
        if client.address is not None:
            scope["client"] = (str(client.address), 0)
        if client.scheme is not None:
            is_socket = scope["type"] == "websocket"
            scope["scheme"] = client.scheme.replace("http", "ws") if is_socket else client.scheme
        if client.host is not None:
            kept = [pair for pair in scope["headers"] if pair[0] != b"host"]
            scope["headers"] = [(b"host", client.host.encode()), *kept]
