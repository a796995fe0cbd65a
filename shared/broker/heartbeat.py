"""Heartbeats of workers in Redis: who is alive, and who is reading."""

from __future__ import annotations

import json
import os
from typing import Any, Final

from redis.asyncio import Redis
from redis.exceptions import ResponseError

from shared.clock import now
from shared.store import keys
from shared.store.connection import unavailable_when_down
from shared.topology import consumed_by

LIFETIME_SECONDS: Final = 15
INTERVAL_SECONDS: Final = 3.0


async def write_heartbeat(client: Redis, service: str, consumer: str, *, reading: bool) -> None:
    """Write one heartbeat, valid for `LIFETIME_SECONDS`. Raises StoreUnavailable."""
    value = json.dumps(
        {
            "service": service,
            "consumer": consumer,
            "pid": os.getpid(),
            "at": now().isoformat(),
            "reading": reading,
        }
    )
    async with unavailable_when_down():
        await client.set(keys.heartbeat(service, consumer), value, ex=LIFETIME_SECONDS)


async def delete_heartbeat(client: Redis, service: str, consumer: str) -> None:
    """Delete the heartbeat of a worker that shuts down. Raises StoreUnavailable."""
    async with unavailable_when_down():
        await client.delete(keys.heartbeat(service, consumer))


async def read_heartbeats(client: Redis, service: str) -> list[dict[str, Any]]:
    """The heartbeats of a service's live workers. Raises StoreUnavailable.

    Consumer names come from the groups: a SCAN for the heartbeat keys would walk over every article.
    """
    anyclient: Any = client  # redis-py's stubs mix str and bytes answers
    names: set[bytes | str] = set()
    async with unavailable_when_down():
        for stream in consumed_by(service):
            try:
                names |= {row["name"] for row in await anyclient.xinfo_consumers(stream.key, service)}
            except ResponseError as error:
                if "NOGROUP" not in str(error) and "no such key" not in str(error):
                    raise
        consumers = sorted(name.decode() if isinstance(name, bytes) else name for name in names)
        values = await anyclient.mget([keys.heartbeat(service, name) for name in consumers]) if consumers else []
    return [json.loads(value) for value in values if value]


async def is_reading(client: Redis, service: str) -> bool:
    """Whether any worker of this service reads its stream now. Raises StoreUnavailable."""
    return any(value["reading"] for value in await read_heartbeats(client, service))
