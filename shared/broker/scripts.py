"""What happens to pending entries, one script each, so that no two workers can disagree about an entry.

All carry `allow-oom`: they only move or finish work that is already stored, which is how a full store drains.
"""

from __future__ import annotations

from typing import Final

CLAIM: Final = """#!lua flags=allow-oom
-- KEYS stream; ARGV 1 group 2 consumer 3 min_idle_ms 4.. entries
-- Claims the entries that are still idle; returns [[id, fields], ...]
return redis.call('XCLAIM', KEYS[1], ARGV[1], ARGV[2], ARGV[3], unpack(ARGV, 4))
"""

RECORD_STARTS: Final = """#!lua flags=allow-oom
-- KEYS started; ARGV entries: adds one start to the count of each
for i = 1, #ARGV do redis.call('HINCRBY', KEYS[1], ARGV[i], 1) end
return #ARGV
"""

DEFER: Final = """#!lua flags=allow-oom
-- KEYS stream, started; ARGV 1 group 2 consumer, then per entry: id, idle_ms, deliveries
-- Sets idle time and delivery count of the entries that this consumer still holds; deletes their start counts
local n = 0
for i = 3, #ARGV, 3 do
  local row = redis.call('XPENDING', KEYS[1], ARGV[1], ARGV[i], ARGV[i], 1)[1]
  if row and row[2] == ARGV[2] then
    redis.call('XCLAIM', KEYS[1], ARGV[1], ARGV[2], 0, ARGV[i], 'IDLE', ARGV[i + 1], 'RETRYCOUNT', ARGV[i + 2],
      'JUSTID')
    n = n + 1
  end
  redis.call('HDEL', KEYS[2], ARGV[i])
end
return n
"""

RENEW: Final = """#!lua flags=allow-oom
-- KEYS stream; ARGV 1 group 2 consumer 3.. entries: resets the idle time of those this consumer still holds
local n = 0
for i = 3, #ARGV do
  local row = redis.call('XPENDING', KEYS[1], ARGV[1], ARGV[i], ARGV[i], 1)[1]
  if row and row[2] == ARGV[2] then
    redis.call('XCLAIM', KEYS[1], ARGV[1], ARGV[2], 0, ARGV[i], 'JUSTID')
    n = n + 1
  end
end
return n
"""

TRIM: Final = """#!lua flags=allow-oom
-- KEYS stream; ARGV 1 oldest id to keep by age 2.. groups that must exist
-- Deletes entries older than that which every group has acknowledged; returns the number
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
if redis.call('EXISTS', KEYS[1]) == 0 then return 0 end
local floor, seen = ARGV[1], {}
for _, row in ipairs(redis.call('XINFO', 'GROUPS', KEYS[1])) do
  local group = {}
  for i = 1, #row, 2 do group[row[i]] = row[i + 1] end
  seen[group['name']] = true
  local pending = redis.call('XPENDING', KEYS[1], group['name'])
  floor = lower(floor, pending[1] > 0 and pending[2] or group['last-delivered-id'])
end
for i = 2, #ARGV do if not seen[ARGV[i]] then return 0 end end
return redis.call('XTRIM', KEYS[1], 'MINID', '~', floor)
"""

DELETE_IDLE_CONSUMERS: Final = """#!lua flags=allow-oom
-- KEYS stream; ARGV 1 group 2 idle_ms: deletes consumers that are idle and have no pending entries; returns the number
local deleted = 0
for _, row in ipairs(redis.call('XINFO', 'CONSUMERS', KEYS[1], ARGV[1])) do
  local consumer = {}
  for i = 1, #row, 2 do consumer[row[i]] = row[i + 1] end
  if consumer['pending'] == 0 and consumer['idle'] > tonumber(ARGV[2]) then
    redis.call('XGROUP', 'DELCONSUMER', KEYS[1], ARGV[1], consumer['name'])
    deleted = deleted + 1
  end
end
return deleted
"""
