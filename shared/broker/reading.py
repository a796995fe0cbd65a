"""The way to new entries: FastStream's read loop asks here, and gets an answer only when there is one.

FastStream restarts a read that failed with READONLY or MISCONF at once, and gives up for good on NOGROUP. So the read
itself waits here instead: it backs off while Redis is away, recreates a vanished group, and parks when we shut down.
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

from shared.broker.failures import Breaker
from shared.errors import StoreUnavailable
from shared.observability import metrics
from shared.store.connection import is_unavailable

_REFUSED: Final = (AuthenticationError, AuthorizationError, NoPermissionError)

_HELD_NAP_SECONDS: Final = 0.05
_UNBLOCKED: Final = "UNBLOCKED"  # a blocked read is sent home when its server becomes a replica

log = structlog.get_logger(__name__)


class Gate:
    """What stands between a worker and its stream: is Redis there, is the engine there, are we leaving.

    `held` is the handler's own brake: while it says true, nothing new is read.
    """

    def __init__(self, stage: str, held: Callable[[], bool] = lambda: False) -> None:
        self.stage = stage
        self._held = held
        self.redis = Breaker()
        self.work = Breaker()
        self.parked = asyncio.Event()
        self.last_read: float | None = None
        self.terminal: asyncio.Future[Exception] | None = None
        self._early: Exception | None = None
        self._closed = False

    def watch(self) -> asyncio.Future[Exception]:
        """A future that gets the error this worker cannot live with; call inside the event loop."""
        if self.terminal is None:
            self.terminal = asyncio.get_running_loop().create_future()
            if self._early is not None:
                self.terminal.set_result(self._early)
        return self.terminal

    @property
    def closed(self) -> bool:
        """Whether nothing new may begin."""
        return self._closed

    def close(self) -> None:
        """Let nothing new begin."""
        self._closed = True

    def give_up(self, error: Exception) -> None:
        """End this worker: nothing new begins, and the process exits non-zero."""
        self.close()
        if self._early is not None:
            return
        self._early = error
        log.critical("worker.terminal", stage=self.stage, kind=type(error).__name__, reason=str(error))
        if self.terminal is not None and not self.terminal.done():
            self.terminal.set_result(error)

    async def admit(self) -> bool:
        """Wait until work may begin; False when none may begin any more."""
        while not self._closed:
            pause = max(self.redis.remaining(), self.work.remaining())
            if pause <= 0 and not self._held():
                return True
            await asyncio.sleep(min(pause or _HELD_NAP_SECONDS, 0.25))  # short naps: a SIGTERM must not wait
        return False

    def redis_failed(self, error: Exception) -> None:
        """Note that Redis could not answer."""
        if not self.redis.failing:
            log.warning("redis.away", stage=self.stage, kind=type(error).__name__, reason=str(error))
            metrics.INFRASTRUCTURE_PAUSES.labels(self.stage).inc()
        self.redis.failed()

    def read_worked(self) -> None:
        """Note a successful read, with or without entries."""
        if self.redis.failing:
            log.info("redis.back", stage=self.stage)
        self.redis.worked()
        self.last_read = time.monotonic()


class GatedRedis(Redis):
    """FastStream's client, whose group reads go through the gate."""

    gate: Gate
    heal: Callable[[], Awaitable[None]]

    async def xreadgroup(self, *args: Any, **kwargs: Any) -> Any:
        """Entries, or nothing after the polling interval; comes back only with an answer."""
        while await self.gate.admit():
            if self.gate.last_read is None:
                kwargs["block"] = None  # the first read answers at once, and with it we are ready
            try:
                answer = await super().xreadgroup(*args, **kwargs)
            except RedisError as error:
                await self._explain(error)
                continue
            self.gate.read_worked()
            return answer
        self.gate.parked.set()
        await asyncio.Event().wait()  # until FastStream cancels its reader
        return None

    async def xgroup_create(self, *args: Any, **kwargs: Any) -> Any:
        """Nothing: groups are declared at `0`; FastStream would make one at `$`, and not when memory is full."""
        del args, kwargs
        return True

    async def _explain(self, error: RedisError) -> None:
        if isinstance(error, _REFUSED):
            self.gate.give_up(error)
        elif "NOGROUP" in str(error):
            await self._recreate(error)
        elif is_unavailable(error) or str(error).startswith(_UNBLOCKED):
            self.gate.redis_failed(error)
        else:
            self.gate.give_up(error)

    async def _recreate(self, error: RedisError) -> None:
        log.warning("group.vanished", stage=self.gate.stage, reason=str(error))
        metrics.GROUP_RECREATED.labels(self.gate.stage).inc()
        self.gate.redis_failed(error)  # a short pause, so that a fight over the group is never a hot loop
        try:
            await self.heal()
        except StoreUnavailable as away:
            self.gate.redis_failed(away)
        except RedisError as failure:
            self.gate.give_up(failure)


class _GatedConnection(RedisConnectionState):
    __slots__ = ("_gate", "_heal")

    def __init__(self, options: dict[str, Any], gate: Gate, heal: Callable[[], Awaitable[None]]) -> None:
        super().__init__(options)
        self._gate = gate
        self._heal = heal

    async def connect(self) -> Any:
        plain = await super().connect()
        client = cast("GatedRedis", GatedRedis.from_pool(plain.connection_pool))
        client.gate = self._gate
        client.heal = self._heal
        self._client = client
        return client


class GatedBroker(RedisBroker):
    """A FastStream Redis broker that reads through a gate."""

    def __init__(self, url: str, gate: Gate, heal: Callable[[], Awaitable[None]], **options: Any) -> None:
        self._gate = gate
        self._heal = heal
        super().__init__(url, **options)

    def _make_connection_state(
        self, connection_options: dict[str, Any], kwargs: dict[str, Any]
    ) -> ConnectionState[Any]:
        del kwargs
        return cast("ConnectionState[Any]", _GatedConnection(connection_options, self._gate, self._heal))
