"""All Redis key names except stream names (`shared.topology`). All contain the partition's hash tag."""

from __future__ import annotations

import hashlib
from typing import Final

from shared.topology import PARTITION

_P: Final = f"{{{PARTITION}}}"

ARTICLE_PREFIX: Final = f"{_P}:article:"


def article(article_id: str) -> str:
    """Hash: the record of one article."""
    return f"{ARTICLE_PREFIX}{article_id}"


def model(name: str) -> str:
    """Hash: a learned model and its version."""
    return f"{_P}:model:{name}"


def idempotency(owner: str, key: str) -> str:
    """String with TTL: the result of one accepted request of one owner."""
    return f"{_P}:idempotency:{owner}:{key}"


def api_key(key_id: str) -> str:
    """Hash: one API key's secret hash, name, scopes and dates."""
    return f"{_P}:api-key:{key_id}"


API_KEYS: Final = f"{_P}:api-keys"
"""Set of the ids of all API keys."""


def heartbeat(service: str, consumer: str) -> str:
    """String with TTL: the last heartbeat of one worker, as JSON."""
    return f"{_P}:heartbeat:{service}:{consumer}"


def started(stream_name: str) -> str:
    """Hash: entry id of a suspect -> number of processes that died while handling it."""
    return f"{_P}:started:{stream_name}"


def lock(name: str) -> str:
    """String with TTL: a named lock with its owner's token."""
    return f"{_P}:lock:{name}"


def reindex(request_id: str) -> str:
    """Hash with TTL: one reindex request and its progress."""
    return f"{_P}:reindex:{request_id}"


SUBSCRIPTIONS: Final = f"{_P}:subscriptions"
"""Hash: subscription id -> its record, as JSON."""
BROAD_SUBSCRIPTIONS: Final = f"{_P}:subscriptions-broad"
"""Set of the ids of subscriptions without a required term."""
SUBSCRIPTION_CHANGES: Final = f"{_P}:subscriptions-changed"
"""Bounded stream of changed subscription ids (the subscription change stream)."""
SUBSCRIPTION_COUNT: Final = f"{_P}:subscriptions-count"
"""Counter of all changes, by which a reader detects missed entries."""


def subscriptions_of(owner: str) -> str:
    """Sorted set: ids of one API key's subscriptions, by time of creation in ms."""
    return f"{_P}:subscriptions-of:{owner}"


def source(source_id: str) -> str:
    """Hash: one source; `spec` as configured, `state` of its polls, both JSON."""
    return f"{_P}:source:{source_id}"


def source_counts(source_id: str) -> str:
    """Hash: `published_total` and `dead_total` of a source, `published` and `dead` of its newest `poll`, and the newest
    dead letter as `dead_reason`, `dead_at`, `dead_article`.
    """
    return f"{_P}:source-counts:{source_id}"


SOURCES: Final = f"{_P}:sources"
"""Sorted set of all source ids, all with score 0, for paging."""
SOURCES_DUE: Final = f"{_P}:sources-due"
"""Sorted set: source id -> Unix ms of the next poll; stopped sources are absent."""
SOURCE_LEASES: Final = f"{_P}:source-leases"
"""Hash: source id -> token of the poller that leases it."""


def host(name: str) -> str:
    """String with TTL: lock of a host during a request and the pause after it."""
    return f"{_P}:host:{name}"


INDEX_WRITES: Final = f"{_P}:index-writes"
"""Hash: batch in flight at the search engine -> its record, as JSON."""
INDEX_INCOMPLETE: Final = f"{_P}:index-incomplete"
"""String: time since which the index is incomplete; deleted by a rebuild."""


GROUPS: Final = f"{_P}:groups"
"""Hash: state of copies and stories; its version increases with every decision."""

GROUP_TERMS: Final = f"{_P}:groups:terms"
"""Hash: term bucket -> number of articles with one of its terms."""


def group_probes(number: int) -> str:
    """Hash of one slice of articles: probe -> concatenated ids of the articles with it."""
    return f"{_P}:groups:probes:{number}"


def group_copies(article_id: str) -> str:
    """Set: ids of the copies of one article."""
    return f"{_P}:copies:{article_id}"


def story(story_id: str) -> str:
    """Hash: one story, or the id it was merged into."""
    return f"{_P}:story:{story_id}"


WEBHOOK_PREFIX: Final = f"{_P}:webhook-"
WEBHOOK_STATE: Final = f"{WEBHOOK_PREFIX}state"
"""Hash: notify's checkpoint in the public log (`cursor`, `part`), the cursor up to which the hub checked all topics
(`hub`), and notify's last heartbeat (`seen`, Unix ms)."""
WEBHOOK_WAITING: Final = f"{WEBHOOK_PREFIX}waiting"
"""Sorted set: endpoint -> Unix ms at which a delivery is due or the endpoint must be checked."""
WEBHOOK_REPLAYS: Final = f"{WEBHOOK_PREFIX}replays"
"""Set of the ids of endpoints with a replay."""


WEBSUB_SUBSCRIBERS: Final = f"{WEBHOOK_PREFIX}followers"
"""Set of the ids of WebSub subscribers, unverified ones included."""
WEBSUB_TOPICS: Final = f"{WEBHOOK_PREFIX}topics"
"""Set of the URLs of feeds with subscribers."""


def websub_topic(part: str, topic: str) -> str:
    """`followers` (set of subscriber ids) or `content` (hash: last fetched content) of a topic."""
    return f"{WEBHOOK_PREFIX}topic-{part}:{hashlib.sha256(topic.encode()).hexdigest()[:40]}"


def webhook(part: str, endpoint_id: str) -> str:
    """`endpoint` (hash), `due` and `leased` (sorted sets: delivery -> ms), `deliveries` (hash: delivery -> record),
    `done` (sorted set: delivery -> ms) or `replay` (hash: range of the log and progress) of an endpoint.
    """
    return f"{WEBHOOK_PREFIX}{part}:{endpoint_id}"
