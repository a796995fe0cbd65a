"""Lua commit scripts of copies and stories."""

from __future__ import annotations

from shared.store.scripts import Arg, Args, Key, Keys, Script


class CommitGrouping(Script):
    """Store the decision on one article, made at `version`. Returns 1, or 0 if the version is outdated.

    Guarantees: decisions are serial; the article, its story, the index of copies and the probes change together.
    """

    article: Key
    groups: Key
    terms: Key
    probes: Key
    """The current slice of the probe index."""
    expired_probes: Key
    """The slice to delete when a new one starts."""
    story: Key
    copies: Key
    """Copies of the article that this one is a copy of."""
    merged_stories: Keys
    moved_articles: Keys
    version: Arg
    article_id: Arg
    rev: Arg
    story_id: Arg
    duplicate: Arg
    """JSON, or empty."""
    story_move: Arg
    """JSON, or empty."""
    why: Arg
    slice_number: Arg
    members: Arg
    """JSON, or empty if the story does not change."""
    story_order: Arg
    rule: Arg
    """Why the other article is the original; empty where there is none."""
    claim: Arg
    """The claim to be stored; empty keeps the stored one."""
    is_new_claim: Arg
    """Whether the article goes to the end of the order of texts."""
    new_copies: Arg
    """JSON: [[article id, duplicate, rule], ...]."""
    article_prefix: Arg
    copies_prefix: Arg
    article_probes: Args
    counted_terms: Args
    ALLOW_OOM = True

    LUA = """
    local old = redis.call('HMGET', groups, 'version', 'slice')
    if (old[1] or '0') ~= version then return 0 end
    redis.call('HLEN', terms); redis.call('HLEN', probes); redis.call('HLEN', story); redis.call('SCARD', copies)
    local function remove_copy(key, id)
      local dup = redis.call('HGET', key, 'dup') or ''
      if dup ~= '' then redis.call('SREM', copies_prefix .. cjson.decode(dup)['article_id'], id) end
    end
    local order = redis.call('HINCRBY', groups, 'order', 1)
    redis.call('HINCRBY', groups, 'version', 1)
    if (old[2] or '0') ~= slice_number then
      redis.call('HSET', groups, 'slice', slice_number, 'in_slice', 0)
      redis.call('UNLINK', expired_probes)
    end
    redis.call('HINCRBY', groups, 'in_slice', 1)
    redis.call(is_new_claim == '1' and 'HSET' or 'HSETNX', article, 'group_order', order)
    if claim ~= '' then redis.call('HSET', article, 'claim', claim) end
    remove_copy(article, article_id)
    redis.call('HSET', article, 'group_rev', rev, 'story', story_id, 'dup', duplicate, 'why', why, 'rule', rule)
    if story_move ~= '' then redis.call('HSET', article, 'change', story_move) end
    if duplicate ~= '' then redis.call('SADD', copies, article_id) end
    for _, copy in ipairs(cjson.decode(new_copies)) do
      local key = article_prefix .. copy[1]
      remove_copy(key, copy[1])
      redis.call('HSET', key, 'dup', copy[2], 'rule', copy[3])
      redis.call('SADD', copies, copy[1])
    end
    if members ~= '' then redis.call('HSET', story, 'members', members, 'order', story_order) end
    for _, key in ipairs(merged_stories) do redis.call('HSET', key, 'into', story_id, 'members', '[]') end
    for _, key in ipairs(moved_articles) do redis.call('HSET', key, 'story', story_id) end
    for _, probe in ipairs(article_probes) do
      local ids = redis.call('HGET', probes, probe) or ''
      redis.call('HSET', probes, probe, string.sub(ids, -26 * 63) .. article_id)
    end
    if #counted_terms > 0 then redis.call('HINCRBY', groups, 'documents', 1) end
    for _, term in ipairs(counted_terms) do redis.call('HINCRBY', terms, term, 1) end
    return 1
    """


class LeaveStory(Script):
    """Remove an article from its story and its copies. Returns the ids of articles to reindex.

    Guarantees: the oldest copy becomes the original of the others; a repeated call returns the same ids until the
    removal is published.
    """

    article: Key
    groups: Key
    article_id: Arg
    article_prefix: Arg
    story_prefix: Arg
    copies_prefix: Arg
    ALLOW_OOM = True

    LUA = """
    local own = redis.call('HMGET', article, 'story', 'dup', 'left')
    local changed = {}
    for id in string.gmatch(own[3] or '', '%S+') do changed[#changed + 1] = id end
    if own[1] and own[1] ~= '' then
      local story = story_prefix .. own[1]
      local kept = {}
      for _, member in ipairs(cjson.decode(redis.call('HGET', story, 'members') or '[]')) do
        if member[1] ~= article_id then kept[#kept + 1] = member end
      end
      redis.call('HSET', story, 'members', #kept > 0 and cjson.encode(kept) or '[]')
    end
    if own[2] and own[2] ~= '' then
      redis.call('SREM', copies_prefix .. cjson.decode(own[2])['article_id'], article_id)
    end
    local copies = redis.call('SMEMBERS', copies_prefix .. article_id)
    local first, lowest
    for _, id in ipairs(copies) do
      local order = tonumber(redis.call('HGET', article_prefix .. id, 'group_order') or '0')
      if not lowest or order < lowest then first, lowest = id, order end
    end
    for _, id in ipairs(copies) do
      local key = article_prefix .. id
      if id == first then
        redis.call('HSET', key, 'dup', '', 'rule', '')
      else
        local dup = cjson.decode(redis.call('HGET', key, 'dup'))
        dup['article_id'] = first
        redis.call('HSET', key, 'dup', cjson.encode(dup))
        redis.call('SADD', copies_prefix .. first, id)
      end
      changed[#changed + 1] = id
    end
    redis.call('DEL', copies_prefix .. article_id)
    redis.call('HDEL', article, 'story', 'dup', 'change', 'group_rev', 'why', 'rule')
    if #changed > 0 then redis.call('HSET', article, 'left', table.concat(changed, ' ')) end
    redis.call('HINCRBY', groups, 'version', 1)
    return changed
    """
