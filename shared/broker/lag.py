"""Lag of each consumer group, for `broadsheet lag`, `broadsheet doctor` and the metrics."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Final

from redis.asyncio import Redis
from redis.exceptions import ResponseError

from shared.clock import now
from shared.observability import metrics
from shared.store.connection import unavailable_when_down
from shared.topology import STREAMS, Stream

_MAX_COUNTED: Final = 10_000


@dataclass(frozen=True, slots=True)
class GroupLag:
    """One group: undelivered entries (`waiting`), pending entries, the age of the oldest of both, dead letters.

    `missing`: the group does not exist, so nothing is consumed.
    """

    stream: str
    group: str
    waiting: int
    pending: int
    oldest_age_seconds: float
    dead: int
    missing: bool = False


async def lag(client: Redis) -> list[GroupLag]:
    """The lag of every group of the topology. Raises StoreUnavailable."""
    found = [await _lag(client, stream, group) for stream in STREAMS for group in stream.groups]
    for item in found:
        metrics.STREAM_LAG.labels(item.stream, item.group).set(item.waiting)
        metrics.PENDING.labels(item.stream, item.group).set(item.pending)
        metrics.STREAM_OLDEST_AGE.labels(item.stream, item.group).set(item.oldest_age_seconds)
        metrics.DEAD_DEPTH.labels(item.group).set(item.dead)
    return found


async def _lag(client: Any, stream: Stream, group: str) -> GroupLag:
    async with unavailable_when_down():
        length, dead = await client.xlen(stream.key), await client.xlen(stream.dead_key)
        info = await _group_info(client, stream, group)
        if info is None:
            oldest = await client.xrange(stream.key, count=1)
            return GroupLag(stream.name, group, length, 0, _age(oldest[0][0] if oldest else None), dead, missing=True)
        unread = await client.xrange(stream.key, min=b"(" + _bytes(info["last-delivered-id"]), count=1)
        pending = await client.xpending(stream.key, group)
        waiting = await _waiting(client, stream, info) if unread else 0
    candidates = [unread[0][0]] if unread else []
    if pending["pending"]:
        candidates.append(_bytes(pending["min"]))
    age = max((_age(entry_id) for entry_id in candidates), default=0.0)
    return GroupLag(stream.name, group, waiting, pending["pending"], age, dead)


async def _group_info(client: Any, stream: Stream, group: str) -> dict[str, Any] | None:
    try:
        rows = await client.xinfo_groups(stream.key)
    except ResponseError as error:
        if "no such key" in str(error):
            return None
        raise
    return next((row for row in rows if _bytes(row["name"]) == group.encode()), None)


async def _waiting(client: Any, stream: Stream, info: dict[str, Any]) -> int:
    """Counted up to 10,000; beyond that Redis's own figure, which deletions can make wrong or unknown."""
    rows = await client.xrange(stream.key, min=b"(" + _bytes(info["last-delivered-id"]), count=_MAX_COUNTED)
    if len(rows) < _MAX_COUNTED:
        return len(rows)
    return max(_MAX_COUNTED, int(info.get("lag") or 0))


def _age(entry_id: bytes | str | None) -> float:
    if entry_id is None:
        return 0.0
    created_ms = int(_bytes(entry_id).split(b"-")[0])
    return max(0.0, now().timestamp() - created_ms / 1000)


def _bytes(value: bytes | str) -> bytes:
    return value.encode() if isinstance(value, str) else value
