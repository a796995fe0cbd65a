"""Lua commit scripts of accepting, enriching and publishing: each changes the article and appends its event.

No dual writes: a stage acknowledges its entry, writes the article and appends the next event atomically, so
redelivery, client retries and overlapping workers never create a duplicate.
"""

from __future__ import annotations

from typing import Final

from shared.store.scripts import Arg, Args, Key, Keys, Script

_COUNT_FOR_SOURCE: Final = """
local function count_for_source(poll, outcome, change)
  local counts, number = string.match(poll or '', '^(%S+) (%d+)$')
  if not counts then return nil end
  redis.pcall('HINCRBY', counts, outcome .. '_total', change)
  if redis.pcall('HGET', counts, 'poll') == number then redis.pcall('HINCRBY', counts, outcome, change) end
  return counts
end
"""
"""Counts the outcome of an article of a polled source: in total, and for its poll if that is the newest."""


class AcceptOriginal(Script):
    """Store an original as the next revision and append its event. Returns {status, rev, id}, see `AcceptOutcome`.

    Guarantees: one idempotency key creates at most one revision; equal content creates none; event and original are
    stored together. A correction note is appended to the notes of the article unless it repeats one.
    If `article` belongs to another source it is not changed and `own_article` is used. `no-source`: the record of that
    id was stored before records had a source; nothing was done.
    """

    article: Key
    own_article: Key
    """What the submission becomes where `article` belongs to another source."""
    stream: Key
    idempotency: Key
    article_id: Arg
    own_id: Arg
    source: Arg
    """The source of the submission; empty for none."""
    fingerprint: Arg
    keep_seconds: Arg
    content_digest: Arg
    producer_version: Arg
    """Empty if the producer sends none."""
    received_at: Arg
    kind: Arg
    raw: Arg
    raw_sha256: Arg
    correction: Arg
    """The note of this revision; empty if there is none."""
    most_notes: Arg
    owner: Arg
    """Id of the API key that sent this revision."""
    poll: Arg
    """The poll that found it, as `counts-key number`; empty for a producer's request."""
    envelope_head: Arg
    envelope_tail: Arg
    """The JSON of the event before and after its revision, which is assigned here."""

    LUA = """
    local function read(key)
      return redis.call('HMGET', key, 'rev', 'digest', 'pver', 'first_received_at', 'state', 'corrections', 'source')
    end
    local id, old = article_id, read(article)
    if old[1] and old[7] and old[7] ~= source then
      article, id = own_article, own_id
      old = read(article)
      if old[1] and old[7] ~= source then return {'foreign', tonumber(old[1]), id} end
    end
    if old[1] and not old[7] and old[5] ~= 'retracted' then return {'no-source', 0, id} end
    local known = redis.call('GET', idempotency)
    if known then
      local seen, rev = string.match(known, '^(%S+) (%d+)$')
      if seen ~= fingerprint then return {'key-reused', 0, id} end
      return {'replayed', tonumber(rev), id}
    end
    redis.call('XLEN', stream)
    local rev = tonumber(old[1] or '0')
    if old[5] == 'retracted' then return {'retracted', rev, id} end
    if rev > 0 and old[2] == content_digest then
      redis.call('SET', idempotency, fingerprint .. ' ' .. rev, 'EX', keep_seconds)
      return {'unchanged', rev, id}
    end
    if producer_version ~= '' and old[3] and old[3] ~= '' and tonumber(producer_version) <= tonumber(old[3]) then
      return {'stale', rev, id}
    end
    rev = rev + 1
    local notes, repeated = cjson.decode(old[6] or '[]'), false
    for _, note in ipairs(notes) do repeated = repeated or note.text == correction end
    if correction ~= '' and not repeated then
      while #notes >= tonumber(most_notes) do table.remove(notes, 1) end
      notes[#notes + 1] = {text = correction, at = received_at, rev = rev}
      redis.call('HSET', article, 'corrections', cjson.encode(notes))
    end
    redis.call('HSET', article, 'rev', rev, 'digest', content_digest, 'pver', producer_version,
      'received_at', received_at, 'first_received_at', old[4] or received_at, 'kind', kind,
      'raw', raw, 'raw_sha256', raw_sha256, 'owner', owner, 'source', source)
    redis.call('HSETNX', article, 'state', 'received')
    if poll ~= '' then redis.call('HSET', article, 'poll', poll) else redis.call('HDEL', article, 'poll') end
    if id ~= article_id then envelope_head = string.gsub(envelope_head, article_id, id) end
    redis.call('XADD', stream, '*', '__data__', envelope_head .. rev .. envelope_tail)
    redis.call('SET', idempotency, fingerprint .. ' ' .. rev, 'EX', keep_seconds)
    return {'accepted', rev, id}
    """


class CommitEnrichment(Script):
    """Acknowledge an entry, store its article and append its event. Returns 1, or 0 if nothing was done.

    Guarantees: an entry commits at most once, and an article is never replaced by an older revision. The note of a
    document without a stored list is kept as the first of the list.
    """

    article: Key
    in_stream: Key
    out_stream: Key
    group: Arg
    entry: Arg
    rev: Arg
    doc: Arg
    doc_sha256: Arg
    provenance: Arg
    enriched_at: Arg
    envelope: Arg
    earlier_note: Arg
    """The note of the replaced document as JSON; empty if there is none."""
    ALLOW_OOM = True

    LUA = """
    local old = redis.call('HMGET', article, 'rev', 'doc_rev', 'corrections')
    redis.call('XLEN', out_stream)
    if redis.call('XACK', in_stream, group, entry) ~= 1 then return 0 end
    local number = tonumber(rev)
    if number ~= tonumber(old[1] or '0') or number <= tonumber(old[2] or '0') then return 0 end
    redis.call('HSET', article, 'doc', doc, 'doc_sha256', doc_sha256, 'doc_rev', rev, 'provenance', provenance,
      'enriched_at', enriched_at)
    if earlier_note ~= '' then
      local notes, note = cjson.decode(old[3] or '[]'), cjson.decode(earlier_note)
      if #notes == 0 or notes[1].rev > note.rev then
        table.insert(notes, 1, note)
        redis.call('HSET', article, 'corrections', cjson.encode(notes))
      end
    end
    redis.call('XADD', out_stream, '*', '__data__', envelope)
    return 1
    """


class CommitPublication(Script):
    """Acknowledge entries and append the publication of a revision to the log. Returns its log id, or false.

    Guarantees: a revision is published at most once and never after its removal; its story event follows directly.
    False also if the state has changed since the caller read it; the entries then stay pending.
    """

    article: Key
    in_stream: Key
    publications: Key
    story: Key
    """The article key again if there is no story event."""
    group: Arg
    rev: Arg
    is_first: Arg
    published_at: Arg
    envelope: Arg
    """Empty to acknowledge only."""
    story_envelope: Arg
    is_story_known: Arg
    entries: Args
    ALLOW_OOM = True

    LUA = (
        _COUNT_FOR_SOURCE
        + """
    local old = redis.call('HMGET', article, 'pub_rev', 'state', 'poll', 'rejected_rev')
    redis.call('XLEN', publications)
    local shown = tonumber(old[1] or '0')
    local removed = old[2] == 'withdrawn' or old[2] == 'retracted'
    local is_news = envelope ~= '' and tonumber(rev) > shown and not removed
    if is_news and (shown == 0) ~= (is_first == '1') then return false end
    if is_news and story_envelope ~= ''
      and (redis.call('HGET', story, 'announced') == '1') ~= (is_story_known == '1') then return false end
    for _, entry in ipairs(entries) do redis.call('XACK', in_stream, group, entry) end
    if not is_news then return false end
    local id = redis.call('XADD', publications, '*', '__data__', envelope)
    redis.call('HSET', article, 'pub_rev', rev, 'published_at', published_at, 'pub_id', id, 'state', 'published')
    redis.call('HDEL', article, 'told')
    count_for_source(old[3], 'published', 1)
    if old[4] == rev then count_for_source(old[3], 'dead', -1) end
    if story_envelope ~= '' then
      redis.call('XADD', publications, '*', '__data__', story_envelope)
      redis.call('HSET', story, 'announced', '1')
      redis.call('HDEL', article, 'change')
    end
    return id
    """
    )


class DeadLetterEntry(Script):
    """Move an entry to the dead-letter stream with the reason. Answers false when it was acknowledged already, 1 when
    it was moved, 2 when its rejection was announced too.

    Guarantees: an entry is dead-lettered at most once, with its bytes; the newest revision of its article is marked as
    rejected and counted for its source in the same step, and its rejection is announced once.
    """

    in_stream: Key
    dead_stream: Key
    rejections: Key
    articles: Keys
    """The article that the entry refers to, if any."""
    group: Arg
    entry: Arg
    reason: Arg
    rule: Arg
    attempts: Arg
    at: Arg
    rev: Arg
    """Empty without an article."""
    rejection: Arg
    """The envelope of `article.rejected`; empty for none."""
    oldest_rejection: Arg
    """The oldest entry of `rejections` to keep."""
    ALLOW_OOM = True

    LUA = (
        _COUNT_FOR_SOURCE
        + """
    redis.call('XLEN', dead_stream)
    redis.call('XLEN', rejections)
    local article = articles[1]
    local old = article and redis.call('HMGET', article, 'rev', 'state', 'poll', 'rejected_rev') or {}
    local found = redis.call('XRANGE', in_stream, entry, entry)
    if redis.call('XACK', in_stream, group, entry) ~= 1 then return false end
    local fields = found[1] and found[1][2] or {}
    local dead = {'dead_stream', in_stream, 'dead_id', entry, 'dead_group', group, 'dead_reason', reason,
      'dead_rule', rule, 'dead_attempts', attempts, 'dead_at', at}
    for i = 1, math.min(#fields, 4000) do dead[#dead + 1] = fields[i] end
    redis.call('XADD', dead_stream, '*', unpack(dead))
    if old[1] and rev ~= '' and old[1] == rev then
      redis.call('HSET', article, 'rejected_rev', rev, 'reason', reason)
      local counts = old[4] ~= rev and count_for_source(old[3], 'dead', 1)
      if counts then redis.call('HSET', counts, 'dead_reason', reason, 'dead_at', at, 'dead_article', article) end
      if old[2] == 'received' then redis.call('HSET', article, 'state', 'rejected') end
      if old[4] ~= rev and rejection ~= '' then
        redis.call('XADD', rejections, 'MINID', '~', oldest_rejection, '*', '__data__', rejection)
        return 2
      end
    end
    return 1
    """
    )


class RetryDeadLetter(Script):
    """Append the original fields of a dead letter to its stream again. Returns the new id, or false if it is gone.

    Guarantees: a dead letter is retried at most once; one without original fields stays, with the error NOBODY.
    """

    dead_stream: Key
    in_stream: Key
    dead_entry: Arg
    ALLOW_OOM = True

    LUA = """
    local found = redis.call('XRANGE', dead_stream, dead_entry, dead_entry)
    redis.call('XLEN', in_stream)
    if not found[1] then return false end
    local fields, kept = found[1][2], {}
    for i = 1, #fields, 2 do
      if string.sub(fields[i], 1, 5) ~= 'dead_' then
        kept[#kept + 1] = fields[i]; kept[#kept + 1] = fields[i + 1]
      end
    end
    if #kept == 0 then return redis.error_reply('NOBODY the entry has no original fields left to retry') end
    redis.call('XDEL', dead_stream, dead_entry)
    return redis.call('XADD', in_stream, '*', unpack(kept))
    """
