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
from shared.store.connection import RedisClient, Scripts, unavailable_when_down

MAX_SOURCES: Final = 100_000
PutOutcome = Literal["created", "changed", "unchanged", "full"]

_PUT: Final = """#!lua
-- KEYS source, all, due, leases  ARGV 1 id 2 spec 3 limit
redis.call('ZCARD', KEYS[3]) redis.call('HLEN', KEYS[4])
local old = redis.call('HGET', KEYS[1], 'spec')
local waiting = redis.call('ZSCORE', KEYS[3], ARGV[1])
if not old and redis.call('ZCARD', KEYS[2]) >= tonumber(ARGV[3]) then return 'full' end
if old == ARGV[2] and waiting then return 'unchanged' end
local t = redis.call('TIME')
redis.call('HSET', KEYS[1], 'spec', ARGV[2])
redis.call('ZADD', KEYS[2], 0, ARGV[1])
redis.call('ZADD', KEYS[3], t[1] * 1000 + math.floor(t[2] / 1000), ARGV[1])
redis.call('HDEL', KEYS[4], ARGV[1])
return old and 'changed' or 'created'
"""
_DELETE: Final = """#!lua flags=allow-oom
-- KEYS source, all, due, leases, counts  ARGV id
redis.call('ZREM', KEYS[2], ARGV[1]) redis.call('ZREM', KEYS[3], ARGV[1]) redis.call('HDEL', KEYS[4], ARGV[1])
return redis.call('DEL', KEYS[1], KEYS[5]) > 0 and 1 or 0
"""
_ACQUIRE_DUE: Final = """#!lua
-- KEYS due, leases  ARGV 1 limit 2 lease_ms 3 token
redis.call('HLEN', KEYS[2])
local t = redis.call('TIME')
local now = t[1] * 1000 + math.floor(t[2] / 1000)
local ids = redis.call('ZRANGEBYSCORE', KEYS[1], '-inf', now, 'LIMIT', 0, ARGV[1])
for _, id in ipairs(ids) do
  redis.call('ZADD', KEYS[1], now + tonumber(ARGV[2]), id)
  redis.call('HSET', KEYS[2], id, ARGV[3])
end
return ids
"""
_RELEASE: Final = """#!lua flags=allow-oom
-- KEYS source, due, leases  ARGV 1 id 2 token 3 state|'' 4 delay_ms (below 0: never again)
redis.call('ZCARD', KEYS[2])
if redis.call('HGET', KEYS[3], ARGV[1]) ~= ARGV[2] then return 0 end
redis.call('HDEL', KEYS[3], ARGV[1])
if ARGV[3] ~= '' then redis.call('HSET', KEYS[1], 'state', ARGV[3]) end
local t = redis.call('TIME')
if tonumber(ARGV[4]) < 0 then redis.call('ZREM', KEYS[2], ARGV[1])
else redis.call('ZADD', KEYS[2], t[1] * 1000 + math.floor(t[2] / 1000) + tonumber(ARGV[4]), ARGV[1]) end
return 1
"""
_ACQUIRE_HOST: Final = """#!lua
-- KEYS host  ARGV 1 token 2 ms ; returns 0 if acquired, else milliseconds until it expires
if redis.call('SET', KEYS[1], ARGV[1], 'NX', 'PX', ARGV[2]) then return 0 end
return math.max(1, redis.call('PTTL', KEYS[1]))
"""
_RELEASE_HOST: Final = """#!lua flags=allow-oom
-- KEYS host  ARGV 1 token 2 ms until release; PEXPIRE 0 deletes
if redis.call('GET', KEYS[1]) == ARGV[1] then return redis.call('PEXPIRE', KEYS[1], ARGV[2]) end
return 0
"""


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
        names = (keys.source(source_id), keys.SOURCES, keys.SOURCES_DUE, keys.SOURCE_LEASES)
        outcome: PutOutcome = (await self._run(_PUT, names, (source_id, encoded, limit))).decode()
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
        names = (
            keys.source(source_id),
            keys.SOURCES,
            keys.SOURCES_DUE,
            keys.SOURCE_LEASES,
            keys.source_counts(source_id),
        )
        return bool(await self._run(_DELETE, names, (source_id,)))

    async def acquire_due(self, *, limit: int, lease_seconds: float) -> list[PollLease]:
        """Acquire up to `limit` due sources until they are released or the lease expires."""
        token = secrets.token_hex(8)
        names = (keys.SOURCES_DUE, keys.SOURCE_LEASES)
        ids = await self._run(_ACQUIRE_DUE, names, (limit, int(lease_seconds * 1000), token))
        return [PollLease(each.decode(), token) for each in ids]

    async def start_poll(self, poll: PollRef) -> None:
        """Count outcomes of articles for this poll from now on."""
        async with unavailable_when_down():
            fields = {"poll": poll.number, "published": 0, "dead": 0}
            await self._client.hset(keys.source_counts(poll.source_id), mapping=fields)

    async def release(self, lease: PollLease, *, state: dict[str, Any] | None, seconds: float | None) -> bool:
        """Store the state unless None and schedule the next poll (None: never). False if the lease was lost."""
        names = (keys.source(lease.source_id), keys.SOURCES_DUE, keys.SOURCE_LEASES)
        encoded = b"" if state is None else orjson.dumps(state)
        delay = -1 if seconds is None else int(seconds * 1000)
        return bool(await self._run(_RELEASE, names, (lease.source_id, lease.token, encoded, delay)))

    async def acquire_host(self, host: str, token: str, *, seconds: float) -> float:
        """Acquire the lock of a host. Returns 0, or the seconds until another holder's lock expires."""
        wait = await self._run(_ACQUIRE_HOST, (keys.host(_host_key_part(host)),), (token, int(seconds * 1000)))
        return int(wait) / 1000

    async def release_host(self, host: str, token: str, *, pause_seconds: float) -> None:
        """Release the lock of a host after a pause; 0 means at once."""
        await self._run(_RELEASE_HOST, (keys.host(_host_key_part(host)),), (token, int(pause_seconds * 1000)))

    async def _run(self, script: str, names: Sequence[str], arguments: Sequence[Any]) -> Any:
        async with unavailable_when_down():
            (answer,) = await self._scripts.run(script, [(names, arguments)])
        return answer

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
