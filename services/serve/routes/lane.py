"""A lane of its own for `GET /v1/search`: the answers of its route, without what a framework does on the way.

It is the hottest route, and a good part of the CPU that serve added to a search went into layers through which the
request of an ordinary reader only passes. Whatever is not ordinary (another method, an `Origin`, a validator, a request
line that is refused) and every error is left to the app.
"""

from __future__ import annotations

from typing import Final
from urllib.parse import parse_qsl

from starlette.types import ASGIApp, Receive, Scope, Send

from services.serve.domain.parameters import BadParameter
from services.serve.domain.search_parameters import search_request
from services.serve.domain.validators import etag
from services.serve.routes.responses import CACHE, link_header, page_targets
from services.serve.routes.search import FAILED, search_result
from services.serve.routes.services import Services
from shared.access import SECURITY, request_limit_problem
from shared.errors import BroadsheetError

PATH: Final = "/v1/search"
_LEFT_TO_THE_APP: Final = frozenset({b"origin", b"if-none-match"})
_ALWAYS: Final = (
    (b"content-type", b"application/json"),
    (b"cache-control", CACHE.encode()),
    (b"vary", b"Origin"),
    *SECURITY,
)


class SearchLane:
    """ASGI middleware around the app's others."""

    def __init__(self, app: ASGIApp, *, services: Services) -> None:
        self._app = app
        self._services = services

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if not _is_ordinary(scope):
            await self._app(scope, receive, send)
            return
        try:
            headers, body = await self._answer(scope["query_string"].decode("latin-1"))
        except (BadParameter, BroadsheetError) as error:
            await self._app({**scope, FAILED: error}, receive, send)
            return
        await send({"type": "http.response.start", "status": 200, "headers": headers})
        await send({"type": "http.response.body", "body": body})

    async def _answer(self, query: str) -> tuple[list[tuple[bytes, bytes]], bytes]:
        ports = self._services
        wanted = search_request(parse_qsl(query, keep_blank_values=True))
        tag = etag(PATH, query, await ports.epoch.get())
        head = ports.hub.head  # before the answer is made, so that nothing falls between the two
        body, pages = await search_result(ports, wanted)
        headers = [(b"content-length", b"%d" % len(body)), (b"etag", tag.encode()), *_ALWAYS]
        if link := link_header(page_targets(PATH, query, page=wanted.page, pages=pages), head):
            headers.append((b"link", link.encode("latin-1")))
        return headers, body


def _is_ordinary(scope: Scope) -> bool:
    return (
        scope["type"] == "http"
        and scope["path"] == PATH
        and scope["method"] == "GET"
        and _LEFT_TO_THE_APP.isdisjoint([name for name, _ in scope["headers"]])
        and request_limit_problem(scope) is None
    )
