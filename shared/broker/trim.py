"""Housekeeping, once a minute by one worker: trim finished entries, delete idle consumers and stale start counts."""

from __future__ import annotations

import secrets
from datetime import timedelta
from typing import Final

from redis.asyncio import Redis
from redis.exceptions import ResponseError

from shared.broker.scripts import DeleteIdleConsumers, TrimStream
from shared.clock import now
from shared.observability import metrics
from shared.store import keys
from shared.store.connection import RedisClient, unavailable_when_down
from shared.store.scripts import Scripts
from shared.topology import Stream

INTERVAL_SECONDS: Final = 60.0
_LEASE_MS: Final = 55_000
_CONSUMER_IDLE: Final = timedelta(hours=1)


async def safe_trim(client: Redis, stream: Stream) -> int:
    """Delete entries older than `stream.keep` that every group has acknowledged; the number deleted.

    Does nothing when the stream keeps everything or one of its groups is missing. Raises StoreUnavailable.
    """
    if stream.keep is None:
        return 0
    oldest = f"{int((now() - stream.keep).timestamp() * 1000)}-0"
    deleted = int(await Scripts(client).run(TrimStream(stream=stream.key, oldest=oldest, groups=stream.groups)))
    metrics.TRIMMED.labels(stream.name).inc(deleted)
    return deleted


async def delete_idle_consumers(client: Redis, stream: Stream, group: str, *, idle: timedelta = _CONSUMER_IDLE) -> int:
    """Delete consumers without pending entries that were idle for `idle`; the number. Raises StoreUnavailable."""
    idle_ms = int(idle.total_seconds() * 1000)
    return int(await Scripts(client).run(DeleteIdleConsumers(stream=stream.key, group=group, idle_ms=idle_ms)))


async def delete_stale_starts(client: Redis, stream: Stream, group: str) -> int:
    """Delete start counts of entries that are not pending any more; the number. Raises StoreUnavailable."""
    anyclient: RedisClient = client
    stale: list[bytes] = []
    async with unavailable_when_down():
        for entry_id in await anyclient.hkeys(keys.started(stream.name)):
            rows = await anyclient.xpending_range(stream.key, group, min=entry_id, max=entry_id, count=1)
            stale += [] if rows else [entry_id]
        if stale:
            await anyclient.hdel(keys.started(stream.name), *stale)
    return len(stale)


async def run_housekeeping(client: Redis, stream: Stream, group: str) -> bool:
    """Do all three; False when another worker did so within the last minute. Raises StoreUnavailable."""
    async with unavailable_when_down():
        acquired = await client.set(
            keys.lock(f"housekeeping:{stream.name}"), secrets.token_hex(8), nx=True, px=_LEASE_MS
        )
    if not acquired:
        return False
    try:
        await safe_trim(client, stream)
        await delete_idle_consumers(client, stream, group)
        await delete_stale_starts(client, stream, group)
    except ResponseError as error:
        if "NOGROUP" not in str(error) and "no such key" not in str(error):
            raise
    return True
