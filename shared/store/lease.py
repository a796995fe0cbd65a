"""A lease: one process at a time may do something, until it lets go, or dies and its time runs out."""

from __future__ import annotations

import asyncio
import secrets
from collections.abc import Awaitable, Callable
from typing import Any, Final

import structlog
from redis.asyncio import Redis

from shared.errors import Permanent, Retryable, StoreUnavailable
from shared.observability import log_events
from shared.store import keys
from shared.store.connection import unavailable_when_down

log = structlog.get_logger(__name__)

_HOLD: Final = """#!lua flags=allow-oom
-- KEYS lease; ARGV 1 token 2 milliseconds: takes it when it is free, renews it when it is ours; answers the holder
local holder = redis.call('GET', KEYS[1])
if holder and holder ~= ARGV[1] then return holder end
redis.call('SET', KEYS[1], ARGV[1], 'PX', ARGV[2])
return ARGV[1]
"""
_RELEASE: Final = """#!lua flags=allow-oom
if redis.call('GET', KEYS[1]) == ARGV[1] then return redis.call('DEL', KEYS[1]) end
return 0
"""


class LeaseTaken(Retryable):
    """Another process holds the lease."""


class LeaseLost(Permanent):
    """Another process took the lease while this one was away for too long; this one must end."""

    def __init__(self, name: str) -> None:
        super().__init__(f"another process holds {name} now", rule="lease-lost")


class Lease:
    """The lease `name`; after `seconds` without renewal anybody may take it. `label` tells others who holds it."""

    def __init__(self, client: Redis, name: str, *, label: str, seconds: float = 8.0) -> None:
        self._client: Any = client  # redis-py's stubs mix str and bytes answers
        self._name = name
        self._key = keys.lock(name)
        self._token = f"{label}:{secrets.token_hex(4)}"
        self._seconds = seconds

    async def take(self) -> None:
        """Take it or renew it. Raises LeaseTaken, naming the holder, or StoreUnavailable."""
        async with unavailable_when_down():
            answer = await self._client.eval(_HOLD, 1, self._key, self._token, int(self._seconds * 1000))
        holder = answer.decode() if isinstance(answer, bytes) else str(answer)
        if holder != self._token:
            raise LeaseTaken(f"{holder.rpartition(':')[0]} holds {self._name}; only one may", retry_after=1.0)

    async def keep(self, pause: Callable[[float], Awaitable[None]] = asyncio.sleep) -> None:
        """Renew it until cancelled. Raises LeaseLost; while Redis is away nobody else can take it either."""
        while True:
            await pause(self._seconds / 4)
            try:
                await self.take()
            except StoreUnavailable as away:
                log.warning(log_events.LEASE_RENEWAL_FAILED, lease=self._name, reason=str(away))
            except LeaseTaken as taken:
                raise LeaseLost(self._name) from taken

    async def release(self) -> None:
        """Let the next one in at once. Raises StoreUnavailable."""
        async with unavailable_when_down():
            await self._client.eval(_RELEASE, 1, self._key, self._token)
