"""`/livez`, `/readyz`, `/startupz` and `/metrics` of every service."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import Any

from prometheus_client import CONTENT_TYPE_LATEST, generate_latest
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

Ready = Callable[[], Awaitable[tuple[bool, dict[str, Any]]]]
"""Returns whether the service is ready, and its conditions; must finish within two seconds."""


def health_routes(
    ready: Ready,
    *,
    started: Callable[[], bool] = lambda: True,
    collect: Callable[[], Awaitable[None]] | None = None,
) -> list[Route]:
    """Routes for any Starlette or FastAPI app.

    `/livez` is 200 while the event loop runs. `/readyz` is 503 until `ready` returns True, `/startupz` until `started`
    does. `/metrics` first awaits `collect`, which refreshes gauges.
    """

    async def livez(_: Request) -> Response:
        return JSONResponse({"status": "alive"})

    async def readyz(_: Request) -> Response:
        ok, facts = await ready()
        return _verdict(ok, "ready", facts)

    async def startupz(_: Request) -> Response:
        return _verdict(started(), "started", {})

    async def metrics(_: Request) -> Response:
        if collect is not None:
            await collect()
        return Response(generate_latest(), media_type=CONTENT_TYPE_LATEST)

    handlers = {"/livez": livez, "/readyz": readyz, "/startupz": startupz, "/metrics": metrics}
    return [Route(path, handler, methods=["GET"], include_in_schema=False) for path, handler in handlers.items()]


def _verdict(ok: bool, word: str, facts: dict[str, Any]) -> Response:
    status = word if ok else f"not {word}"
    return JSONResponse(
        {"status": status, **facts}, status_code=200 if ok else 503, headers={"Cache-Control": "no-store"}
    )
