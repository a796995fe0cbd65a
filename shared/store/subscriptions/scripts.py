"""Lua scripts of saved searches: each changes one with its indexes and appends to the change stream, atomically."""

from __future__ import annotations

from shared.store.scripts import Arg, Key, Script


class SaveSubscription(Script):
    """Store a new or changed subscription. Returns `saved`, `conflict`, or the exceeded limit.

    Guarantees: of two changes of one version one succeeds; record, indexes and change stream are consistent.
    """

    records: Key
    of_owner: Key
    broad: Key
    changes: Key
    counter: Key
    subscription_id: Arg
    record: Arg
    expected_version: Arg
    """0 creates."""
    created_us: Arg
    is_broad: Arg
    most_of_owner: Arg
    most_in_all: Arg
    most_broad: Arg
    most_changes: Arg

    LUA = """
    local old = redis.call('HGET', records, subscription_id)
    local version = old and cjson.decode(old).version or 0
    if version ~= tonumber(expected_version) then return 'conflict' end
    if not old then
      if redis.call('ZCARD', of_owner) >= tonumber(most_of_owner) then return 'owner-full' end
      if redis.call('HLEN', records) >= tonumber(most_in_all) then return 'full' end
    end
    local is_new_broad = redis.call('SISMEMBER', broad, subscription_id) == 0 and is_broad == '1'
    if is_new_broad and redis.call('SCARD', broad) >= tonumber(most_broad) then return 'too-many-broad' end
    redis.call('XLEN', changes)
    local count = redis.call('INCR', counter)
    redis.call('HSET', records, subscription_id, record)
    if not old then
      -- Later than all others of the owner, also within a microsecond and after clock changes, for stable paging
      local newest = redis.call('ZRANGE', of_owner, -1, -1, 'WITHSCORES')[2]
      redis.call('ZADD', of_owner, math.max(tonumber(created_us), (tonumber(newest) or 0) + 1), subscription_id)
    end
    redis.call(is_broad == '1' and 'SADD' or 'SREM', broad, subscription_id)
    redis.call('XADD', changes, 'MAXLEN', '~', most_changes, '*', 'id', subscription_id, 'n', count)
    return 'saved'
    """


class DeleteSubscription(Script):
    """Delete a subscription, whatever its version. Returns 1, or 0 if there is none.

    Guarantees: record, indexes and change stream are consistent.
    """

    records: Key
    of_owner: Key
    broad: Key
    changes: Key
    counter: Key
    subscription_id: Arg
    most_changes: Arg
    ALLOW_OOM = True

    LUA = """
    redis.call('XLEN', changes)
    if redis.call('HDEL', records, subscription_id) == 0 then return 0 end
    local count = redis.call('INCR', counter)
    redis.call('ZREM', of_owner, subscription_id)
    redis.call('SREM', broad, subscription_id)
    redis.call('XADD', changes, 'MAXLEN', '~', most_changes, '*', 'id', subscription_id, 'n', count)
    return 1
    """
