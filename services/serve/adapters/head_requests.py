"""Answers HEAD wherever GET is answered (RFC 9110 section 9.1): hub discovery, link checkers and crawlers use it."""

from __future__ import annotations

from typing import Final

from starlette.types import ASGIApp, Receive, Scope, Send

WITHOUT_HEAD: Final = frozenset({"/v1/events", "/v1/rejections"})
"""Paths that refuse HEAD with 405: a stream has no length."""


class HeadRequests:
    """ASGI middleware: routes receive a GET; the server, which knows the original method, sends no body."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "http" and scope["method"] == "HEAD" and scope["path"] not in WITHOUT_HEAD:
            scope = {**scope, "method": "GET"}
        await self._app(scope, receive, send)
