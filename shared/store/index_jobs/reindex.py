"""Reindex requests to the index service, which is the only writer, and their progress.

A lock holds the id of the open request. The index service polls for it, renews it while it works, and releases it; if
the process dies, the next one finds the lock and starts the same request again.
"""

from __future__ import annotations

import secrets
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final, Literal, cast

from redis.asyncio import Redis

from shared.clock import now
from shared.errors import Permanent
from shared.store import keys
from shared.store.connection import unavailable_when_down
from shared.store.scripts import Arg, Args, Key, Script, Scripts

Phase = Literal["requested", "scanning", "verifying", "promoting", "done", "failed"]

OPEN_SECONDS: Final = 120
"""Time after which a request that is not renewed expires, so that a new one can be made."""
KEEP_SECONDS: Final = 86_400
"""How long the result of a request is kept."""
_LOCK: Final = keys.lock("reindex")


class RecordProgress(Script):
    """Write the progress of a request and renew its lock, or release the lock if it is finished.

    Guarantees: both happen atomically; the lock of another request is not changed.
    """

    progress: Key
    lock: Key
    request_id: Arg
    lock_seconds: Arg
    """0 releases the lock."""
    keep_seconds: Arg
    fields: Args
    """Alternating names and values."""

    LUA = """
    local holder = redis.call('GET', lock)
    redis.call('HSET', progress, unpack(fields))
    redis.call('EXPIRE', progress, keep_seconds)
    if holder ~= request_id then return end
    if lock_seconds == '0' then redis.call('DEL', lock) else redis.call('EXPIRE', lock, lock_seconds) end
    """


class ReindexBusy(Permanent):
    """Another reindex is open; `request_id` names it."""

    def __init__(self, request_id: str) -> None:
        super().__init__(f"reindex {request_id} is already under way", rule="reindex-busy")
        self.request_id = request_id


@dataclass(frozen=True, slots=True)
class ReindexProgress:
    """Progress of a request: `done` of `total` articles (0 until counted), `error` if it failed."""

    request_id: str
    phase: Phase
    done: int
    total: int
    error: str
    updated_at: datetime
    digest: str = ""
    """Digest of the verified index, after a finished rebuild."""

    @property
    def finished(self) -> bool:
        """Whether the request has completed or failed."""
        return self.phase in {"done", "failed"}


async def request_reindex(client: Redis) -> str:
    """Request a rebuild and return its id. Raises ReindexBusy while another is open, and StoreUnavailable."""
    request_id = secrets.token_hex(8)
    async with unavailable_when_down():
        if not await client.set(_LOCK, request_id, nx=True, ex=OPEN_SECONDS):
            raise ReindexBusy(await open_request(client) or "of a moment ago")
    await record(client, ReindexProgress(request_id, "requested", 0, 0, "", now()))
    return request_id


async def progress(client: Redis, request_id: str) -> ReindexProgress | None:
    """Progress of a request; None if it is unknown or expired."""
    async with unavailable_when_down():
        row = await cast("Any", client).hgetall(keys.reindex(request_id))
    if not row:
        return None
    values = {key.decode(): value.decode() for key, value in row.items()}
    return ReindexProgress(
        request_id=request_id,
        phase=cast("Phase", values["phase"]),
        done=int(values["done"]),
        total=int(values["total"]),
        error=values["error"],
        updated_at=datetime.fromisoformat(values["updated_at"]),
        digest=values.get("digest", ""),
    )


async def open_request(client: Redis) -> str | None:
    """The id of the open request, if any."""
    async with unavailable_when_down():
        holder = await cast("Any", client).get(_LOCK)
    return holder.decode() if holder else None


async def record(client: Redis, state: ReindexProgress) -> None:
    """Write the progress of a request and renew its lock, or release the lock if it is finished."""
    fields: dict[str, str | int] = {
        "phase": state.phase,
        "done": state.done,
        "total": state.total,
        "error": state.error[:2000],
        "updated_at": state.updated_at.isoformat(),
        "digest": state.digest,
    }
    call = RecordProgress(
        progress=keys.reindex(state.request_id),
        lock=_LOCK,
        request_id=state.request_id,
        lock_seconds=0 if state.finished else OPEN_SECONDS,
        keep_seconds=KEEP_SECONDS,
        fields=[text for field in fields.items() for text in field],
    )
    await Scripts(client).run(call)


async def count_articles(client: Redis) -> int:
    """Number of article records in the store, by one SCAN of its keys."""
    cursor, total = 0, 0
    while True:
        async with unavailable_when_down():
            cursor, found = await client.scan(cursor, match=f"{keys.ARTICLE_PREFIX}*", count=1000)
        total += len(found)
        if cursor == 0:
            return total


async def mark_incomplete(client: Redis) -> None:
    """Persist that the index is incomplete until a rebuild is done."""
    async with unavailable_when_down():
        await client.set(keys.INDEX_INCOMPLETE, now().isoformat())


async def clear_incomplete(client: Redis) -> None:
    """Record that the index is complete."""
    async with unavailable_when_down():
        await client.delete(keys.INDEX_INCOMPLETE)


async def is_incomplete(client: Redis) -> bool:
    """Whether the index is incomplete and a rebuild is required."""
    async with unavailable_when_down():
        return bool(await client.exists(keys.INDEX_INCOMPLETE))


async def may_heal(client: Redis, *, cooldown: float) -> bool:
    """Whether an automatic rebuild may start: once per `cooldown` seconds across all processes."""
    async with unavailable_when_down():
        return bool(await client.set(keys.lock("index-heal"), b"1", nx=True, px=int(cooldown * 1000)))
