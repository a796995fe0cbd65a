"""Housekeeping once a minute by one worker: old finished entries, forgotten consumers, stale notes."""

from __future__ import annotations

import secrets
from datetime import timedelta
from typing import Final

from redis.asyncio import Redis
from redis.exceptions import ResponseError

from shared.broker import scripts
from shared.clock import now
from shared.observability import metrics
from shared.store import keys
from shared.store.connection import RedisClient, Scripts, unavailable_when_down
from shared.topology import Stream

INTERVAL_SECONDS: Final = 60.0
_LEASE_MS: Final = 55_000
_CONSUMER_IDLE: Final = timedelta(hours=1)


async def safe_trim(client: Redis, stream: Stream) -> int:
    """Remove entries older than `stream.keep` that every group has finished; answers how many went.

    Does nothing when the stream keeps everything or one of its groups is missing. Raises StoreUnavailable.
    """
    if stream.keep is None:
        return 0
    oldest = f"{int((now() - stream.keep).timestamp() * 1000)}-0"
    async with unavailable_when_down():
        (gone,) = await Scripts(client).run(scripts.TRIM, [((stream.key,), (oldest, *stream.groups))])
    metrics.TRIMMED.labels(stream.name).inc(int(gone))
    return int(gone)


async def reap_consumers(client: Redis, stream: Stream, group: str, *, idle: timedelta = _CONSUMER_IDLE) -> int:
    """Remove consumers that hold nothing and were not seen for `idle`; answers how many. Raises StoreUnavailable."""
    async with unavailable_when_down():
        (gone,) = await Scripts(client).run(scripts.REAP, [((stream.key,), (group, int(idle.total_seconds() * 1000)))])
    return int(gone)


async def forget_finished(client: Redis, stream: Stream, group: str) -> int:
    """Drop notes of begun entries that are pending no more. Raises StoreUnavailable."""
    anyclient: RedisClient = client
    stale: list[bytes] = []
    async with unavailable_when_down():
        for entry_id in await anyclient.hkeys(keys.started(stream.name)):
            rows = await anyclient.xpending_range(stream.key, group, min=entry_id, max=entry_id, count=1)
            stale += [] if rows else [entry_id]
        if stale:
            await anyclient.hdel(keys.started(stream.name), *stale)
    return len(stale)


async def keep_house(client: Redis, stream: Stream, group: str) -> bool:
    """All three, unless somebody else did it within the last minute. Raises StoreUnavailable."""
    async with unavailable_when_down():
        mine = await client.set(keys.lock(f"housekeeping:{stream.name}"), secrets.token_hex(8), nx=True, px=_LEASE_MS)
    if not mine:
        return False
    try:
        await safe_trim(client, stream)
        await reap_consumers(client, stream, group)
        await forget_finished(client, stream, group)
    except ResponseError as error:
        if "NOGROUP" not in str(error) and "no such key" not in str(error):
            raise
    return True
