"""The health endpoints of a worker, served by its own event loop: when the loop is blocked, they do not answer."""

from __future__ import annotations

import asyncio
import contextlib
import socket
import time
from collections.abc import Iterator
from typing import Any, Final, Self

import uvicorn
from starlette.applications import Starlette

from shared.broker.lag import lag
from shared.broker.server_metrics import observe_server
from shared.broker.worker import Worker
from shared.errors import StoreUnavailable
from shared.observability import metrics
from shared.observability.health import health_routes

_COLLECT_SECONDS: Final = 2.0


class _HealthServer(uvicorn.Server):
    @contextlib.contextmanager
    def capture_signals(self) -> Iterator[None]:
        """Install no signal handlers: the worker drains first."""
        yield


class HealthServer:
    """Serves `/livez`, `/readyz`, `/startupz` and `/metrics` while its context is open.

    Raises OSError when the port is taken.
    """

    def __init__(self, worker: Worker[Any], port: int) -> None:
        self._worker = worker
        self._port = port
        app = Starlette(
            routes=health_routes(self._ready, started=lambda: worker.reclaiming is not None, collect=self._collect)
        )
        config = uvicorn.Config(
            app,
            http="h11",  # it bounds headers that do not end
            log_config=None,
            access_log=False,
            lifespan="off",
            limit_concurrency=64,
            timeout_graceful_shutdown=1,
        )
        self._server = _HealthServer(config)
        self._task: asyncio.Task[None] | None = None

    async def __aenter__(self) -> Self:
        # Local runs are for one machine; a container has nothing but its own network.
        host = "127.0.0.1" if self._worker.settings.environment == "local" else "0.0.0.0"  # noqa: S104
        listener = socket.create_server((host, self._port), backlog=64)
        self._task = asyncio.create_task(self._server.serve(sockets=[listener]))
        return self

    async def __aexit__(self, *_: object) -> None:
        self._server.should_exit = True
        if self._task is not None:
            await self._task

    async def _ready(self) -> tuple[bool, dict[str, Any]]:
        worker = self._worker
        facts: dict[str, Any] = {"consumer": worker.consumer_name, "stream": worker.stream.name, **worker.checks()}
        facts["redis_answers"] = not worker.gate.redis.is_failing
        facts["work_succeeds"] = not worker.gate.dependencies.is_failing
        return await worker.ready(), facts

    async def _collect(self) -> None:
        last = self._worker.gate.last_read
        if last is not None:
            metrics.READ_AGE_SECONDS.labels(self._worker.service).set(time.monotonic() - last)
        with contextlib.suppress(StoreUnavailable, TimeoutError):
            async with asyncio.timeout(_COLLECT_SECONDS):
                await lag(self._worker.client)
                await observe_server(self._worker.client)
