"""HEAD is answered wherever GET is (RFC 9110 section 9.1): hub discovery, link checkers and crawlers ask that way."""

from __future__ import annotations

from typing import Final

from starlette.types import ASGIApp, Receive, Scope, Send

_ENDLESS: Final = "/v1/events"
"""Has no end whose head could be told apart: it stays a 405."""


class HeadRequests:
    """ASGI middleware: routes see a GET; the server, which knows the request as it came, sends no body."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "http" and scope["method"] == "HEAD" and scope["path"] != _ENDLESS:
            scope = {**scope, "method": "GET"}
        await self._app(scope, receive, send)
