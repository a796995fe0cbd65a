"""The Lua of the webhook queue. Every change of an endpoint and its deliveries is one of these, atomic on its own.

The keys of an endpoint come in one order everywhere: endpoint, due, leased, deliveries, done. Times are Unix ms and
come from the caller, so that a test can move them. `waiting` says when an endpoint is to be looked at.
"""

from __future__ import annotations

from typing import Final

ENQUEUE: Final = """#!lua
-- KEYS cursor holder, waiting, then the five of each endpoint
-- ARGV 1 cursor expected 2 part expected 3 cursor now 4 part now 5 ms 6 most waiting 7 again(0|1)
--      8 event's cursor, then for each endpoint: id, delivery, record.  Answers false when another process was faster
redis.call('ZCARD', KEYS[2])
local at = redis.call('HMGET', KEYS[1], 'cursor', 'part')
if (at[1] or '') ~= ARGV[1] or (at[2] or '') ~= ARGV[2] then return false end
local full, ms = {}, tonumber(ARGV[5])
for i = 0, (#ARGV - 8) / 3 - 1 do
  local id, delivery, record = ARGV[9 + 3 * i], ARGV[10 + 3 * i], ARGV[11 + 3 * i]
  local e, due, leased, all, done = KEYS[3 + 5 * i], KEYS[4 + 5 * i], KEYS[5 + 5 * i], KEYS[6 + 5 * i], KEYS[7 + 5 * i]
  local status = redis.call('HGET', e, 'status')
  local known = redis.call('HEXISTS', all, delivery) == 1
  local again = known and ARGV[7] == '1' and redis.call('ZSCORE', done, delivery)
  if status == 'disabled' then
    redis.call('HSETNX', e, 'missed_from', ARGV[8])
  elseif status and (not known or again) then
    if redis.call('ZCARD', due) >= tonumber(ARGV[6]) then
      redis.call('HSET', e, 'status', 'disabled', 'reason', 'queue-full', 'disabled_at', ms)
      redis.call('HSETNX', e, 'missed_from', ARGV[8])
      full[#full + 1] = id
    else
      redis.call('ZREM', done, delivery)
      redis.call('HSET', all, delivery, record)
      redis.call('ZADD', due, ms, delivery)
      redis.call('ZADD', KEYS[2], 'LT', ms, id)
    end
  end
end
redis.call('HSET', KEYS[1], 'cursor', ARGV[3], 'part', ARGV[4])
return full
"""

TAKE: Final = """#!lua
-- KEYS the five of the endpoint, waiting
-- ARGV 1 id 2 ms 3 lease 4 at once 5 failures that open the breaker
-- Answers delivery, record, delivery, record ... that are ours until the lease runs out
redis.call('ZCARD', KEYS[6])
local ms = tonumber(ARGV[2])
local e = redis.call('HMGET', KEYS[1], 'status', 'failures', 'open_until', 'ping')
local status, failures, open_until = e[1], tonumber(e[2] or '0'), tonumber(e[3] or '0')
if not status or status == 'disabled' then redis.call('ZREM', KEYS[6], ARGV[1]) return {} end
for _, delivery in ipairs(redis.call('ZRANGEBYSCORE', KEYS[3], '-inf', ms)) do
  redis.call('ZREM', KEYS[3], delivery)
  redis.call('ZADD', KEYS[2], ms, delivery)
end
local most = tonumber(ARGV[4])
if failures >= tonumber(ARGV[5]) or status == 'pending' then most = 1 end
local free = most - redis.call('ZCARD', KEYS[3])
local taken = {}
if free > 0 and open_until <= ms then
  local ready
  if status == 'pending' then
    local at = e[4] and redis.call('ZSCORE', KEYS[2], e[4])
    ready = (at and tonumber(at) <= ms) and {e[4]} or {}
  else
    ready = redis.call('ZRANGEBYSCORE', KEYS[2], '-inf', ms, 'LIMIT', 0, free)
  end
  for _, delivery in ipairs(ready) do
    redis.call('ZREM', KEYS[2], delivery)
    redis.call('ZADD', KEYS[3], ms + tonumber(ARGV[3]), delivery)
    taken[#taken + 1] = delivery
    taken[#taken + 1] = redis.call('HGET', KEYS[4], delivery) or ''
  end
end
local wake = redis.call('ZRANGE', KEYS[3], 0, 0, 'WITHSCORES')[2]
wake = wake and tonumber(wake)
if redis.call('ZCARD', KEYS[3]) < most then
  local due
  if status == 'pending' then due = e[4] and redis.call('ZSCORE', KEYS[2], e[4])
  else due = redis.call('ZRANGE', KEYS[2], 0, 0, 'WITHSCORES')[2] end
  if due then
    due = math.max(tonumber(due), open_until)
    wake = wake and math.min(wake, due) or due
  end
end
if wake then redis.call('ZADD', KEYS[6], wake, ARGV[1]) else redis.call('ZREM', KEYS[6], ARGV[1]) end
return taken
"""

FINISH: Final = """#!lua flags=allow-oom
-- KEYS the five of the endpoint, waiting
-- ARGV 1 id 2 delivery 3 ms 4 record 5 due ms, or -1 when it is over 6 answered well(0|1), '' not asked
--      7 endpoint closed until ms
--      8 failures that open the breaker 9 first pause ms 10 longest pause ms 11 ms of failures that disable
--      12 reason to disable now|'' 13 most done that are kept
-- Answers 'late' when it was not ours any more, the reason when the endpoint became disabled by it, else ''
redis.call('ZCARD', KEYS[6])
local ms = tonumber(ARGV[3])
if redis.call('ZREM', KEYS[3], ARGV[2]) == 0 then return 'late' end
redis.call('HSET', KEYS[4], ARGV[2], ARGV[4])
if tonumber(ARGV[5]) >= 0 then
  redis.call('ZADD', KEYS[2], ARGV[5], ARGV[2])
else
  redis.call('ZADD', KEYS[5], ms, ARGV[2])
  local over = redis.call('ZCARD', KEYS[5]) - tonumber(ARGV[13])
  if over > 0 then
    local old = redis.call('ZPOPMIN', KEYS[5], over)
    for i = 1, #old, 2 do redis.call('HDEL', KEYS[4], old[i]) end
  end
end
local e = redis.call('HMGET', KEYS[1], 'status', 'ping', 'failing_since')
local reason = ARGV[12]
if ARGV[6] == '1' then
  redis.call('HDEL', KEYS[1], 'failing_since', 'open_until', 'failures')
  if e[1] == 'pending' and e[2] == ARGV[2] then redis.call('HSET', KEYS[1], 'status', 'active', 'verified', 1) end
elseif ARGV[6] == '0' then
  local failures = redis.call('HINCRBY', KEYS[1], 'failures', 1)
  local since = tonumber(e[3] or ms)
  redis.call('HSETNX', KEYS[1], 'failing_since', ms)
  local open = tonumber(ARGV[7])
  local beyond = failures - tonumber(ARGV[8])
  if beyond >= 0 then
    open = math.max(open, ms + math.min(tonumber(ARGV[9]) * 2 ^ math.min(beyond, 20), tonumber(ARGV[10])))
  end
  if open > ms then redis.call('HSET', KEYS[1], 'open_until', string.format('%.0f', open)) end
  if reason == '' and ms - since >= tonumber(ARGV[11]) then reason = 'failing' end
end
redis.call('ZADD', KEYS[6], 'LT', ms, ARGV[1])
if reason == '' or e[1] == 'disabled' then return '' end
redis.call('HSET', KEYS[1], 'status', 'disabled', 'reason', reason, 'disabled_at', ms)
return reason
"""

ENABLE: Final = """#!lua
-- KEYS the five of the endpoint, waiting
-- ARGV 1 id 2 ms: what waits is due at once; answers the cursor from which events were missed, '' when none, or false
redis.call('ZCARD', KEYS[6])
if redis.call('EXISTS', KEYS[1]) == 0 then return false end
local e = redis.call('HMGET', KEYS[1], 'missed_from', 'verified', 'status')
if e[3] == 'disabled' then redis.call('HSET', KEYS[1], 'status', e[2] and 'active' or 'pending') end
redis.call('HDEL', KEYS[1], 'reason', 'disabled_at', 'failing_since', 'failures', 'open_until', 'missed_from')
for _, delivery in ipairs(redis.call('ZRANGE', KEYS[2], 0, -1)) do redis.call('ZADD', KEYS[2], ARGV[2], delivery) end
redis.call('ZADD', KEYS[6], ARGV[2], ARGV[1])
return e[1] or ''
"""

AGAIN: Final = """#!lua
-- KEYS the five of the endpoint, waiting
-- ARGV 1 id 2 delivery 3 record 4 ms 5 also when it is new(0|1): due at once under the same id; answers 1, or 0
redis.call('ZCARD', KEYS[6])
if redis.call('EXISTS', KEYS[1]) == 0 then return 0 end
if ARGV[5] == '0' and redis.call('HEXISTS', KEYS[4], ARGV[2]) == 0 then return 0 end
if not redis.call('ZSCORE', KEYS[3], ARGV[2]) then
  redis.call('ZREM', KEYS[5], ARGV[2])
  redis.call('HSET', KEYS[4], ARGV[2], ARGV[3])
  redis.call('ZADD', KEYS[2], ARGV[4], ARGV[2])
end
redis.call('ZADD', KEYS[6], 'LT', ARGV[4], ARGV[1])
return 1
"""

FORGET: Final = """#!lua flags=allow-oom
-- KEYS the five of the endpoint, waiting, its replay, replays  ARGV id
redis.call('ZREM', KEYS[6], ARGV[1])
redis.call('SREM', KEYS[8], ARGV[1])
return redis.call('DEL', KEYS[1], KEYS[2], KEYS[3], KEYS[4], KEYS[5], KEYS[7])
"""
