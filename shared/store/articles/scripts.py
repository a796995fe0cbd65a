"""The commit unit: every change of an article is one of these scripts, so there is no dual write anywhere.

Redis does not roll a script back, so each script touches every key read-only first (a key of the wrong type fails
there) and writes last. `#!lua` lets Redis refuse the whole script when it is out of memory or read-only;
the finishing scripts carry `allow-oom`, because finishing work is how a full store drains.
"""

from __future__ import annotations

from typing import Final

ACCEPT: Final = """#!lua
-- KEYS article, stream, idempotency
-- ARGV 1 fingerprint 2 keep_s 3 content_digest 4 producer_version|'' 5 received_at 6 kind 7 raw 8 raw_sha256
--      9 head and 10 tail of the envelope, around the revision
local seen = redis.call('GET', KEYS[3])
if seen then
  local fingerprint, rev = string.match(seen, '^(%S+) (%d+)$')
  if fingerprint ~= ARGV[1] then return {'key-reused', 0} end
  return {'replayed', tonumber(rev)}
end
local old = redis.call('HMGET', KEYS[1], 'rev', 'digest', 'pver', 'first_received_at', 'state')
redis.call('XLEN', KEYS[2])
local rev = tonumber(old[1] or '0')
if old[5] == 'retracted' then return {'retracted', rev} end
if rev > 0 and old[2] == ARGV[3] then
  redis.call('SET', KEYS[3], ARGV[1] .. ' ' .. rev, 'EX', ARGV[2])
  return {'unchanged', rev}
end
if ARGV[4] ~= '' and old[3] and old[3] ~= '' and tonumber(ARGV[4]) <= tonumber(old[3]) then
  return {'stale', rev}
end
rev = rev + 1
redis.call('HSET', KEYS[1], 'rev', rev, 'digest', ARGV[3], 'pver', ARGV[4], 'received_at', ARGV[5],
  'first_received_at', old[4] or ARGV[5], 'kind', ARGV[6], 'raw', ARGV[7], 'raw_sha256', ARGV[8])
redis.call('HSETNX', KEYS[1], 'state', 'received')
redis.call('XADD', KEYS[2], '*', '__data__', ARGV[9] .. rev .. ARGV[10])
redis.call('SET', KEYS[3], ARGV[1] .. ' ' .. rev, 'EX', ARGV[2])
return {'accepted', rev}
"""

ENRICHED: Final = """#!lua flags=allow-oom
-- KEYS article, in-stream, out-stream
-- ARGV 1 group 2 entry 3 rev 4 doc 5 doc_sha256 6 provenance 7 enriched_at 8 envelope
local old = redis.call('HMGET', KEYS[1], 'rev', 'doc_rev')
redis.call('XLEN', KEYS[3])
if redis.call('XACK', KEYS[2], ARGV[1], ARGV[2]) ~= 1 then return 0 end
local rev = tonumber(ARGV[3])
if rev ~= tonumber(old[1] or '0') or rev <= tonumber(old[2] or '0') then return 0 end
redis.call('HSET', KEYS[1], 'doc', ARGV[4], 'doc_sha256', ARGV[5], 'doc_rev', rev, 'provenance', ARGV[6],
  'enriched_at', ARGV[7])
redis.call('XADD', KEYS[3], '*', '__data__', ARGV[8])
return 1
"""

PUBLISHED: Final = """#!lua flags=allow-oom
-- KEYS article, in-stream, log, story (or the article again)
-- ARGV 1 group 2 rev 3 first(0|1) 4 published_at 5 envelope|'' 6 envelope of the story|'' 7 story known(0|1)
--      8.. entries
local old = redis.call('HMGET', KEYS[1], 'pub_rev', 'state')
redis.call('XLEN', KEYS[3])
local shown = tonumber(old[1] or '0')
local gone = old[2] == 'withdrawn' or old[2] == 'retracted'
local news = ARGV[5] ~= '' and tonumber(ARGV[2]) > shown and not gone
if news and (shown == 0) ~= (ARGV[3] == '1') then return false end
if news and ARGV[6] ~= '' and (redis.call('HGET', KEYS[4], 'announced') == '1') ~= (ARGV[7] == '1') then
  return false
end
for i = 8, #ARGV do redis.call('XACK', KEYS[2], ARGV[1], ARGV[i]) end
if not news then return false end
local id = redis.call('XADD', KEYS[3], '*', '__data__', ARGV[5])
redis.call('HSET', KEYS[1], 'pub_rev', ARGV[2], 'published_at', ARGV[4], 'pub_id', id, 'state', 'published')
redis.call('HDEL', KEYS[1], 'told')
if ARGV[6] ~= '' then
  redis.call('XADD', KEYS[3], '*', '__data__', ARGV[6])
  redis.call('HSET', KEYS[4], 'announced', '1')
  redis.call('HDEL', KEYS[1], 'change')
end
return id
"""

BURY: Final = """#!lua flags=allow-oom
-- KEYS in-stream, dead-stream[, article]
-- ARGV 1 group 2 entry 3 reason 4 rule 5 attempts 6 at 7 rev|''
redis.call('XLEN', KEYS[2])
local old = KEYS[3] and redis.call('HMGET', KEYS[3], 'rev', 'state') or {}
local found = redis.call('XRANGE', KEYS[1], ARGV[2], ARGV[2])
if redis.call('XACK', KEYS[1], ARGV[1], ARGV[2]) ~= 1 then return false end
local fields = found[1] and found[1][2] or {}
local dead = {'dead_stream', KEYS[1], 'dead_id', ARGV[2], 'dead_group', ARGV[1], 'dead_reason', ARGV[3],
  'dead_rule', ARGV[4], 'dead_attempts', ARGV[5], 'dead_at', ARGV[6]}
for i = 1, math.min(#fields, 4000) do dead[#dead + 1] = fields[i] end
local id = redis.call('XADD', KEYS[2], '*', unpack(dead))
if old[1] and ARGV[7] ~= '' and old[1] == ARGV[7] then
  redis.call('HSET', KEYS[3], 'rejected_rev', ARGV[7], 'reason', ARGV[3])
  if old[2] == 'received' then redis.call('HSET', KEYS[3], 'state', 'rejected') end
end
return id
"""

REVIVE: Final = """#!lua flags=allow-oom
-- KEYS dead-stream, in-stream
-- ARGV 1 dead entry: move its original fields back to the stage it died in; false when it is gone
local found = redis.call('XRANGE', KEYS[1], ARGV[1], ARGV[1])
redis.call('XLEN', KEYS[2])
if not found[1] then return false end
local fields, kept = found[1][2], {}
for i = 1, #fields, 2 do
  if string.sub(fields[i], 1, 5) ~= 'dead_' then
    kept[#kept + 1] = fields[i]; kept[#kept + 1] = fields[i + 1]
  end
end
if #kept == 0 then return redis.error_reply('NOBODY the entry has no original fields left to retry') end
redis.call('XDEL', KEYS[1], ARGV[1])
return redis.call('XADD', KEYS[2], '*', unpack(kept))
"""

GROUPED: Final = """#!lua flags=allow-oom
-- KEYS 1 article 2 groups 3 terms 4 probes now 5 probes too old 6 story 7 copies .. merged stories .. moved articles
-- ARGV 1 version 2 id 3 rev 4 story|'' 5 duplicate|'' 6 change|'' 7 why 8 slice 9 members|'' 10 order of the story
--      11 merged 12 moved 13 excerpts of it [[id, duplicate]] 14 prefix of articles 15 of copies
--      (one hash tag: one slot) 16 probes .. probes .. terms to count
local old = redis.call('HMGET', KEYS[2], 'version', 'slice')
if (old[1] or '0') ~= ARGV[1] then return 0 end
redis.call('HLEN', KEYS[3]); redis.call('HLEN', KEYS[4]); redis.call('HLEN', KEYS[6]); redis.call('SCARD', KEYS[7])
local function copy_no_more(article, id)
  local dup = redis.call('HGET', article, 'dup') or ''
  if dup ~= '' then redis.call('SREM', ARGV[15] .. cjson.decode(dup)['article_id'], id) end
end
local order = redis.call('HINCRBY', KEYS[2], 'order', 1)
redis.call('HINCRBY', KEYS[2], 'version', 1)
if (old[2] or '0') ~= ARGV[8] then
  redis.call('HSET', KEYS[2], 'slice', ARGV[8], 'in_slice', 0)
  redis.call('UNLINK', KEYS[5])
end
redis.call('HINCRBY', KEYS[2], 'in_slice', 1)
redis.call('HSETNX', KEYS[1], 'group_order', order)
copy_no_more(KEYS[1], ARGV[2])
redis.call('HSET', KEYS[1], 'group_rev', ARGV[3], 'story', ARGV[4], 'dup', ARGV[5], 'why', ARGV[7])
if ARGV[6] ~= '' then redis.call('HSET', KEYS[1], 'change', ARGV[6]) end
if ARGV[5] ~= '' then redis.call('SADD', KEYS[7], ARGV[2]) end
for _, excerpt in ipairs(cjson.decode(ARGV[13])) do
  local article = ARGV[14] .. excerpt[1]
  copy_no_more(article, excerpt[1])
  redis.call('HSET', article, 'dup', excerpt[2])
  redis.call('SADD', KEYS[7], excerpt[1])
end
local merged, moved, probes = tonumber(ARGV[11]), tonumber(ARGV[12]), tonumber(ARGV[16])
if ARGV[9] ~= '' then redis.call('HSET', KEYS[6], 'members', ARGV[9], 'order', ARGV[10]) end
for i = 8, 7 + merged do redis.call('HSET', KEYS[i], 'into', ARGV[4], 'members', '[]') end
for i = 8 + merged, 7 + merged + moved do redis.call('HSET', KEYS[i], 'story', ARGV[4]) end
for i = 17, 16 + probes do
  local ids = redis.call('HGET', KEYS[4], ARGV[i]) or ''
  redis.call('HSET', KEYS[4], ARGV[i], string.sub(ids, -26 * 63) .. ARGV[2])
end
if #ARGV > 16 + probes then redis.call('HINCRBY', KEYS[2], 'documents', 1) end
for i = 17 + probes, #ARGV do redis.call('HINCRBY', KEYS[3], ARGV[i], 1) end
return 1
"""

LEFT: Final = """#!lua flags=allow-oom
-- KEYS 1 article 2 groups
-- ARGV 1 id 2 prefix of articles 3 prefix of stories 4 prefix of copies (one hash tag: one slot)
local own = redis.call('HMGET', KEYS[1], 'story', 'dup')
local changed = {}
for id in string.gmatch(redis.call('HGET', KEYS[1], 'left') or '', '%S+') do changed[#changed + 1] = id end
if own[1] and own[1] ~= '' then
  local story = ARGV[3] .. own[1]
  local members = cjson.decode(redis.call('HGET', story, 'members') or '[]')
  local kept = {}
  for _, member in ipairs(members) do if member[1] ~= ARGV[1] then kept[#kept + 1] = member end end
  redis.call('HSET', story, 'members', #kept > 0 and cjson.encode(kept) or '[]')
end
if own[2] and own[2] ~= '' then redis.call('SREM', ARGV[4] .. cjson.decode(own[2])['article_id'], ARGV[1]) end
local copies = redis.call('SMEMBERS', ARGV[4] .. ARGV[1])
local first, lowest
for _, id in ipairs(copies) do
  local order = tonumber(redis.call('HGET', ARGV[2] .. id, 'group_order') or '0')
  if not lowest or order < lowest then first, lowest = id, order end
end
for _, id in ipairs(copies) do
  local key = ARGV[2] .. id
  if id == first then
    redis.call('HSET', key, 'dup', '')
  else
    local dup = cjson.decode(redis.call('HGET', key, 'dup'))
    dup['article_id'] = first
    redis.call('HSET', key, 'dup', cjson.encode(dup))
    redis.call('SADD', ARGV[4] .. first, id)
  end
  changed[#changed + 1] = id
end
redis.call('DEL', ARGV[4] .. ARGV[1])
redis.call('HDEL', KEYS[1], 'story', 'dup', 'change', 'group_rev', 'why')
if #changed > 0 then redis.call('HSET', KEYS[1], 'left', table.concat(changed, ' ')) end
redis.call('HINCRBY', KEYS[2], 'version', 1)
return changed
"""

CHANGED: Final = """#!lua flags=allow-oom
-- KEYS article, stream, idempotency
-- ARGV 1 fingerprint 2 keep_s 3 verb 4 doc_rev seen 5 at 6 by 7 reason 8 what stays|''
--      9 head and 10 tail of the envelope, around the revision
local old = redis.call('HMGET', KEYS[1], 'rev', 'state', 'doc_rev', 'acts')
local state, rev, verb = old[2] or '', tonumber(old[1] or '0'), ARGV[3]
local seen = redis.call('GET', KEYS[3])
if seen then
  local fingerprint, known = string.match(seen, '^(%S+) (%d+)$')
  if fingerprint ~= ARGV[1] then return {'key-reused', 0, ''} end
  return {'replayed', tonumber(known), state}
end
redis.call('XLEN', KEYS[2])
if rev == 0 then return {'unknown', 0, ''} end
local to = {withdraw = 'withdrawn', retract = 'retracted', restore = 'received'}
local fine = verb == 'restore' and state == 'withdrawn' or verb == 'retract' and state ~= 'retracted'
  or verb == 'withdraw' and state ~= 'withdrawn' and state ~= 'retracted'
if not fine then return {'wrong-state', rev, state} end
if verb ~= 'restore' and (old[3] or '0') ~= ARGV[4] then return {'moved', rev, state} end
local acts = cjson.decode(old[4] or '[]')
while #acts >= 20 do table.remove(acts, 1) end
rev = rev + 1
acts[#acts + 1] = {verb = verb, rev = rev, at = ARGV[5], by = ARGV[6], reason = ARGV[7]}
redis.call('HSET', KEYS[1], 'rev', rev, 'state', to[verb], 'acts', cjson.encode(acts))
if ARGV[8] ~= '' then redis.call('HSET', KEYS[1], 'remains', ARGV[8]) end
if verb == 'retract' then
  redis.call('HDEL', KEYS[1], 'raw', 'raw_sha256', 'doc', 'doc_sha256', 'provenance', 'digest', 'pver', 'reason',
    'rejected_rev')
end
redis.call('XADD', KEYS[2], '*', '__data__', ARGV[9] .. rev .. ARGV[10])
redis.call('SET', KEYS[3], ARGV[1] .. ' ' .. rev, 'EX', ARGV[2])
return {'accepted', rev, to[verb]}
"""

PASSED: Final = """#!lua flags=allow-oom
-- KEYS in-stream, out-stream
-- ARGV 1 group 2 entry 3 envelope
redis.call('XLEN', KEYS[2])
if redis.call('XACK', KEYS[1], ARGV[1], ARGV[2]) ~= 1 then return 0 end
redis.call('XADD', KEYS[2], '*', '__data__', ARGV[3])
return 1
"""

TAKEN: Final = """#!lua flags=allow-oom
-- KEYS article, in-stream, log
-- ARGV 1 group 2 state 3 envelope|'' 4.. entries
local old = redis.call('HMGET', KEYS[1], 'state', 'told')
redis.call('XLEN', KEYS[3])
for i = 4, #ARGV do redis.call('XACK', KEYS[2], ARGV[1], ARGV[i]) end
if old[1] ~= 'withdrawn' and old[1] ~= 'retracted' then return false end
if old[1] ~= ARGV[2] or old[2] == ARGV[2] then return false end
local id = ARGV[3] ~= '' and redis.call('XADD', KEYS[3], '*', '__data__', ARGV[3])
redis.call('HSET', KEYS[1], 'told', ARGV[2])
redis.call('HDEL', KEYS[1], 'left')
return id
"""
