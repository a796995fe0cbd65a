"""Copies values of Redis INFO into gauges."""

from __future__ import annotations

from redis.asyncio import Redis

from shared.observability import metrics
from shared.store.connection import unavailable_when_down


async def observe_server(client: Redis) -> None:
    """Refresh the gauges; a value that the server does not report counts as 0, and a status as good.

    Raises StoreUnavailable.
    """
    async with unavailable_when_down():
        info = await client.info()
    metrics.REDIS_MEMORY.labels("used").set(info.get("used_memory", 0))
    metrics.REDIS_MEMORY.labels("limit").set(info.get("maxmemory", 0))
    metrics.REDIS_LAST_WRITE_OK.set(info.get("aof_last_write_status", "ok") == "ok")
    metrics.REDIS_LAST_FORK.set(info.get("latest_fork_usec", 0) / 1e6)
    metrics.REDIS_CLIENTS.set(info.get("connected_clients", 0))
    metrics.REDIS_UPTIME.set(info.get("uptime_in_seconds", 0))
    metrics.REDIS_DELAYED_FSYNCS.set(info.get("aof_delayed_fsync", 0))
