"""Every Redis key name but those of streams, which `shared.topology` holds. All carry the partition's hash tag."""

from __future__ import annotations

import hashlib
from typing import Final

from shared.topology import PARTITION

_P: Final = f"{{{PARTITION}}}"

ARTICLE_PREFIX: Final = f"{_P}:article:"


def article(article_id: str) -> str:
    """Hash: the store record of one article."""
    return f"{ARTICLE_PREFIX}{article_id}"


def model(name: str) -> str:
    """Hash: a learned model and its version."""
    return f"{_P}:model:{name}"


def idempotency(owner: str, key: str) -> str:
    """String with a time to live: the outcome of one accepted request of one owner."""
    return f"{_P}:idempotency:{owner}:{key}"


def api_key(key_id: str) -> str:
    """Hash: one API key's secret hash, name, scopes and dates."""
    return f"{_P}:api-key:{key_id}"


API_KEYS: Final = f"{_P}:api-keys"
"""Set of the ids of all API keys."""


def heartbeat(service: str, consumer: str) -> str:
    """String with a time to live: one worker's last sign of life, as JSON."""
    return f"{_P}:heartbeat:{service}:{consumer}"


def started(stream_name: str) -> str:
    """Hash: entry id of a suspect -> how many processes began it and did not come back."""
    return f"{_P}:started:{stream_name}"


def lock(name: str) -> str:
    """String with a time to live: a named lock, holding its owner's token."""
    return f"{_P}:lock:{name}"


def reindex(request_id: str) -> str:
    """Hash with a time to live: one reindex request and how far it got."""
    return f"{_P}:reindex:{request_id}"


SUBSCRIPTIONS: Final = f"{_P}:subscriptions"
"""Hash: subscription id -> its record, as JSON."""
BROAD_SUBSCRIPTIONS: Final = f"{_P}:subscriptions-broad"
"""Set of the ids of subscriptions without a required term."""
SUBSCRIPTION_CHANGES: Final = f"{_P}:subscriptions-changed"
"""Stream, bounded: which subscription changed. Not part of the flow: it carries ids of settings, never of articles."""
SUBSCRIPTION_COUNT: Final = f"{_P}:subscriptions-count"
"""Counter of all changes ever: how a follower knows that it missed some."""


def subscriptions_of(owner: str) -> str:
    """Sorted set: ids of one API key's subscriptions, by time of creation in ms."""
    return f"{_P}:subscriptions-of:{owner}"


def source(source_id: str) -> str:
    """Hash: one source of articles; `spec` as an operator wrote it, `state` of its polls, both JSON."""
    return f"{_P}:source:{source_id}"


def source_counts(source_id: str) -> str:
    """Hash: `published_total` and `dead_total` of a source, `published` and `dead` of its newest `poll`, and the newest
    dead letter as `dead_reason`, `dead_at`, `dead_article`.
    """
    return f"{_P}:source-counts:{source_id}"


SOURCES: Final = f"{_P}:sources"
"""Sorted set of the ids of all sources, all with score 0, so that they can be read in pages."""
SOURCES_DUE: Final = f"{_P}:sources-due"
"""Sorted set: source id -> milliseconds at which it is polled next; a stopped source is absent."""
SOURCE_LEASES: Final = f"{_P}:source-leases"
"""Hash: source id -> token of the poller that took it."""


def host(name: str) -> str:
    """String with a time to live: somebody speaks to this host now, or did a moment ago."""
    return f"{_P}:host:{name}"


INDEX_WRITES: Final = f"{_P}:index-writes"
"""Hash: name of a batch that the search engine took and has not decided -> its record, as JSON."""
INDEX_INCOMPLETE: Final = f"{_P}:index-incomplete"
"""String: since when the index lacks articles; there until a rebuild is done."""


GROUPS: Final = f"{_P}:groups"
"""Hash: where the archive of copies and stories stands; its version changes with every decision."""

GROUP_TERMS: Final = f"{_P}:groups:terms"
"""Hash: bucket of terms -> how many articles hold one of them."""


def group_probes(number: int) -> str:
    """Hash of one slice of articles: probe -> the ids of those that have it, one after the other."""
    return f"{_P}:groups:probes:{number}"


def group_copies(article_id: str) -> str:
    """Set: ids of the copies of one article."""
    return f"{_P}:copies:{article_id}"


def story(story_id: str) -> str:
    """Hash: one story, or where it went."""
    return f"{_P}:story:{story_id}"


WEBHOOK_PREFIX: Final = f"{_P}:webhook-"
WEBHOOK_STATE: Final = f"{WEBHOOK_PREFIX}state"
"""Hash: how far notify has read the public log (`cursor`, `part`), up to where the hub has looked at every topic
(`hub`), and when notify last gave a sign of life (`seen`, Unix ms)."""
WEBHOOK_WAITING: Final = f"{WEBHOOK_PREFIX}waiting"
"""Sorted set: endpoint -> milliseconds at which it has something to send, or has to be looked at."""
WEBHOOK_REPLAYS: Final = f"{WEBHOOK_PREFIX}replays"
"""Set of the ids of endpoints for which a part of the log is delivered again."""


WEBSUB_FOLLOWERS: Final = f"{WEBHOOK_PREFIX}followers"
"""Set of the ids of everybody who follows a feed, or asked to."""
WEBSUB_TOPICS: Final = f"{WEBHOOK_PREFIX}topics"
"""Set of the URLs of feeds that somebody follows."""


def websub_topic(part: str, topic: str) -> str:
    """One followed feed's `followers` (set of ids) or `content` (hash: what it said last)."""
    return f"{WEBHOOK_PREFIX}topic-{part}:{hashlib.sha256(topic.encode()).hexdigest()[:40]}"


def webhook(part: str, endpoint_id: str) -> str:
    """One endpoint's `endpoint` (hash), `due` and `leased` (sorted sets: delivery -> ms), `deliveries` (hash: delivery
    -> its record), `done` (sorted set: delivery -> ms), `replay` (hash: the part of the log and how far it got).
    """
    return f"{WEBHOOK_PREFIX}{part}:{endpoint_id}"
