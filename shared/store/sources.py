"""Sources and their poll schedule. Any number of pollers; each source is leased to one of them at a time.

Acquiring a source moves its due time ahead by the lease, so that a crashed poller releases it by lease expiry.
"""

from __future__ import annotations

import hashlib
import secrets
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any, Final, Literal

import orjson
from redis.asyncio import Redis

from shared.store import keys
from shared.store.articles.port import PollRef
from shared.store.connection import RedisClient, unavailable_when_down
from shared.store.scripts import Scripts
from shared.store.source_scripts import (
    AcquireDueSources,
    AcquireHost,
    DeleteSource,
    PutSource,
    ReleaseHost,
    ReleaseSource,
)

MAX_SOURCES: Final = 100_000
PutOutcome = Literal["created", "changed", "unchanged", "full"]


@dataclass(frozen=True, slots=True)
class SourceRecord:
    """One source. `due_ms`: Unix time in milliseconds of the next poll, None if it is stopped."""

    source_id: str
    spec: dict[str, Any]
    state: dict[str, Any]
    due_ms: int | None
    counts: dict[str, str] = field(default_factory=dict)
    """Outcomes of its articles, with the fields of `keys.source_counts`."""


@dataclass(frozen=True, slots=True)
class PollLease:
    """An acquired source. `token` identifies the holder."""

    source_id: str
    token: str


class Sources:
    """Repository of sources. Raises `StoreUnavailable` while Redis is unavailable."""

    def __init__(self, client: Redis) -> None:
        self._client: RedisClient = client
        self._scripts = Scripts(client)

    async def put(self, source_id: str, spec: dict[str, Any], *, limit: int = MAX_SOURCES) -> PutOutcome:
        """Create or change a source. A new, changed or stopped one is due at once; its poll state is kept."""
        encoded = orjson.dumps(spec, option=orjson.OPT_SORT_KEYS)
        call = PutSource(
            source=keys.source(source_id),
            sources=keys.SOURCES,
            due=keys.SOURCES_DUE,
            leases=keys.SOURCE_LEASES,
            source_id=source_id,
            spec=encoded,
            most=limit,
        )
        outcome: PutOutcome = (await self._scripts.run(call)).decode()
        return outcome

    async def get(self, source_id: str) -> SourceRecord | None:
        """One source, or None."""
        (found,) = await self._read([source_id])
        return found

    async def page(self, *, after: str = "", limit: int = 100) -> list[SourceRecord]:
        """Sources in id order, after the given id."""
        low = f"({after}" if after else "-"
        async with unavailable_when_down():
            ids = await self._client.zrange(keys.SOURCES, low, "+", bylex=True, offset=0, num=limit)
        return [record for record in await self._read([each.decode() for each in ids]) if record is not None]

    async def delete(self, source_id: str) -> bool:
        """Delete a source; its articles stay. False if there was none."""
        call = DeleteSource(
            source=keys.source(source_id),
            sources=keys.SOURCES,
            due=keys.SOURCES_DUE,
            leases=keys.SOURCE_LEASES,
            counts=keys.source_counts(source_id),
            source_id=source_id,
        )
        return bool(await self._scripts.run(call))

    async def acquire_due(self, *, limit: int, lease_seconds: float) -> list[PollLease]:
        """Acquire up to `limit` due sources until they are released or the lease expires."""
        token = secrets.token_hex(8)
        call = AcquireDueSources(
            due=keys.SOURCES_DUE,
            leases=keys.SOURCE_LEASES,
            limit=limit,
            lease_ms=int(lease_seconds * 1000),
            token=token,
        )
        return [PollLease(each.decode(), token) for each in await self._scripts.run(call)]

    async def start_poll(self, poll: PollRef) -> None:
        """Count outcomes of articles for this poll from now on."""
        async with unavailable_when_down():
            fields = {"poll": poll.number, "published": 0, "dead": 0}
            await self._client.hset(keys.source_counts(poll.source_id), mapping=fields)

    async def release(self, lease: PollLease, *, state: dict[str, Any] | None, seconds: float | None) -> bool:
        """Store the state unless None and schedule the next poll (None: never). False if the lease was lost."""
        call = ReleaseSource(
            source=keys.source(lease.source_id),
            due=keys.SOURCES_DUE,
            leases=keys.SOURCE_LEASES,
            source_id=lease.source_id,
            token=lease.token,
            state=b"" if state is None else orjson.dumps(state),
            delay_ms=-1 if seconds is None else int(seconds * 1000),
        )
        return bool(await self._scripts.run(call))

    async def acquire_host(self, host: str, token: str, *, seconds: float) -> float:
        """Acquire the lock of a host. Returns 0, or the seconds until another holder's lock expires."""
        call = AcquireHost(host=keys.host(_host_key_part(host)), token=token, ms=int(seconds * 1000))
        return int(await self._scripts.run(call)) / 1000

    async def release_host(self, host: str, token: str, *, pause_seconds: float) -> None:
        """Release the lock of a host after a pause; 0 means at once."""
        call = ReleaseHost(host=keys.host(_host_key_part(host)), token=token, ms=int(pause_seconds * 1000))
        await self._scripts.run(call)

    async def _read(self, ids: Sequence[str]) -> list[SourceRecord | None]:
        async with unavailable_when_down(), self._client.pipeline(transaction=False) as pipe:
            for source_id in ids:
                pipe.hmget(keys.source(source_id), "spec", "state")
                pipe.zscore(keys.SOURCES_DUE, source_id)
                pipe.hgetall(keys.source_counts(source_id))
            answers = await pipe.execute()
        rows = zip(ids, answers[0::3], answers[1::3], answers[2::3], strict=True)
        return [_record(source_id, spec, state, due, counts) for source_id, (spec, state), due, counts in rows]


def _record(
    source_id: str, spec: bytes | None, state: bytes | None, due: float | None, counts: dict[bytes, bytes]
) -> SourceRecord | None:
    if spec is None:
        return None
    due_ms = None if due is None else int(due)
    outcomes = {name.decode(): value.decode("utf-8", "replace") for name, value in counts.items()}
    return SourceRecord(source_id, orjson.loads(spec), orjson.loads(state or b"{}"), due_ms, outcomes)


def _host_key_part(host: str) -> str:
    """The host as part of a key name, with bounded length."""
    return host if len(host) <= 100 else hashlib.sha256(host.encode()).hexdigest()
