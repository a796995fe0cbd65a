"""Scripts of a consumer group: claims, deferrals, start counts and housekeeping, each atomic on its own.

All are allowed while Redis is out of memory: they only move or finish stored work, so that a full store can drain.
"""

from __future__ import annotations

from shared.store.scripts import Arg, Args, Key, Script


class ClaimEntries(Script):
    """Claim pending entries. Returns [[id, fields], ...] of the claimed ones.

    Guarantees: an entry that another consumer has touched within `min_idle_ms` stays with it.
    """

    stream: Key
    group: Arg
    consumer: Arg
    min_idle_ms: Arg
    entries: Args
    ALLOW_OOM = True

    LUA = "return redis.call('XCLAIM', stream, group, consumer, min_idle_ms, unpack(entries))"


class RecordStarts(Script):
    """Add one start to the count of each entry. Returns their number.

    Guarantees: the counts of a batch change together.
    """

    started: Key
    entries: Args
    ALLOW_OOM = True

    LUA = """
    for _, entry in ipairs(entries) do redis.call('HINCRBY', started, entry, 1) end
    return #entries
    """


class DeferEntries(Script):
    """Set idle time and delivery count of entries and delete their start counts. Returns the number of entries set.

    Guarantees: an entry that another consumer holds, or that was acknowledged, is not changed.
    """

    stream: Key
    started: Key
    group: Arg
    consumer: Arg
    entries: Args
    idle_ms: Args
    deliveries: Args
    ALLOW_OOM = True

    LUA = """
    local deferred = 0
    for i, entry in ipairs(entries) do
      local pending = redis.call('XPENDING', stream, group, entry, entry, 1)[1]
      if pending and pending[2] == consumer then
        redis.call('XCLAIM', stream, group, consumer, 0, entry, 'IDLE', idle_ms[i],
          'RETRYCOUNT', deliveries[i], 'JUSTID')
        deferred = deferred + 1
      end
      redis.call('HDEL', started, entry)
    end
    return deferred
    """


class RenewEntries(Script):
    """Reset the idle time of entries. Returns the number of entries renewed.

    Guarantees: an entry that another consumer holds, or that was acknowledged, is not touched.
    """

    stream: Key
    group: Arg
    consumer: Arg
    entries: Args
    ALLOW_OOM = True

    LUA = """
    local renewed = 0
    for _, entry in ipairs(entries) do
      local pending = redis.call('XPENDING', stream, group, entry, entry, 1)[1]
      if pending and pending[2] == consumer then
        redis.call('XCLAIM', stream, group, consumer, 0, entry, 'JUSTID')
        renewed = renewed + 1
      end
    end
    return renewed
    """


class TrimStream(Script):
    """Delete entries older than `oldest` and older than any that a group still needs. Returns their number.

    Guarantees: no pending or undelivered entry is deleted, and nothing at all while one of `groups` is missing.
    """

    stream: Key
    oldest: Arg
    groups: Args
    ALLOW_OOM = True

    LUA = """
    local function parts(id)
      local ms, seq = string.match(id, '^(%d+)-(%d+)$')
      return tonumber(ms), tonumber(seq)
    end
    local function lower(a, b)
      local ams, aseq = parts(a)
      local bms, bseq = parts(b)
      if ams < bms or (ams == bms and aseq < bseq) then return a end
      return b
    end
    if redis.call('EXISTS', stream) == 0 then return 0 end
    local floor, present = oldest, {}
    for _, row in ipairs(redis.call('XINFO', 'GROUPS', stream)) do
      local group = {}
      for i = 1, #row, 2 do group[row[i]] = row[i + 1] end
      present[group['name']] = true
      local pending = redis.call('XPENDING', stream, group['name'])
      floor = lower(floor, pending[1] > 0 and pending[2] or group['last-delivered-id'])
    end
    for _, group in ipairs(groups) do if not present[group] then return 0 end end
    return redis.call('XTRIM', stream, 'MINID', '~', floor)
    """


class DeleteIdleConsumers(Script):
    """Delete consumers that were idle for longer than `idle_ms`. Returns their number.

    Guarantees: a consumer with pending entries is kept.
    """

    stream: Key
    group: Arg
    idle_ms: Arg
    ALLOW_OOM = True

    LUA = """
    local deleted = 0
    for _, row in ipairs(redis.call('XINFO', 'CONSUMERS', stream, group)) do
      local consumer = {}
      for i = 1, #row, 2 do consumer[row[i]] = row[i + 1] end
      if consumer['pending'] == 0 and consumer['idle'] > tonumber(idle_ms) then
        redis.call('XGROUP', 'DELCONSUMER', stream, group, consumer['name'])
        deleted = deleted + 1
      end
    end
    return deleted
    """
