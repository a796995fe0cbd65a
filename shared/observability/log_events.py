"""The registry of log lines: every event name a service may log, and every key a line may carry.

Event names are `area.state`, in snake_case and past tense for what happened. Every structlog call in the product takes
its name from here (`tests/architecture/test_log_events.py`). `docs/operations.md` lists the names with their text.
"""

from __future__ import annotations

from typing import Final

# --- an article on its way ------------------------------------------------------------------------------------------
ARTICLE_ACCEPTED: Final = "article.accepted"
"""A revision and its event are stored durably."""
ARTICLE_CHANGE_ACCEPTED: Final = "article.change_accepted"
"""An editor's withdrawal, retraction or restoration is stored durably. `verb` says which."""
ARTICLE_ENRICHED: Final = "article.enriched"
"""The clean article is stored, and index has an entry for it."""
ARTICLE_INDEXED: Final = "article.indexed"
"""The search engine confirmed that the revision can be found."""
ARTICLE_PUBLISHED: Final = "article.published"
"""The event is in the public log. `type` is its event type, `cursor` its place."""
ARTICLE_TAKEN_DOWN: Final = "article.taken_down"
"""A withdrawal or retraction is in the public log; search no longer finds the article."""
ARTICLE_BROADCAST: Final = "article.broadcast"
"""Serve handed the event to `clients` open event streams."""
WEBHOOK_DELIVERED: Final = "webhook.delivered"
"""An endpoint answered 2xx to a delivery."""
ENTRY_DEAD_LETTERED: Final = "entry.dead_lettered"
"""An entry was moved to the dead-letter stream. `rule` says why. See `broadsheet dead list`."""

# --- ingest ---------------------------------------------------------------------------------------------------------
REQUEST_COMPLETED: Final = "request.completed"
"""Access line: one HTTP request. `skipped` counts lines that were left out before this one by the rate limit."""
BULK_LINE_FAILED: Final = "bulk.line_failed"
"""A line of a bulk upload hit an error of ours; the producer got `failed` for it."""
SOURCE_POLLED: Final = "source.polled"
"""A feed or sitemap was polled."""
SOURCE_POLL_DEFERRED: Final = "source.poll_deferred"
"""A poll stopped because Redis was unavailable; the source is due again."""
SOURCE_LEASE_EXPIRED: Final = "source.lease_expired"
"""A poll took longer than its lease; another process may poll the source as well."""
SOURCE_POLL_FAILED: Final = "source.poll_failed"
"""A poll hit an error of ours; report it."""

# --- consuming ------------------------------------------------------------------------------------------------------
WORKER_STARTED: Final = "worker.started"
"""The worker reads its stream."""
WORKER_STOPPED: Final = "worker.stopped"
"""The worker has drained and exits; `failed` says with which exit code."""
WORKER_PAUSED: Final = "worker.paused"
"""A dependency of the handler is unavailable; nothing is read until it answers. No entry is counted as failed."""
WORKER_FAILED: Final = "worker.failed"
"""The worker exits with code 1. `reason` is an error it cannot recover from."""
WORKER_TASK_FAILED: Final = "worker.task_failed"
"""A background task of the worker raised; the worker exits with code 1."""
WORKER_DRAIN_TIMEOUT: Final = "worker.drain_timeout"
"""Work in flight did not finish in time at shutdown. It stays pending and another worker reclaims it."""
HANDLER_FAILED: Final = "handler.failed"
"""A handler raised an unexpected exception; the batch is retried entry by entry."""
ENTRY_UNREADABLE: Final = "entry.unreadable"
"""An entry could not be decoded while it was dead-lettered; its article is not marked as rejected."""
ENTRY_NOT_SETTLED: Final = "entry.not_settled"
"""Redis refused to move or defer an entry; it stays pending and comes back."""
DEAD_LETTER_ARTICLE_KEY_CORRUPT: Final = "dead_letter.article_key_corrupt"
"""The article's key is damaged: the entry was dead-lettered without marking the article as rejected."""
DEAD_LETTER_RETRIED: Final = "dead_letter.retried"
"""Audit: an operator sent a dead letter back to its stage."""
DEAD_LETTER_DROPPED: Final = "dead_letter.dropped"
"""Audit: an operator deleted a dead letter."""
GROUP_RECREATED: Final = "group.recreated"
"""The consumer group was missing and was created again at 0. Was Redis emptied?"""
RECLAIM_FAILED: Final = "reclaim.failed"
"""Redis refused a round of reclaiming; the next round tries again."""
HOUSEKEEPING_SKIPPED: Final = "housekeeping.skipped"
"""Trimming and clean-up were skipped because Redis was unavailable."""

# --- dependencies ---------------------------------------------------------------------------------------------------
REDIS_UNAVAILABLE: Final = "redis.unavailable"
"""Redis does not answer or cannot write; the service backs off and retries. Check Redis and its disk."""
REDIS_RECOVERED: Final = "redis.recovered"
"""Redis answers again."""
STORE_UNAVAILABLE: Final = "store.unavailable"
"""`component` could not reach Redis, and retries after `seconds`."""
RECORD_CORRUPT: Final = "record.corrupt"
"""A stored article does not match its checksum; it is not served. Restore it or ingest it again."""
LEASE_RENEWAL_FAILED: Final = "lease.renewal_failed"
"""A lease could not be renewed; the process stops before another holder starts."""
SANDBOX_STARTED: Final = "sandbox.started"
"""A parser process was forked (debug)."""
SANDBOX_START_FAILED: Final = "sandbox.start_failed"
"""A parser process could not be forked; the next document tries again."""
SANDBOX_STARVED: Final = "sandbox.starved"
"""A parser got too little CPU to finish in time; the document is retried. The machine is overloaded."""

# --- index ----------------------------------------------------------------------------------------------------------
INDEX_OPENED: Final = "index.opened"
"""The search index is usable."""
INDEX_REBUILD_STARTED: Final = "index.rebuild_started"
"""The index is built from the store before anything is read."""
INDEX_REBUILD_PROGRESSED: Final = "index.rebuild_progressed"
"""`done` of `total` articles of a rebuild."""
INDEX_REBUILT: Final = "index.rebuilt"
"""The rebuild is complete and searchable."""
INDEX_UNAVAILABLE: Final = "index.unavailable"
"""The search engine or Redis does not answer at start; it is tried again after `seconds`."""
INDEX_MISSING: Final = "index.missing"
"""The index was deleted; it is rebuilt from the store."""
INDEX_REBUILD_REQUESTED: Final = "index.rebuild_requested"
"""A rebuild of a missing index was requested."""
INDEX_REBUILD_RUNNING: Final = "index.rebuild_running"
"""A rebuild runs already; no second one is started."""
INDEX_CHECK_FAILED: Final = "index.check_failed"
"""The search engine could not be asked whether the index exists."""
INDEX_PRUNED: Final = "index.pruned"
"""Indexes replaced more than a day ago were deleted."""
INDEX_WRITES_RESUMED: Final = "index.writes_resumed"
"""Batches that an earlier process sent are followed to their end."""
INDEX_QUEUE_FULL: Final = "index.queue_full"
"""The search engine accepts no more tasks; reading pauses."""
INDEX_TASK_POLL_FAILED: Final = "index.task_poll_failed"
"""The state of sent batches could not be read; it is asked again."""
INDEX_BATCH_LOST: Final = "index.batch_lost"
"""The search engine does not know a batch that it took; its articles are written again."""
INDEX_WRITE_NOT_RECORDED: Final = "index.write_not_recorded"
"""The record of a sent batch could not be stored; after a restart it is sent again, which is harmless."""
INDEX_WRITE_RECORD_NOT_DELETED: Final = "index.write_record_not_deleted"
"""The record of a finished batch could not be deleted."""
INDEX_WRITE_RECORD_CORRUPT: Final = "index.write_record_corrupt"
"""The record of a sent batch is damaged and was ignored."""
INDEX_ANNOUNCEMENT_CONTENDED: Final = "index.announcement_contended"
"""Other processes changed articles at each attempt to announce them; their entries come back."""
REINDEX_STARTED: Final = "reindex.started"
"""A requested rebuild began."""
REINDEX_FAILED: Final = "reindex.failed"
"""A requested rebuild failed; the old index stays."""
REINDEX_COMPLETED: Final = "reindex.completed"
"""A requested rebuild was swapped in."""
REINDEX_DOCUMENTS_REJECTED: Final = "reindex.documents_rejected"
"""The search engine rejected documents of a rebuild; the others are in the index."""
EMBEDDER_UNUSABLE: Final = "embedder.unusable"
"""The configured embedding model cannot be used; searches work by words alone."""
EMBEDDER_TRAINED: Final = "embedder.trained"
"""A new embedding model was trained on the store."""
SEARCH_PANICKED: Final = "search.panicked"
"""The embedded engine panicked; the request was answered as unavailable."""
SPELLING_DICTIONARY_UNREADABLE: Final = "spelling.dictionary_unreadable"
"""The words of the index could not be read; queries are not corrected until they can be."""
SEARCH_INDEX_UNREADABLE: Final = "search.index_unreadable"
"""The files of the embedded index cannot be opened; it is rebuilt."""
SEARCH_GENERATION_PROMOTED: Final = "search.generation_promoted"
"""A new index generation answers searches."""

# --- serve and notify -----------------------------------------------------------------------------------------------
STREAMS_REVOKED: Final = "streams.revoked"
"""Event streams were closed because their key was revoked."""
SUBSCRIPTIONS_LOADED: Final = "subscriptions.loaded"
"""Saved searches are in memory."""
SUBSCRIPTIONS_RELOADED: Final = "subscriptions.reloaded"
"""Changes of saved searches were missed; all are read again."""
SUBSCRIPTION_UNREADABLE: Final = "subscription.unreadable"
"""A saved search cannot be parsed by this version and matches nothing."""
WEBHOOK_VERIFIED: Final = "webhook.verified"
"""An endpoint answered the ping and receives events from now on."""
WEBHOOK_LEASE_EXPIRED: Final = "webhook.lease_expired"
"""An attempt ended after its lease; another process repeats it under the same id."""
WEBHOOK_DISABLED: Final = "webhook.disabled"
"""An endpoint receives nothing more until it is enabled again."""
WEBHOOK_SECRET_DECRYPT_FAILED: Final = "webhook.secret_decrypt_failed"  # noqa: S105 - a name of a line, not a secret
"""A webhook's secret was encrypted with another BROADSHEET_WEBHOOK_KEY; its owner has to rotate it."""
DELIVERY_FAILED: Final = "delivery.failed"
"""A delivery hit an error of ours; it comes back when its lease expires."""
REPLAY_COMPLETED: Final = "replay.completed"
"""A replay requested by a subscriber is queued to its end."""
WEBSUB_TOPIC_FETCH_FAILED: Final = "websub.topic_fetch_failed"
"""A feed could not be fetched for its WebSub subscribers; it is tried again."""
WEBSUB_TOPIC_REJECTED: Final = "websub.topic_rejected"
"""A feed answered with an error to the WebSub hub."""
WEBSUB_DENIAL_CALLBACK_FAILED: Final = "websub.denial_callback_failed"
"""A subscriber could not be told that its WebSub subscription was denied."""

KEYS: Final = {
    "service": "the service that logs",
    "component": "the part of the service that logs",
    "stream": "the stream an entry was read from",
    "entry_id": "the entry's id in Redis",
    "attempt": "deliveries of the entry or webhook, this one included",
    "article_id": "the article",
    "rev": "the revision of the article",
    "event_id": "the event being handled",
    "correlation_id": "one id from the producer's request to the last delivery",
    "traceparent": "the W3C trace context that the producer sent",
    "source": "the producer's name for the publication",
    "type": "the type of a public event",
    "verb": "withdraw, retract or restore",
    "cursor": "a place in the public log",
    "clients": "open event streams",
    "rule": "the rule that refused a document",
    "reason": "why, in words",
    "kind": "the class of an error",
    "attempts": "deliveries so far",
    "entries": "entries of a batch",
    "consumer": "the name of the consumer in its group",
    "server": "the version of Redis",
    "failed": "whether the process ends with an error",
    "in_flight": "entries whose handling was interrupted",
    "dead_id": "the id of a dead letter",
    "dead_reason": "why the entry was dead-lettered",
    "pid": "a process id",
    "cpu_seconds": "CPU time used",
    "seconds": "a duration, or the pause before the next try",
    "method": "HTTP method",
    "path": "path of the request, without its query",
    "status": "HTTP status",
    "took_ms": "duration in ms",
    "skipped": "access lines left out since the last one",
    "lease": "the name of a lease",
    "outcome": "how a poll ended",
    "offered": "items of a feed",
    "accepted": "items accepted",
    "released": "whether the lease was still ours at the end",
    "unchanged": "items known already",
    "rejected": "items refused",
    "articles": "a number of articles, or their ids",
    "documents": "a number of documents",
    "batches": "a number of batches",
    "result": "how the index was found",
    "engine": "the search engine",
    "phase": "the step of a rebuild",
    "done": "articles done",
    "total": "articles in all",
    "indexes": "a number of indexes",
    "request": "the id of a reindex request",
    "op_id": "the id of a batch at the search engine",
    "generation": "an index generation",
    "version": "the version of a model",
    "terms": "a number of terms",
    "threads": "a thread pool",
    "panics": "panics since the start",
    "subscription": "a saved search",
    "subscriptions": "a number of saved searches",
    "delivery": "the id of a delivery",
    "until": "the end of a replay",
    "streams": "a number of event streams",
    "record": "the name of a stored record",
    "exc_info": "an exception, logged as `exception`",
}
"""Every key of a log line with its meaning."""
