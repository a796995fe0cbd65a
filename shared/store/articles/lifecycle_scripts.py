"""Lua commit scripts of withdrawal, retraction, restoration and the removal of correction notes."""

from __future__ import annotations

from shared.store.scripts import Arg, Args, Key, Script


class ChangeState(Script):
    """Commit an editorial action: new revision, state, audit record and event. Returns {status, rev, state}.

    Guarantees: one idempotency key acts at most once; a retraction erases the text in the same step.
    """

    article: Key
    stream: Key
    idempotency: Key
    source: Arg
    """The source that the caller checked; an article of another one answers `moved`."""
    fingerprint: Arg
    keep_seconds: Arg
    verb: Arg
    doc_rev: Arg
    """The revision of the article that the caller read; the result is `moved` if it changed."""
    at: Arg
    by: Arg
    reason: Arg
    ruling: Arg
    """The editor's ruling as stored; empty keeps what is stored."""
    remains: Arg
    """Tombstone data as JSON; empty keeps the stored data."""
    envelope_head: Arg
    envelope_tail: Arg
    ALLOW_OOM = True

    LUA = """
    local old = redis.call('HMGET', article, 'rev', 'state', 'doc_rev', 'acts', 'source')
    local state, rev = old[2] or '', tonumber(old[1] or '0')
    local known = redis.call('GET', idempotency)
    if known then
      local seen, at_rev = string.match(known, '^(%S+) (%d+)$')
      if seen ~= fingerprint then return {'key-reused', 0, ''} end
      return {'replayed', tonumber(at_rev), state}
    end
    redis.call('XLEN', stream)
    if rev == 0 then return {'unknown', 0, ''} end
    local target = ({withdraw = 'withdrawn', retract = 'retracted', restore = 'received'})[verb] or state
    local allowed = verb == 'restore' and state == 'withdrawn' or verb == 'retract' and state ~= 'retracted'
      or verb == 'withdraw' and state ~= 'withdrawn' and state ~= 'retracted'
      or (verb == 'original' or verb == 'not-a-copy') and state == 'published'
    if old[5] ~= source then return {'moved', rev, state} end
    if not allowed then return {'wrong-state', rev, state} end
    if verb ~= 'restore' and (old[3] or '0') ~= doc_rev then return {'moved', rev, state} end
    local acts = cjson.decode(old[4] or '[]')
    while #acts >= 20 do table.remove(acts, 1) end
    rev = rev + 1
    acts[#acts + 1] = {verb = verb, rev = rev, at = at, by = by, reason = reason}
    redis.call('HSET', article, 'rev', rev, 'state', target, 'acts', cjson.encode(acts))
    if remains ~= '' then redis.call('HSET', article, 'remains', remains) end
    if ruling ~= '' then redis.call('HSET', article, 'ruling', ruling) end
    if verb == 'retract' then
      redis.call('HDEL', article, 'raw', 'raw_sha256', 'doc', 'doc_sha256', 'provenance', 'digest', 'pver', 'reason',
        'rejected_rev', 'corrections', 'claim')
    end
    redis.call('XADD', stream, '*', '__data__', envelope_head .. rev .. envelope_tail)
    redis.call('SET', idempotency, fingerprint .. ' ' .. rev, 'EX', keep_seconds)
    return {'accepted', rev, target}
    """


class RemoveCorrection(Script):
    """Remove one correction note and publish the article again. Returns {status, rev}.

    Guarantees: a removed note stays removed, also if a producer repeats it; a repeated call returns `no-note` and
    changes nothing. A withdrawn article gets no new revision: it shows no notes until it is restored.
    """

    article: Key
    stream: Key
    source: Arg
    """The source that the caller checked; an article of another one answers `moved`."""
    note_rev: Arg
    """The revision that added the note."""
    earlier_note: Arg
    """The note of a document without a stored list, as JSON; empty if there is none."""
    at: Arg
    by: Arg
    envelope_head: Arg
    envelope_tail: Arg

    LUA = """
    local old = redis.call('HMGET', article, 'rev', 'state', 'corrections', 'source')
    redis.call('XLEN', stream)
    local rev = tonumber(old[1] or '0')
    if rev == 0 then return {'unknown', 0} end
    if old[4] ~= source then return {'moved', rev} end
    if old[2] == 'retracted' then return {'wrong-state', rev} end
    local notes = cjson.decode(old[3] or '[]')
    if earlier_note ~= '' and not old[3] then notes[1] = cjson.decode(earlier_note) end
    local removed = false
    for _, note in ipairs(notes) do
      if note.rev == tonumber(note_rev) and not note.removed_at then
        note.removed_at, note.removed_by, removed = at, by, true
      end
    end
    if not removed then return {'no-note', rev} end
    redis.call('HSET', article, 'corrections', cjson.encode(notes))
    if old[2] == 'withdrawn' then return {'accepted', rev} end
    rev = rev + 1
    redis.call('HSET', article, 'rev', rev)
    redis.call('XADD', stream, '*', '__data__', envelope_head .. rev .. envelope_tail)
    return {'accepted', rev}
    """


class MoveArticle(Script):
    """Give an article to another source: a new revision of the same text, the act and the event. Answers {status, rev}.

    Guarantees: one idempotency key moves at most once; an article that was changed since it was read answers `moved`.
    """

    article: Key
    stream: Key
    idempotency: Key
    fingerprint: Arg
    keep_seconds: Arg
    source: Arg
    """The source that the caller read."""
    rev: Arg
    """The revision that the caller read."""
    new_source: Arg
    content_digest: Arg
    raw: Arg
    raw_sha256: Arg
    at: Arg
    by: Arg
    reason: Arg
    note: Arg
    envelope_head: Arg
    envelope_tail: Arg

    LUA = """
    local old = redis.call('HMGET', article, 'rev', 'state', 'acts', 'source')
    local known = redis.call('GET', idempotency)
    redis.call('XLEN', stream)
    if known then
      local seen, at_rev = string.match(known, '^(%S+) (%d+)$')
      if seen ~= fingerprint then return {'key-reused', 0} end
      return {'replayed', tonumber(at_rev)}
    end
    if old[1] ~= rev or old[4] ~= source then return {'moved', tonumber(old[1] or '0')} end
    if old[2] == 'withdrawn' or old[2] == 'retracted' then return {'wrong-state', tonumber(rev)} end
    local acts, new_rev = cjson.decode(old[3] or '[]'), tonumber(rev) + 1
    while #acts >= 20 do table.remove(acts, 1) end
    acts[#acts + 1] = {verb = 'move', rev = new_rev, at = at, by = by, reason = reason, note = note}
    redis.call('HSET', article, 'rev', new_rev, 'digest', content_digest, 'pver', '', 'raw', raw,
      'raw_sha256', raw_sha256, 'source', new_source, 'acts', cjson.encode(acts))
    redis.call('HDEL', article, 'poll')
    redis.call('XADD', stream, '*', '__data__', envelope_head .. new_rev .. envelope_tail)
    redis.call('SET', idempotency, fingerprint .. ' ' .. new_rev, 'EX', keep_seconds)
    return {'accepted', new_rev}
    """


class ForwardEntry(Script):
    """Acknowledge an entry that needs no work in this stage and append its event for the next one. Returns 1 or 0.

    Guarantees: an entry is forwarded at most once.
    """

    in_stream: Key
    out_stream: Key
    group: Arg
    entry: Arg
    envelope: Arg
    ALLOW_OOM = True

    LUA = """
    redis.call('XLEN', out_stream)
    if redis.call('XACK', in_stream, group, entry) ~= 1 then return 0 end
    redis.call('XADD', out_stream, '*', '__data__', envelope)
    return 1
    """


class CommitRemoval(Script):
    """Acknowledge entries and append the tombstone of a removed article to the log. Returns its log id, or false.

    Guarantees: a removal is published at most once, and not after the article was restored.
    """

    article: Key
    in_stream: Key
    publications: Key
    group: Arg
    state: Arg
    envelope: Arg
    """Empty for an article that was never published."""
    entries: Args
    ALLOW_OOM = True

    LUA = """
    local old = redis.call('HMGET', article, 'state', 'told')
    redis.call('XLEN', publications)
    for _, entry in ipairs(entries) do redis.call('XACK', in_stream, group, entry) end
    if old[1] ~= 'withdrawn' and old[1] ~= 'retracted' then return false end
    if old[1] ~= state or old[2] == state then return false end
    local id = envelope ~= '' and redis.call('XADD', publications, '*', '__data__', envelope)
    redis.call('HSET', article, 'told', state)
    redis.call('HDEL', article, 'left')
    return id
    """
