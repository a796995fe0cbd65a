"""ASGI middleware: one access line per HTTP request, and the request's trace context."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Final

import structlog
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from shared.observability import log_events
from shared.observability.log_context import log_context
from shared.observability.trace_context import read_traceparent, traceparent_context

log = structlog.get_logger(__name__)

_NOT_LOGGED: Final = frozenset({"/livez", "/readyz", "/startupz", "/metrics"})


class AccessLog:
    """Logs `request.completed` when the response ends, at most `per_second` lines; the next line counts omitted ones.

    Every line logged during the request carries its `traceparent`.
    """

    def __init__(self, app: ASGIApp, per_second: int, *, clock: Callable[[], float] = time.monotonic) -> None:
        self._app = app
        self._limit = RateLimit(per_second, clock)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        traceparent = read_traceparent(scope["headers"])
        if traceparent is None:
            await self._logged(scope, receive, send)
            return
        with traceparent_context(traceparent), log_context(traceparent=traceparent):
            await self._logged(scope, receive, send)

    async def _logged(self, scope: Scope, receive: Receive, send: Send) -> None:
        started = time.perf_counter()
        status = 0  # the connection ended before an answer

        async def observed(message: Message) -> None:
            nonlocal status
            if message["type"] == "http.response.start":
                status = message["status"]
            await send(message)

        try:
            await self._app(scope, receive, observed)
        except Exception:
            status = status or 500  # the server sends a 500 for the application
            raise
        finally:
            if scope["path"] not in _NOT_LOGGED and self._limit.admits():
                log.info(
                    log_events.REQUEST_COMPLETED,
                    method=scope["method"],
                    path=scope["path"],
                    status=status,
                    client=scope["client"][0] if scope.get("client") else None,
                    took_ms=round((time.perf_counter() - started) * 1000, 3),
                    skipped=self._limit.take_skipped(),
                )


class RateLimit:
    """At most `per_second` admissions in each second of the clock; counts those it refused."""

    def __init__(self, per_second: int, clock: Callable[[], float]) -> None:
        self._per_second = per_second
        self._clock = clock
        self._second = -1
        self._admitted = 0
        self._skipped = 0

    def admits(self) -> bool:
        """Whether one more is within the limit."""
        second = int(self._clock())
        if second != self._second:
            self._second, self._admitted = second, 0
        if self._admitted < self._per_second:
            self._admitted += 1
            return True
        self._skipped += 1
        return False

    def take_skipped(self) -> int:
        """Number of refused admissions since the last call."""
        skipped, self._skipped = self._skipped, 0
        return skipped
