"""Redis connections: client settings, error translation, version check."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any, Final, cast

from redis.asyncio import Redis
from redis.asyncio.connection import AbstractConnection
from redis.asyncio.retry import Retry
from redis.backoff import ExponentialWithJitterBackoff
from redis.exceptions import (
    BusyLoadingError,
    OutOfMemoryError,
    ReadOnlyError,
    ResponseError,
)
from redis.exceptions import (
    ConnectionError as RedisConnectionError,
)
from redis.exceptions import (
    TimeoutError as RedisTimeoutError,
)

from shared.errors import StoreUnavailable, UnsupportedServer

SOCKET_TIMEOUT_SECONDS: Final = 5.0
DEADLINE_SECONDS: Final = 8.0
"""Time limit of one commit in seconds, retries included."""

RedisClient = Any
"""A `Redis` whose answers are used: the stubs of redis-py mix str and bytes, and sync and async."""
_DOWN: Final = (
    RedisConnectionError,
    RedisTimeoutError,
    BusyLoadingError,
    ReadOnlyError,
    OutOfMemoryError,
    TimeoutError,
)
_DOWN_CODES: Final = ("LOADING", "READONLY", "OOM", "MISCONF", "MASTERDOWN", "NOREPLICAS", "TRYAGAIN", "CLUSTERDOWN")


class _Client(Redis):
    """A client that stays closed.

    redis-py retries commands that are in flight while it closes, on a new connection that is never closed. A shared
    read can be in flight when its last caller has left.
    """

    ended = False

    async def aclose(self, close_connection_pool: bool | None = None) -> None:
        self.ended = True
        await super().aclose(close_connection_pool)


def connect(url: str, *, max_connections: int = 32) -> Redis:
    """A client with bounded retries. Retries are safe: every write is an idempotent script or a plain SET."""

    async def greet(connection: AbstractConnection) -> None:
        if client.ended:
            raise RedisConnectionError("the client is closed")
        await connection.on_connect()

    made = _Client.from_url(
        url,
        max_connections=max_connections,
        socket_timeout=SOCKET_TIMEOUT_SECONDS,
        socket_connect_timeout=2.0,
        socket_keepalive=True,
        health_check_interval=15,
        retry=Retry(ExponentialWithJitterBackoff(base=0.05, cap=1.0), 4),
        client_name="broadsheet",
        redis_connect_func=greet,
    )
    client = cast("_Client", made)  # typed as its parent
    return client


def is_unavailable(error: BaseException) -> bool:
    """Whether the error is temporary: the same command may succeed later."""
    if isinstance(error, _DOWN):
        return True
    return isinstance(error, ResponseError) and any(code in str(error)[:80] for code in _DOWN_CODES)


@asynccontextmanager
async def unavailable_when_down(*, deadline: float | None = DEADLINE_SECONDS) -> AsyncIterator[None]:
    """Translate errors of an unavailable Redis into `StoreUnavailable`. `deadline` bounds the block, in seconds."""
    try:
        async with asyncio.timeout(deadline):
            yield
    except (*_DOWN, ResponseError) as error:
        if not is_unavailable(error):
            raise
        reason = f"{type(error).__name__}: {error}" if str(error) else "Redis did not answer in time"
        raise StoreUnavailable(reason, retry_after=2.0) from error


async def check_server(client: Redis) -> str:
    """Name and version of the server. Raises UnsupportedServer below Redis 7.0 or Valkey 7.2."""
    info = await client.info("server")
    if valkey := info.get("valkey_version"):
        name, version, floor = "Valkey", str(valkey), (7, 2)
    else:
        name, version, floor = "Redis", str(info["redis_version"]), (7, 0)
    if tuple(int(part) for part in version.split(".")[:2]) < floor:
        raise UnsupportedServer(f"{name} {version} is below the floor {'.'.join(map(str, floor))}")
    return f"{name} {version}"
