"""Asking the index service to rebuild the index, and watching it: the writer lives in that process only.

A lock holds the id of the one request that is open. The index service looks for it, works, renews it and lets it go;
when that process dies, its successor finds the lock and begins the same request again.
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
"""A request that nobody takes or renews for so long is given up, so that a new one can be made."""
KEEP_SECONDS: Final = 86_400
"""How long the outcome of a request can be read."""
_LOCK: Final = keys.lock("reindex")


class RecordProgress(Script):
    """Write the progress of a request and renew its lock, or release the lock when the request is finished.

    Guarantees: both happen together; the lock of another request is not touched.
    """

    progress: Key
    lock: Key
    request_id: Arg
    lock_seconds: Arg
    """0 releases the lock."""
    keep_seconds: Arg
    fields: Args
    """Names and values in turn."""

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
    """How far a request got: `done` of `total` articles (0 while not counted), `error` when it failed."""

    request_id: str
    phase: Phase
    done: int
    total: int
    error: str
    updated_at: datetime
    digest: str = ""
    """Of a finished rebuild: over what the new index was verified to hold."""

    @property
    def finished(self) -> bool:
        """Whether nothing more will happen."""
        return self.phase in {"done", "failed"}


async def request_reindex(client: Redis) -> str:
    """Ask for a rebuild; the id to watch. Raises ReindexBusy while another is open, and StoreUnavailable."""
    request_id = secrets.token_hex(8)
    async with unavailable_when_down():
        if not await client.set(_LOCK, request_id, nx=True, ex=OPEN_SECONDS):
            holder = await client.get(_LOCK)
            raise ReindexBusy(_text(holder) if holder else "of a moment ago")
    await record(client, ReindexProgress(request_id, "requested", 0, 0, "", now()))
    return request_id


async def progress(client: Redis, request_id: str) -> ReindexProgress | None:
    """How far a request got; None when it is unknown or a day old."""
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
    """The id of the request that is open, if any: what the index service looks for."""
    async with unavailable_when_down():
        holder = await client.get(_LOCK)
    return _text(holder) if holder else None


async def record(client: Redis, state: ReindexProgress) -> None:
    """Write how far a request got and renew its lock, or let the lock go when it is finished."""
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
    """How many article records the store holds, counted by one pass over its keys."""
    cursor, total = 0, 0
    while True:
        async with unavailable_when_down():
            cursor, found = await client.scan(cursor, match=f"{keys.ARTICLE_PREFIX}*", count=1000)
        total += len(found)
        if cursor == 0:
            return total


def _text(value: bytes | str) -> str:
    return value.decode() if isinstance(value, bytes) else value


async def mark_incomplete(client: Redis) -> None:
    """Note, for longer than any process lives, that the index lacks articles until a rebuild is done."""
    async with unavailable_when_down():
        await client.set(keys.INDEX_INCOMPLETE, now().isoformat())


async def clear_incomplete(client: Redis) -> None:
    """The index is whole."""
    async with unavailable_when_down():
        await client.delete(keys.INDEX_INCOMPLETE)


async def is_incomplete(client: Redis) -> bool:
    """Whether a rebuild is owed."""
    async with unavailable_when_down():
        return bool(await client.exists(keys.INDEX_INCOMPLETE))


async def may_heal(client: Redis, *, cooldown: float) -> bool:
    """Ask leave for a rebuild that nobody asked for: once in `cooldown` seconds, across all processes."""
    async with unavailable_when_down():
        return bool(await client.set(keys.lock("index-heal"), b"1", nx=True, px=int(cooldown * 1000)))
