"""Records of batches in flight at the search engine, so that a restarted process polls them instead of sending them
again. An optimisation only: entries stay pending until their articles are published."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final, cast

import orjson
import structlog
from redis.asyncio import Redis

from shared.observability import log_events
from shared.store import keys
from shared.store.connection import RedisClient, unavailable_when_down
from shared.store.scripts import Arg, Key, Script, Scripts

MAX_RECORDS: Final = 64
"""Maximum number of records, above what a writer needs; further ones are not added."""

log = structlog.get_logger(__name__)


class RecordBatch(Script):
    """Store the record of a batch. Returns 0 if it was not added.

    Guarantees: never more than `most` records. Allowed while Redis is out of memory, so that in-flight work can finish.
    """

    writes: Key
    name: Arg
    record: Arg
    most: Arg
    ALLOW_OOM = True

    LUA = """
    if redis.call('HLEN', writes) >= tonumber(most) then return 0 end
    return redis.call('HSET', writes, name, record)
    """


@dataclass(frozen=True, slots=True)
class SubmittedBatch:
    """`token` is the engine's own handle; `documents` holds (id, rev, content hash) of each; `sent_at` Unix seconds."""

    op_id: str
    token: str
    documents: tuple[tuple[str, int, str], ...]
    sent_at: float


class SubmittedBatches:
    """The records in Redis. Raises StoreUnavailable while Redis is unavailable."""

    def __init__(self, client: Redis) -> None:
        self._client: RedisClient = client
        self._scripts = Scripts(client)

    async def record(self, batch: SubmittedBatch) -> None:
        """Add the record of a batch."""
        row = orjson.dumps([batch.op_id, batch.token, batch.documents, batch.sent_at])
        await self._scripts.run(RecordBatch(writes=keys.INDEX_WRITES, name=_name(batch), record=row, most=MAX_RECORDS))

    async def delete(self, batches: Sequence[SubmittedBatch]) -> None:
        """Delete the records of completed batches."""
        if batches:
            async with unavailable_when_down():
                await self._client.hdel(keys.INDEX_WRITES, *map(_name, batches))

    async def all(self) -> list[SubmittedBatch]:
        """All unfinished batches; damaged records are deleted and logged."""
        async with unavailable_when_down():
            rows = await self._client.hgetall(keys.INDEX_WRITES)
        found: list[SubmittedBatch] = []
        for name, row in rows.items():
            try:
                op_id, token, documents, sent_at = orjson.loads(row)
                known = tuple((str(ident), int(rev), str(digest)) for ident, rev, digest in documents)
                found.append(SubmittedBatch(str(op_id), str(token), known, float(sent_at)))
            except (ValueError, TypeError) as error:
                log.warning(log_events.INDEX_WRITE_RECORD_CORRUPT, record=cast("bytes", name)[:40], reason=str(error))
                async with unavailable_when_down():
                    await self._client.hdel(keys.INDEX_WRITES, name)
        return found


def _name(batch: SubmittedBatch) -> str:
    return f"{batch.op_id}:{batch.sent_at:.6f}"
