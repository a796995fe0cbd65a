"""Reads new entries for FastStream, and returns only with a result.

FastStream retries a read that failed with READONLY or MISCONF without back-off, and stops permanently on NOGROUP. So
errors are handled here: the read backs off while Redis is unavailable, recreates a missing group, and blocks once the
worker shuts down.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Awaitable, Callable
from typing import Any, Final, cast

import structlog
from faststream.redis import RedisBroker
from faststream.redis.configs.state import ConnectionState, RedisConnectionState
from redis.asyncio import Redis
from redis.exceptions import AuthenticationError, AuthorizationError, NoPermissionError, RedisError

from shared.backoff import Backoff
from shared.errors import StoreUnavailable
from shared.observability import log_events, metrics
from shared.store.connection import is_unavailable

_ACCESS_DENIED: Final = (AuthenticationError, AuthorizationError, NoPermissionError)

_PAUSED_POLL_SECONDS: Final = 0.05
_MAX_SLEEP_SECONDS: Final = 0.25
"""Sleeps are this short so that a shutdown never waits for one."""
_UNBLOCKED: Final = "UNBLOCKED"  # the error of a blocked read when its server becomes a replica

log = structlog.get_logger(__name__)


class ReadGate:
    """Decides whether a worker may read: Redis and the handler's dependencies answer, and no shutdown has begun.

    `paused` is the handler's back-pressure: nothing new is read while it returns True.
    """

    def __init__(self, stage: str, paused: Callable[[], bool] = lambda: False) -> None:
        self.stage = stage
        self._paused = paused
        self.redis = Backoff()
        self.dependencies = Backoff()
        self.reader_stopped = asyncio.Event()
        self.last_read: float | None = None
        self._fatal: asyncio.Future[Exception] | None = None
        self._error: Exception | None = None
        self._closed = False

    def fatal_error(self) -> asyncio.Future[Exception]:
        """A future that resolves to the error the worker cannot recover from; call it inside the event loop."""
        if self._fatal is None:
            self._fatal = asyncio.get_running_loop().create_future()
            if self._error is not None:
                self._fatal.set_result(self._error)
        return self._fatal

    @property
    def closed(self) -> bool:
        """Whether no new work may start."""
        return self._closed

    def close(self) -> None:
        """Start no new work."""
        self._closed = True

    def fail(self, error: Exception) -> None:
        """Stop the worker: no new work starts, and the process exits non-zero. Only the first error is reported."""
        self.close()
        if self._error is not None:
            return
        self._error = error
        log.critical(log_events.WORKER_FAILED, kind=type(error).__name__, reason=str(error))
        if self._fatal is not None and not self._fatal.done():
            self._fatal.set_result(error)

    async def wait_open(self) -> bool:
        """Wait until work may start; False once the gate is closed."""
        while not self._closed:
            pause = max(self.redis.remaining(), self.dependencies.remaining())
            if pause <= 0 and not self._paused():
                return True
            await asyncio.sleep(min(pause or _PAUSED_POLL_SECONDS, _MAX_SLEEP_SECONDS))
        return False

    def redis_failed(self, error: Exception) -> None:
        """Report that Redis could not answer."""
        if not self.redis.is_failing:
            log.warning(log_events.REDIS_UNAVAILABLE, kind=type(error).__name__, reason=str(error))
            metrics.INFRASTRUCTURE_PAUSES.labels(self.stage).inc()
        self.redis.failed()

    def read_succeeded(self) -> None:
        """Report a successful read, with or without entries."""
        if self.redis.is_failing:
            log.info(log_events.REDIS_RECOVERED)
        self.redis.succeeded()
        self.last_read = time.monotonic()


class GatedRedis(Redis):
    """FastStream's client; group reads wait for the gate."""

    gate: ReadGate
    create_missing_group: Callable[[], Awaitable[None]]

    async def xreadgroup(self, *args: Any, **kwargs: Any) -> Any:
        """Entries, or none after the polling interval. Errors are handled here; after shutdown it blocks."""
        while await self.gate.wait_open():
            if self.gate.last_read is None:
                kwargs["block"] = None  # the first read returns at once, and makes the worker ready
            try:
                answer = await super().xreadgroup(*args, **kwargs)
            except RedisError as error:
                await self._handle_error(error)
                continue
            self.gate.read_succeeded()
            return answer
        self.gate.reader_stopped.set()
        await asyncio.Event().wait()  # until FastStream cancels its reader
        return None

    async def xgroup_create(self, *args: Any, **kwargs: Any) -> Any:
        """Does nothing: groups are declared at `0`. FastStream would create one at `$`, or fail when memory is full."""
        del args, kwargs
        return True

    async def _handle_error(self, error: RedisError) -> None:
        if isinstance(error, _ACCESS_DENIED):
            self.gate.fail(error)
        elif "NOGROUP" in str(error):
            await self._recreate_group(error)
        elif is_unavailable(error) or str(error).startswith(_UNBLOCKED):
            self.gate.redis_failed(error)
        else:
            self.gate.fail(error)

    async def _recreate_group(self, error: RedisError) -> None:
        log.warning(log_events.GROUP_RECREATED, reason=str(error))
        metrics.GROUP_RECREATED.labels(self.gate.stage).inc()
        self.gate.redis_failed(error)  # a short pause: a group that keeps disappearing must not make a hot loop
        try:
            await self.create_missing_group()
        except StoreUnavailable as unavailable:
            self.gate.redis_failed(unavailable)
        except RedisError as refused:
            self.gate.fail(refused)


class _GatedConnection(RedisConnectionState):
    __slots__ = ("_create_missing_group", "_gate")

    def __init__(
        self, options: dict[str, Any], gate: ReadGate, create_missing_group: Callable[[], Awaitable[None]]
    ) -> None:
        super().__init__(options)
        self._gate = gate
        self._create_missing_group = create_missing_group

    async def connect(self) -> Any:
        plain = await super().connect()
        client = cast("GatedRedis", GatedRedis.from_pool(plain.connection_pool))
        client.gate = self._gate
        client.create_missing_group = self._create_missing_group
        self._client = client
        return client


class GatedBroker(RedisBroker):
    """A FastStream Redis broker whose reads wait for a gate."""

    def __init__(
        self, url: str, gate: ReadGate, create_missing_group: Callable[[], Awaitable[None]], **options: Any
    ) -> None:
        self._gate = gate
        self._create_missing_group = create_missing_group
        super().__init__(url, **options)

    def _make_connection_state(
        self, connection_options: dict[str, Any], kwargs: dict[str, Any]
    ) -> ConnectionState[Any]:
        del kwargs
        return cast(
            "ConnectionState[Any]", _GatedConnection(connection_options, self._gate, self._create_missing_group)
        )
