"""Lua scripts of sources and their poll schedule."""

from __future__ import annotations

from typing import Final

from shared.store.scripts import Arg, Key, Script

_NOW_MS: Final = """
local t = redis.call('TIME')
local now_ms = t[1] * 1000 + math.floor(t[2] / 1000)
"""


class PutSource(Script):
    """Store the spec of a source. Answers `created`, `changed`, `unchanged` or `full`.

    Guarantees: a new, changed or stopped source is due at once; a lease on its old spec ends, its poll state stays.
    """

    source: Key
    sources: Key
    due: Key
    leases: Key
    source_id: Arg
    spec: Arg
    most: Arg

    LUA = (
        _NOW_MS
        + """
    redis.call('HLEN', leases)
    local old = redis.call('HGET', source, 'spec')
    local is_due = redis.call('ZSCORE', due, source_id)
    if not old and redis.call('ZCARD', sources) >= tonumber(most) then return 'full' end
    if old == spec and is_due then return 'unchanged' end
    redis.call('HSET', source, 'spec', spec)
    redis.call('ZADD', sources, 0, source_id)
    redis.call('ZADD', due, now_ms, source_id)
    redis.call('HDEL', leases, source_id)
    return old and 'changed' or 'created'
    """
    )


class DeleteSource(Script):
    """Delete a source. Answers 1, or 0 when there was none.

    Guarantees: schedule, lease and counts go with it; its articles stay.
    """

    source: Key
    sources: Key
    due: Key
    leases: Key
    counts: Key
    source_id: Arg
    ALLOW_OOM = True

    LUA = """
    redis.call('ZREM', sources, source_id)
    redis.call('ZREM', due, source_id)
    redis.call('HDEL', leases, source_id)
    return redis.call('DEL', source, counts) > 0 and 1 or 0
    """


class AcquireDueSources(Script):
    """Lease up to `limit` due sources to `token`. Answers their ids.

    Guarantees: a source is leased to one token at a time; without a release it is due again after the lease.
    """

    due: Key
    leases: Key
    limit: Arg
    lease_ms: Arg
    token: Arg

    LUA = (
        _NOW_MS
        + """
    redis.call('HLEN', leases)
    local ids = redis.call('ZRANGEBYSCORE', due, '-inf', now_ms, 'LIMIT', 0, limit)
    for _, id in ipairs(ids) do
      redis.call('ZADD', due, now_ms + tonumber(lease_ms), id)
      redis.call('HSET', leases, id, token)
    end
    return ids
    """
    )


class ReleaseSource(Script):
    """Release a source, store its poll state and schedule the next poll. Answers 0 when the lease was lost.

    Guarantees: only the holder of the lease writes; a source that was changed meanwhile stays due at once.
    """

    source: Key
    due: Key
    leases: Key
    source_id: Arg
    token: Arg
    state: Arg
    """Empty keeps the stored one."""
    delay_ms: Arg
    """Below 0 stops the source."""
    ALLOW_OOM = True

    LUA = (
        _NOW_MS
        + """
    redis.call('ZCARD', due)
    if redis.call('HGET', leases, source_id) ~= token then return 0 end
    redis.call('HDEL', leases, source_id)
    if state ~= '' then redis.call('HSET', source, 'state', state) end
    if tonumber(delay_ms) < 0 then redis.call('ZREM', due, source_id)
    else redis.call('ZADD', due, now_ms + tonumber(delay_ms), source_id) end
    return 1
    """
    )


class AcquireHost(Script):
    """Acquire the lock of a host for `ms`. Answers 0, or the milliseconds until the present lock expires.

    Guarantees: one token at a time holds the lock.
    """

    host: Key
    token: Arg
    ms: Arg

    LUA = """
    if redis.call('SET', host, token, 'NX', 'PX', ms) then return 0 end
    return math.max(1, redis.call('PTTL', host))
    """


class ReleaseHost(Script):
    """Release the lock of a host after `ms`, 0 at once. Answers 0 when another token holds it.

    Guarantees: a lock that another process acquired meanwhile stays.
    """

    host: Key
    token: Arg
    ms: Arg
    ALLOW_OOM = True

    LUA = """
    if redis.call('GET', host) == token then return redis.call('PEXPIRE', host, ms) end
    return 0
    """
