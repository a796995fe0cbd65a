"""Leases: exclusive rights of one process that expire unless renewed."""

from __future__ import annotations

import asyncio
import secrets
from collections.abc import Awaitable, Callable

import structlog
from redis.asyncio import Redis

from shared.errors import Permanent, Retryable, StoreUnavailable
from shared.observability import log_events
from shared.store import keys
from shared.store.scripts import Arg, Key, Script, Scripts

log = structlog.get_logger(__name__)


class AcquireLease(Script):
    """Acquire or renew a lease. Returns the token of the holder.

    Guarantees: one token holds the lease until it is released or `ms` have passed without renewal.
    """

    lease: Key
    token: Arg
    ms: Arg
    ALLOW_OOM = True

    LUA = """
    local holder = redis.call('GET', lease)
    if holder and holder ~= token then return holder end
    redis.call('SET', lease, token, 'PX', ms)
    return token
    """


class ReleaseLease(Script):
    """Release a lease. Returns 1, or 0 if another token holds it.

    Guarantees: a lease that another process has acquired is not released.
    """

    lease: Key
    token: Arg
    ALLOW_OOM = True

    LUA = """
    if redis.call('GET', lease) == token then return redis.call('DEL', lease) end
    return 0
    """


class LeaseTaken(Retryable):
    """Another process holds the lease."""


class LeaseLost(Permanent):
    """Another process acquired the expired lease; this one must exit."""

    def __init__(self, name: str) -> None:
        super().__init__(f"another process holds {name} now", rule="lease-lost")


class Lease:
    """The lease `name`, which expires after `seconds` without renewal. `label` identifies the holder."""

    def __init__(self, client: Redis, name: str, *, label: str, seconds: float = 8.0) -> None:
        self._scripts = Scripts(client)
        self._name = name
        self._key = keys.lock(name)
        self._token = f"{label}:{secrets.token_hex(4)}"
        self._seconds = seconds

    async def acquire(self) -> None:
        """Acquire or renew it. Raises LeaseTaken, naming the holder, or StoreUnavailable."""
        call = AcquireLease(lease=self._key, token=self._token, ms=int(self._seconds * 1000))
        holder = (await self._scripts.run(call)).decode()
        if holder != self._token:
            raise LeaseTaken(f"{holder.rpartition(':')[0]} holds {self._name}; only one may", retry_after=1.0)

    async def keep_renewed(self, pause: Callable[[float], Awaitable[None]] = asyncio.sleep) -> None:
        """Renew it until cancelled. Raises LeaseLost. While Redis is unavailable no other process can acquire it."""
        while True:
            await pause(self._seconds / 4)
            try:
                await self.acquire()
            except StoreUnavailable as away:
                log.warning(log_events.LEASE_RENEWAL_FAILED, lease=self._name, reason=str(away))
            except LeaseTaken as taken:
                raise LeaseLost(self._name) from taken

    async def release(self) -> None:
        """Release it immediately. Raises StoreUnavailable."""
        await self._scripts.run(ReleaseLease(lease=self._key, token=self._token))
