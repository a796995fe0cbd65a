"""Registry of log events: every event name and every key of a log line.

Event names are `area.state` in snake_case, past tense for what happened. Every structlog call uses a name from here
(`tests/architecture/test_log_events.py`). `docs/operations.md` lists the names with their docstrings.
"""

from __future__ import annotations

from typing import Final

# --- processing of an article -------------------------------------------------------------------------------------
ARTICLE_ACCEPTED: Final = "article.accepted"
"""A revision and its event are stored durably."""
ARTICLE_CHANGE_ACCEPTED: Final = "article.change_accepted"
"""An editor's withdrawal, retraction or restoration is stored durably. `verb` says which."""
ARTICLE_ENRICHED: Final = "article.enriched"
"""The clean article is stored, and index has an entry for it."""
ARTICLE_INDEXED: Final = "article.indexed"
"""The search engine confirmed that the revision is searchable."""
ARTICLE_PUBLISHED: Final = "article.published"
"""The event is in the public log. `type` is its event type, `cursor` its log id."""
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
"""Access line: one HTTP request. `skipped` counts the lines omitted before this one by the rate limit."""
CONNECTIONS_LIMIT_REDUCED: Final = "connections.limit_reduced"
"""The hard limit of open files is below `needed`, so that only `connections` are served. Raise it (`ulimit -n`)."""
BULK_LINE_FAILED: Final = "bulk.line_failed"
"""A line of a bulk upload hit an internal error; the producer got `failed` and can retry it. Report the exception."""
SOURCE_POLLED: Final = "source.polled"
"""A feed or sitemap was polled."""
SOURCE_POLL_DEFERRED: Final = "source.poll_deferred"
"""A poll stopped because Redis was unavailable; the source is polled again."""
SOURCE_LEASE_EXPIRED: Final = "source.lease_expired"
"""A poll took longer than its lease; another process may poll the source too. Items are not duplicated."""
SOURCE_POLL_FAILED: Final = "source.poll_failed"
"""A poll hit an internal error. Report the exception."""

# --- consuming ------------------------------------------------------------------------------------------------------
WORKER_STARTED: Final = "worker.started"
"""The worker started to read its stream."""
WORKER_STOPPED: Final = "worker.stopped"
"""The worker has drained and exits; `failed` says whether it exits with an error."""
WORKER_PAUSED: Final = "worker.paused"
"""A dependency of the handler is unavailable; reading stops until it answers. Deliveries are not counted."""
WORKER_FAILED: Final = "worker.failed"
"""The worker exits with code 1. `reason` is the unrecoverable error."""
WORKER_TASK_FAILED: Final = "worker.task_failed"
"""A background task of the worker raised; the worker exits with code 1."""
WORKER_DRAIN_TIMEOUT: Final = "worker.drain_timeout"
"""In-flight work did not finish in time at shutdown. It stays pending and another worker reclaims it."""
HANDLER_FAILED: Final = "handler.failed"
"""A handler raised an unexpected exception; its entries are retried one by one. Report the exception."""
ENTRY_UNREADABLE: Final = "entry.unreadable"
"""An entry could not be decoded while it was dead-lettered; its article is not marked as rejected."""
ENTRY_NOT_SETTLED: Final = "entry.not_settled"
"""Redis refused to move or defer an entry; it stays pending and is redelivered."""
DEAD_LETTER_ARTICLE_KEY_CORRUPT: Final = "dead_letter.article_key_corrupt"
"""The article's key is damaged: the entry was dead-lettered, but its article is not marked as rejected."""
DEAD_LETTER_RETRIED: Final = "dead_letter.retried"
"""Audit: an operator retried a dead letter."""
DEAD_LETTER_DROPPED: Final = "dead_letter.dropped"
"""Audit: an operator deleted a dead letter."""
GROUP_RECREATED: Final = "group.recreated"
"""The consumer group was missing and was created again at 0. Check whether Redis was flushed."""
RECLAIM_FAILED: Final = "reclaim.failed"
"""Redis refused to reclaim entries; this is retried in the next round."""
HOUSEKEEPING_SKIPPED: Final = "housekeeping.skipped"
"""Trimming and clean-up were skipped because Redis was unavailable."""

# --- dependencies ---------------------------------------------------------------------------------------------------
REDIS_UNAVAILABLE: Final = "redis.unavailable"
"""Redis does not answer or cannot write; the service backs off and retries. Check Redis and its disk."""
REDIS_RECOVERED: Final = "redis.recovered"
"""Redis answers again."""
STORE_UNAVAILABLE: Final = "store.unavailable"
"""`component` could not reach Redis and retries after `seconds`."""
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
"""The search index was opened."""
INDEX_REBUILD_STARTED: Final = "index.rebuild_started"
"""The index is new, empty or of another version and is rebuilt from the store before the service reads its stream."""
INDEX_REBUILD_PROGRESSED: Final = "index.rebuild_progressed"
"""`done` of `total` articles of a rebuild."""
INDEX_REBUILT: Final = "index.rebuilt"
"""The rebuild is complete and searchable."""
INDEX_UNAVAILABLE: Final = "index.unavailable"
"""The search engine or Redis does not answer at start; retried after `seconds`."""
INDEX_MISSING: Final = "index.missing"
"""The index was deleted; it is rebuilt from the store."""
INDEX_REBUILD_REQUESTED: Final = "index.rebuild_requested"
"""A rebuild of a missing index was requested."""
INDEX_REBUILD_RUNNING: Final = "index.rebuild_running"
"""A rebuild is already running; no second one is started."""
INDEX_CHECK_FAILED: Final = "index.check_failed"
"""The search engine did not answer the check whether the index exists. Check that it is running."""
INDEX_PRUNED: Final = "index.pruned"
"""Indexes replaced more than a day ago were deleted."""
INDEX_WRITES_RESUMED: Final = "index.writes_resumed"
"""Batches that an earlier process sent are polled until they complete."""
INDEX_QUEUE_FULL: Final = "index.queue_full"
"""The search engine accepts no more tasks; reading is paused. Check its disk and its task queue."""
INDEX_TASK_POLL_FAILED: Final = "index.task_poll_failed"
"""The state of sent batches could not be read; it is polled again. Check that the search engine is running."""
INDEX_BATCH_LOST: Final = "index.batch_lost"
"""The search engine lost a batch that it had accepted; its articles are written again."""
INDEX_WRITE_NOT_RECORDED: Final = "index.write_not_recorded"
"""The record of a sent batch could not be stored; after a restart it is sent again, without effect."""
INDEX_WRITE_RECORD_NOT_DELETED: Final = "index.write_record_not_deleted"
"""The record of a finished batch could not be deleted."""
INDEX_WRITE_RECORD_CORRUPT: Final = "index.write_record_corrupt"
"""The record of a sent batch is damaged and was ignored."""
INDEX_ANNOUNCEMENT_CONTENDED: Final = "index.announcement_contended"
"""Articles changed concurrently at each attempt to publish them; their entries are redelivered."""
REINDEX_STARTED: Final = "reindex.started"
"""A requested rebuild started."""
REINDEX_FAILED: Final = "reindex.failed"
"""A requested rebuild failed; the old index stays in use. `reason` says why."""
REINDEX_COMPLETED: Final = "reindex.completed"
"""A requested rebuild was swapped in."""
REINDEX_DOCUMENTS_REJECTED: Final = "reindex.documents_rejected"
"""The search engine rejected documents of a rebuild; the others are in the index."""
EMBEDDER_UNUSABLE: Final = "embedder.unusable"
"""The embedding model cannot be used; search uses words only. `broadsheet reindex` trains a new one."""
EMBEDDER_TRAINED: Final = "embedder.trained"
"""A new embedding model was trained on the store."""
SEARCH_PANICKED: Final = "search.panicked"
"""The embedded engine panicked; the request was answered with 503. Report it with the query."""
SPELLING_DICTIONARY_UNREADABLE: Final = "spelling.dictionary_unreadable"
"""The dictionary of the index could not be read; typos are corrected by the slower engine path until it can be."""
SEARCH_INDEX_UNREADABLE: Final = "search.index_unreadable"
"""The files of the embedded index cannot be opened; it is rebuilt from the store."""
SEARCH_GENERATION_PROMOTED: Final = "search.generation_promoted"
"""A new index generation became the live one."""

# --- serve and notify -----------------------------------------------------------------------------------------------
STREAMS_REVOKED: Final = "streams.revoked"
"""Event streams were closed because their key was revoked."""
SUBSCRIPTIONS_LOADED: Final = "subscriptions.loaded"
"""Saved searches were loaded into memory."""
SUBSCRIPTIONS_RELOADED: Final = "subscriptions.reloaded"
"""Entries of the subscription change stream were missed; all saved searches are loaded again."""
SUBSCRIPTION_UNREADABLE: Final = "subscription.unreadable"
"""A saved search cannot be parsed by this version and matches nothing."""
WEBHOOK_VERIFIED: Final = "webhook.verified"
"""An endpoint answered the ping and is active."""
WEBHOOK_LEASE_EXPIRED: Final = "webhook.lease_expired"
"""A delivery attempt outlasted its lease; another process repeats it with the same `webhook-id`."""
WEBHOOK_DEFERRED: Final = "webhook.deferred"
"""No request was made for lack of a name server, sockets or memory on this side; no attempt was used."""
WEBHOOK_DISABLED: Final = "webhook.disabled"
"""An endpoint was disabled. `broadsheet webhook enable` enables it again."""
WEBHOOK_SECRET_DECRYPT_FAILED: Final = "webhook.secret_decrypt_failed"  # noqa: S105 - a name of a line, not a secret
"""A webhook's secret was encrypted with another BROADSHEET_WEBHOOK_KEY; its owner must rotate it."""
DELIVERY_FAILED: Final = "delivery.failed"
"""A delivery hit an internal error; it is retried when its lease expires. Report the exception."""
REPLAY_COMPLETED: Final = "replay.completed"
"""A replay requested by a subscriber was queued completely."""
WEBSUB_TOPIC_FETCH_FAILED: Final = "websub.topic_fetch_failed"
"""A feed could not be fetched for its WebSub subscribers; it is retried. Check NOTIFY_SERVE_URL."""
WEBSUB_TOPIC_REJECTED: Final = "websub.topic_rejected"
"""serve answered the WebSub hub with an error for a feed."""
WEBSUB_DENIAL_CALLBACK_FAILED: Final = "websub.denial_callback_failed"
"""The callback that reports a denied WebSub subscription failed."""

KEYS: Final = {
    "service": "the service that logs",
    "component": "the part of the service that logs",
    "stream": "the stream an entry was read from",
    "entry_id": "the entry's id in Redis",
    "attempt": "the number of this delivery of the entry or webhook, from 1",
    "article_id": "the article",
    "rev": "the revision of the article",
    "event_id": "the event being handled",
    "correlation_id": "the same id from the producer's request to the last delivery",
    "traceparent": "the W3C trace context that the producer sent",
    "source": "the producer's name for the publication",
    "type": "the type of a public event",
    "verb": "withdraw, retract or restore",
    "cursor": "an id of the public log",
    "connections": "a number of connections",
    "needed": "the number of file descriptors that the settings need",
    "client": "address of the client, behind a trusted proxy too",
    "clients": "open event streams",
    "rule": "the code of a rejection",
    "reason": "why, as a sentence",
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
    "seconds": "a duration, or the delay before the next attempt",
    "method": "HTTP method",
    "path": "path of the request, without its query",
    "status": "HTTP status",
    "took_ms": "duration in ms",
    "skipped": "access lines omitted since the last one",
    "lease": "the name of a lease",
    "outcome": "how a poll ended",
    "offered": "items of the feed",
    "accepted": "items accepted",
    "released": "whether this process still held the lease at the end",
    "unchanged": "items without a change",
    "rejected": "items rejected",
    "articles": "a number of articles, or their ids",
    "documents": "a number of documents",
    "batches": "a number of batches",
    "result": "the state in which the index was opened",
    "engine": "the search engine",
    "phase": "the step of a rebuild",
    "done": "articles processed",
    "total": "all articles",
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
