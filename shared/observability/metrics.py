"""Every Prometheus metric of every service, by name. Labels are bounded: never ids, never anything a producer chose."""

from __future__ import annotations

import math
from typing import Final

from prometheus_client import Counter, Gauge, Histogram

_SHORT: Final = (0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 30.0)
_LONG: Final = (0.1, 0.25, 0.5, 1.0, 2.0, 5.0, 10.0, 30.0, 60.0, 300.0, 1800.0)


def _once_asked(name: str, about: str) -> Gauge:
    """NaN until it is set: a process that has not asked yet, or never does, must not tell that there is none."""
    gauge = Gauge(name, about)
    gauge.set(math.nan)
    return gauge


# --- ingest ---------------------------------------------------------------------------------------------------------
INGEST_REQUESTS: Final = Counter("broadsheet_ingest_requests", "Articles offered.", ["door", "outcome"])
ACCESS_REFUSED: Final = Counter("broadsheet_access_refused", "Calls refused for their API key.", ["reason"])
SOURCE_POLLS: Final = Counter("broadsheet_source_polls", "Polls of feeds and sitemaps by how they ended.", ["outcome"])
SOURCE_ITEMS: Final = Counter("broadsheet_source_items", "Items of polled sources by outcome.", ["outcome"])
SOURCE_PROBLEMS: Final = Counter(
    "broadsheet_source_problems",
    "Polls after which articles of the previous poll were dead or none published.",
    ["problem"],
)
INGEST_ACK_SECONDS: Final = Histogram(
    "broadsheet_ingest_ack_seconds", "From the request to the durable commit.", buckets=_SHORT
)

# --- stages ---------------------------------------------------------------------------------------------------------
STAGE_SECONDS: Final = Histogram("broadsheet_stage_seconds", "Time of one batch.", ["stage"], buckets=_SHORT)
STAGE_TOTAL: Final = Counter("broadsheet_stage", "Entries by what became of them.", ["stage", "outcome"])
REDELIVERIES: Final = Counter("broadsheet_redeliveries", "Entries delivered again.", ["stage"])
RECLAIMED: Final = Counter("broadsheet_reclaimed", "Entries taken over from a silent worker.", ["stage"])
DEAD_TOTAL: Final = Counter("broadsheet_dlq", "Entries moved to the dead-letter stream.", ["stage", "reason"])
GROUP_RECREATED: Final = Counter("broadsheet_group_recreated", "Consumer groups that had vanished.", ["stage"])
READ_AGE_SECONDS: Final = Gauge("broadsheet_read_age_seconds", "Since the last successful read.", ["stage"])
INFRASTRUCTURE_PAUSES: Final = Counter(
    "broadsheet_infrastructure_pauses", "Times a worker paused because Redis or the engine was away.", ["stage"]
)

# --- streams --------------------------------------------------------------------------------------------------------
STREAM_LAG: Final = Gauge("broadsheet_stream_lag_entries", "Entries not yet delivered.", ["stream", "group"])
STREAM_OLDEST_AGE: Final = Gauge(
    "broadsheet_stream_oldest_age_seconds", "Age of the oldest unfinished entry.", ["stream", "group"]
)
PENDING: Final = Gauge("broadsheet_pending_entries", "Entries delivered and not finished.", ["stream", "group"])
DEAD_DEPTH: Final = Gauge("broadsheet_dlq_depth", "Entries in the dead-letter stream.", ["stage"])
TRIMMED: Final = Counter("broadsheet_trimmed_entries", "Finished entries removed by age.", ["stream"])

# --- Redis, as its INFO says; every worker tells the same -------------------------------------------------------------
REDIS_MEMORY: Final = Gauge("broadsheet_redis_memory_bytes", "Memory of Redis: used, and its limit.", ["kind"])
REDIS_DELAYED_FSYNCS: Final = _once_asked(
    "broadsheet_redis_delayed_fsyncs", "Writes that waited for the disk, since start."
)
REDIS_LAST_WRITE_OK: Final = _once_asked(
    "broadsheet_redis_last_write_ok", "Whether the last write to disk went well: 1 or 0."
)
REDIS_LAST_FORK: Final = _once_asked("broadsheet_redis_last_fork_seconds", "Time of the last fork.")
REDIS_CLIENTS: Final = _once_asked("broadsheet_redis_clients", "Open connections.")
REDIS_UPTIME: Final = _once_asked("broadsheet_redis_uptime_seconds", "Since the start of the server.")

# --- search and delivery --------------------------------------------------------------------------------------------
FRESHNESS_SECONDS: Final = Histogram(
    "broadsheet_freshness_seconds", "From acceptance to being there.", ["sink"], buckets=_LONG
)
INDEX_TASKS: Final = Counter("broadsheet_index_tasks", "Batches written to the engine.", ["status"])
SEARCH_SECONDS: Final = Histogram("broadsheet_search_seconds", "Time of one search.", ["kind"], buckets=_SHORT)
SEARCH_PANICS: Final = Counter("broadsheet_search_panics", "Engine panics, each answered as unavailable.", ["pool"])
SSE_CLIENTS: Final = Gauge("broadsheet_sse_clients", "Open event streams.")
SSE_EVICTED: Final = Counter("broadsheet_sse_evicted", "Event streams we closed.", ["reason"])
SSE_REPLAYED: Final = Counter("broadsheet_sse_replay_events", "Events sent from history.")

# --- webhooks -------------------------------------------------------------------------------------------------------
WEBHOOK_ATTEMPTS: Final = Counter("broadsheet_webhook_attempts", "Attempts to deliver, by how they ended.", ["outcome"])
WEBHOOK_SECONDS: Final = Histogram("broadsheet_webhook_seconds", "Time of one attempt.", buckets=_SHORT)
WEBHOOK_DISABLED: Final = Counter("broadsheet_webhook_disabled", "Endpoints that get nothing more.", ["reason"])
WEBHOOK_QUEUED: Final = Counter("broadsheet_webhook_queued", "Deliveries that events of the log made.")
WEBSUB_INTENTS: Final = Counter("broadsheet_websub_intents", "Callbacks asked by the hub.", ["mode", "outcome"])
WEBHOOK_ENDPOINTS_WAITING: Final = Gauge("broadsheet_webhook_endpoints_waiting", "Endpoints with something to send.")

# --- outgoing requests ----------------------------------------------------------------------------------------------
FETCHES: Final = Counter(
    "broadsheet_fetches",
    "Requests to addresses that others chose; a refused one was never sent.",
    ["purpose", "outcome"],
)

# --- process --------------------------------------------------------------------------------------------------------
EVENT_LOOP_LAG: Final = Gauge("broadsheet_event_loop_lag_seconds", "How late the event loop ran its last tick.")
SANDBOX_KILLS: Final = Counter("broadsheet_sandbox_kills", "Parser children ended for a limit.", ["limit"])
SANDBOX_OVERTIME: Final = Counter(
    "broadsheet_sandbox_overtime", "Documents that took long and were begun anew out of the way of the others."
)
