"""Lua scripts of the webhook queue. Every change of an endpoint and its deliveries is one of them.

Times are Unix ms of the caller, so that tests can control them. `waiting` has the time of the next check of each
endpoint.
"""

from __future__ import annotations

from shared.store.scripts import Arg, Args, Key, Keys, Script


class EnqueueDeliveries(Script):
    """Queue the deliveries of one event and advance the checkpoint. Returns ids of endpoints that became disabled.

    Guarantees: checkpoint and deliveries change together; false, with no effect, if another process advanced the
    checkpoint. A delivery is queued once under its id, a finished one only with `requeue_done`.
    """

    checkpoint_holder: Key
    waiting: Key
    endpoints: Keys
    due: Keys
    records: Keys
    done: Keys
    cursor: Arg
    part: Arg
    new_cursor: Arg
    new_part: Arg
    ms: Arg
    most_waiting: Arg
    requeue_done: Arg
    event_cursor: Arg
    endpoint_ids: Args
    delivery_ids: Args
    delivery_records: Args

    LUA = """
    redis.call('ZCARD', waiting)
    local at = redis.call('HMGET', checkpoint_holder, 'cursor', 'part')
    if (at[1] or '') ~= cursor or (at[2] or '') ~= part then return false end
    local full = {}
    for i, id in ipairs(endpoint_ids) do
      local delivery = delivery_ids[i]
      local status = redis.call('HGET', endpoints[i], 'status')
      local known = redis.call('HEXISTS', records[i], delivery) == 1
      local repeated = known and requeue_done == '1' and redis.call('ZSCORE', done[i], delivery)
      if status == 'disabled' then
        redis.call('HSETNX', endpoints[i], 'missed_from', event_cursor)
      elseif status and (not known or repeated) then
        if redis.call('ZCARD', due[i]) >= tonumber(most_waiting) then
          redis.call('HSET', endpoints[i], 'status', 'disabled', 'reason', 'queue-full', 'disabled_at', ms)
          redis.call('HSETNX', endpoints[i], 'missed_from', event_cursor)
          full[#full + 1] = id
        else
          redis.call('ZREM', done[i], delivery)
          redis.call('HSET', records[i], delivery, delivery_records[i])
          redis.call('ZADD', due[i], ms, delivery)
          redis.call('ZADD', waiting, 'LT', ms, id)
        end
      end
    end
    redis.call('HSET', checkpoint_holder, 'cursor', new_cursor, 'part', new_part)
    return full
    """


class LeaseDeliveries(Script):
    """Lease deliveries that an endpoint may be sent now. Returns {delivery, record, delivery, record, ...}.

    Guarantees: at most `most_leased` leases at once, one while the breaker is open or the endpoint is unverified; a
    lease that expired is due again. A pending endpoint gets only its ping.
    """

    endpoint: Key
    due: Key
    leased: Key
    records: Key
    waiting: Key
    endpoint_id: Arg
    ms: Arg
    lease_ms: Arg
    most_leased: Arg
    breaker_failures: Arg

    LUA = """
    redis.call('ZCARD', waiting)
    local now = tonumber(ms)
    local e = redis.call('HMGET', endpoint, 'status', 'failures', 'open_until', 'ping')
    local status, failures, open_until = e[1], tonumber(e[2] or '0'), tonumber(e[3] or '0')
    if not status or status == 'disabled' then redis.call('ZREM', waiting, endpoint_id) return {} end
    for _, delivery in ipairs(redis.call('ZRANGEBYSCORE', leased, '-inf', now)) do
      redis.call('ZREM', leased, delivery)
      redis.call('ZADD', due, now, delivery)
    end
    local most = tonumber(most_leased)
    if failures >= tonumber(breaker_failures) or status == 'pending' then most = 1 end
    local free = most - redis.call('ZCARD', leased)
    local answer = {}
    if free > 0 and open_until <= now then
      local ready
      if status == 'pending' then
        local at = e[4] and redis.call('ZSCORE', due, e[4])
        ready = (at and tonumber(at) <= now) and {e[4]} or {}
      else
        ready = redis.call('ZRANGEBYSCORE', due, '-inf', now, 'LIMIT', 0, free)
      end
      for _, delivery in ipairs(ready) do
        redis.call('ZREM', due, delivery)
        redis.call('ZADD', leased, now + tonumber(lease_ms), delivery)
        answer[#answer + 1] = delivery
        answer[#answer + 1] = redis.call('HGET', records, delivery) or ''
      end
    end
    local wake = redis.call('ZRANGE', leased, 0, 0, 'WITHSCORES')[2]
    wake = wake and tonumber(wake)
    if redis.call('ZCARD', leased) < most then
      local next_due
      if status == 'pending' then next_due = e[4] and redis.call('ZSCORE', due, e[4])
      else next_due = redis.call('ZRANGE', due, 0, 0, 'WITHSCORES')[2] end
      if next_due then
        next_due = math.max(tonumber(next_due), open_until)
        wake = wake and math.min(wake, next_due) or next_due
      end
    end
    if wake then redis.call('ZADD', waiting, wake, endpoint_id) else redis.call('ZREM', waiting, endpoint_id) end
    return answer
    """


class FinishAttempt(Script):
    """Store the outcome of an attempt. Returns 'late', the reason why its endpoint became disabled, or ''.

    Guarantees: only the holder of the lease changes a delivery; breaker and failure count change in the same step.
    """

    endpoint: Key
    due: Key
    leased: Key
    records: Key
    done: Key
    waiting: Key
    endpoint_id: Arg
    delivery_id: Arg
    ms: Arg
    record: Arg
    due_ms: Arg
    """-1 if the delivery is finished."""
    succeeded: Arg
    """1, 0, or empty if the endpoint was not called."""
    closed_until_ms: Arg
    breaker_failures: Arg
    breaker_first_ms: Arg
    breaker_longest_ms: Arg
    disable_after_ms: Arg
    disable_reason: Arg
    """Empty unless this outcome disables the endpoint."""
    most_done: Arg
    ALLOW_OOM = True

    LUA = """
    redis.call('ZCARD', waiting)
    local now = tonumber(ms)
    if redis.call('ZREM', leased, delivery_id) == 0 then return 'late' end
    redis.call('HSET', records, delivery_id, record)
    if tonumber(due_ms) >= 0 then
      redis.call('ZADD', due, due_ms, delivery_id)
    else
      redis.call('ZADD', done, now, delivery_id)
      local over = redis.call('ZCARD', done) - tonumber(most_done)
      if over > 0 then
        local old = redis.call('ZPOPMIN', done, over)
        for i = 1, #old, 2 do redis.call('HDEL', records, old[i]) end
      end
    end
    local e = redis.call('HMGET', endpoint, 'status', 'ping', 'failing_since')
    local reason = disable_reason
    if succeeded == '1' then
      redis.call('HDEL', endpoint, 'failing_since', 'open_until', 'failures')
      if e[1] == 'pending' and e[2] == delivery_id then
        redis.call('HSET', endpoint, 'status', 'active', 'verified', 1)
      end
    elseif succeeded == '0' then
      local failures = redis.call('HINCRBY', endpoint, 'failures', 1)
      local since = tonumber(e[3] or now)
      redis.call('HSETNX', endpoint, 'failing_since', now)
      local open = tonumber(closed_until_ms)
      local beyond = failures - tonumber(breaker_failures)
      if beyond >= 0 then
        local pause = tonumber(breaker_first_ms) * 2 ^ math.min(beyond, 20)
        open = math.max(open, now + math.min(pause, tonumber(breaker_longest_ms)))
      end
      if open > now then redis.call('HSET', endpoint, 'open_until', string.format('%.0f', open)) end
      if reason == '' and now - since >= tonumber(disable_after_ms) then reason = 'failing' end
    end
    redis.call('ZADD', waiting, 'LT', now, endpoint_id)
    if reason == '' or e[1] == 'disabled' then return '' end
    redis.call('HSET', endpoint, 'status', 'disabled', 'reason', reason, 'disabled_at', now)
    return reason
    """


class EnableEndpoint(Script):
    """Enable an endpoint. Returns the cursor from which events were missed, '' for none, false if it is deleted.

    Guarantees: queued deliveries are due immediately; breaker and failure count are reset.
    """

    endpoint: Key
    due: Key
    waiting: Key
    endpoint_id: Arg
    ms: Arg

    LUA = """
    redis.call('ZCARD', waiting)
    if redis.call('EXISTS', endpoint) == 0 then return false end
    local e = redis.call('HMGET', endpoint, 'missed_from', 'verified', 'status')
    if e[3] == 'disabled' then redis.call('HSET', endpoint, 'status', e[2] and 'active' or 'pending') end
    redis.call('HDEL', endpoint, 'reason', 'disabled_at', 'failing_since', 'failures', 'open_until', 'missed_from')
    for _, delivery in ipairs(redis.call('ZRANGE', due, 0, -1)) do redis.call('ZADD', due, ms, delivery) end
    redis.call('ZADD', waiting, ms, endpoint_id)
    return e[1] or ''
    """


class RequeueDelivery(Script):
    """Make a delivery due immediately under its id. Returns 1, or 0 if the endpoint or the delivery is unknown.

    Guarantees: a delivery whose lease is held stays as it is; with `may_be_new` an unknown one is queued.
    """

    endpoint: Key
    due: Key
    leased: Key
    records: Key
    done: Key
    waiting: Key
    endpoint_id: Arg
    delivery_id: Arg
    record: Arg
    ms: Arg
    may_be_new: Arg

    LUA = """
    redis.call('ZCARD', waiting)
    if redis.call('EXISTS', endpoint) == 0 then return 0 end
    if may_be_new == '0' and redis.call('HEXISTS', records, delivery_id) == 0 then return 0 end
    if not redis.call('ZSCORE', leased, delivery_id) then
      redis.call('ZREM', done, delivery_id)
      redis.call('HSET', records, delivery_id, record)
      redis.call('ZADD', due, ms, delivery_id)
    end
    redis.call('ZADD', waiting, 'LT', ms, endpoint_id)
    return 1
    """


class DeleteEndpoint(Script):
    """Delete an endpoint with its deliveries and its replay. Returns the number of deleted keys.

    Guarantees: the endpoint is removed from every schedule.
    """

    stored: Keys
    """Keys of the endpoint and of its replay."""
    waiting: Key
    replays: Key
    endpoint_id: Arg
    ALLOW_OOM = True

    LUA = """
    redis.call('ZREM', waiting, endpoint_id)
    redis.call('SREM', replays, endpoint_id)
    return redis.call('DEL', unpack(stored))
    """


class ReplaceSecret(Script):
    """Replace the encrypted signing keys of an endpoint. Returns 1, or 0 if the stored ones are not the expected.

    Guarantees: of two concurrent replacements one succeeds.
    """

    endpoint: Key
    expected: Arg
    encrypted: Arg

    LUA = """
    if redis.call('HGET', endpoint, 'sealed') ~= expected then return 0 end
    redis.call('HSET', endpoint, 'sealed', encrypted)
    return 1
    """
