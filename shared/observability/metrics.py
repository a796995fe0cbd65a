"""Every Prometheus metric of every service. Labels are bounded: no ids, and no value that a producer chose."""

from __future__ import annotations

import math
from typing import Final

from prometheus_client import Counter, Gauge, Histogram

_SHORT: Final = (0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 30.0)
_LONG: Final = (0.1, 0.25, 0.5, 1.0, 2.0, 5.0, 10.0, 30.0, 60.0, 300.0, 1800.0)


def _unset_gauge(name: str, about: str) -> Gauge:
    """A gauge that is NaN until it is set: a process that never reads the value must not report 0."""
    gauge = Gauge(name, about)
    gauge.set(math.nan)
    return gauge


# --- ingest ---------------------------------------------------------------------------------------------------------
INGEST_REQUESTS: Final = Counter("broadsheet_ingest_requests", "Submitted articles.", ["door", "outcome"])
ACCESS_REFUSED: Final = Counter("broadsheet_access_refused", "Calls refused because of their API key.", ["reason"])
SOURCE_POLLS: Final = Counter("broadsheet_source_polls", "Polls of feeds and sitemaps.", ["outcome"])
SOURCE_ITEMS: Final = Counter("broadsheet_source_items", "Items of polled sources by outcome.", ["outcome"])
SOURCE_PROBLEMS: Final = Counter(
    "broadsheet_source_problems",
    "Polls after which articles of the previous poll were dead or none published.",
    ["problem"],
)
INGEST_ACK_SECONDS: Final = Histogram(
    "broadsheet_ingest_ack_seconds", "From request to durable commit.", buckets=_SHORT
)

# --- stages ---------------------------------------------------------------------------------------------------------
STAGE_SECONDS: Final = Histogram("broadsheet_stage_seconds", "Duration of one batch.", ["stage"], buckets=_SHORT)
STAGE_TOTAL: Final = Counter("broadsheet_stage", "Handled entries by outcome.", ["stage", "outcome"])
REDELIVERIES: Final = Counter("broadsheet_redeliveries", "Redelivered entries.", ["stage"])
RECLAIMED: Final = Counter("broadsheet_reclaimed", "Entries reclaimed from a dead worker.", ["stage"])
REJECTIONS: Final = Counter("broadsheet_rejections", "article.rejected events written.", ["stage", "reason"])
DEAD_TOTAL: Final = Counter("broadsheet_dlq", "Dead-lettered entries.", ["stage", "reason"])
GROUP_RECREATED: Final = Counter(
    "broadsheet_group_recreated", "Missing consumer groups that were created again.", ["stage"]
)
READ_AGE_SECONDS: Final = Gauge("broadsheet_read_age_seconds", "Time since the last successful read.", ["stage"])
INFRASTRUCTURE_PAUSES: Final = Counter(
    "broadsheet_infrastructure_pauses", "Pauses while Redis or the search engine was unavailable.", ["stage"]
)

# --- streams --------------------------------------------------------------------------------------------------------
STREAM_LAG: Final = Gauge("broadsheet_stream_lag_entries", "Entries not yet delivered (lag).", ["stream", "group"])
STREAM_OLDEST_AGE: Final = Gauge(
    "broadsheet_stream_oldest_age_seconds", "Age of the oldest unacknowledged entry.", ["stream", "group"]
)
PENDING: Final = Gauge("broadsheet_pending_entries", "Entries delivered and not acknowledged.", ["stream", "group"])
DEAD_DEPTH: Final = Gauge("broadsheet_dlq_depth", "Entries in the dead-letter stream.", ["stage"])
TRIMMED: Final = Counter("broadsheet_trimmed_entries", "Acknowledged entries deleted by age.", ["stream"])

# --- Redis INFO; every worker reports the same values -----------------------------------------------------------------
REDIS_MEMORY: Final = Gauge("broadsheet_redis_memory_bytes", "Memory of Redis: used, limit.", ["kind"])
REDIS_DELAYED_FSYNCS: Final = _unset_gauge(
    "broadsheet_redis_delayed_fsyncs", "Fsyncs delayed by the disk, since start."
)
REDIS_LAST_WRITE_OK: Final = _unset_gauge(
    "broadsheet_redis_last_write_ok", "Whether the last AOF write succeeded: 1 or 0."
)
REDIS_LAST_FORK: Final = _unset_gauge("broadsheet_redis_last_fork_seconds", "Duration of the last fork.")
REDIS_CLIENTS: Final = _unset_gauge("broadsheet_redis_clients", "Connected clients.")
REDIS_UPTIME: Final = _unset_gauge("broadsheet_redis_uptime_seconds", "Uptime of the server.")

# --- search and delivery --------------------------------------------------------------------------------------------
FRESHNESS_SECONDS: Final = Histogram(
    "broadsheet_freshness_seconds", "From acceptance to visible in the sink.", ["sink"], buckets=_LONG
)
INDEX_TASKS: Final = Counter("broadsheet_index_tasks", "Batches written to the search engine.", ["status"])
SEARCH_SECONDS: Final = Histogram("broadsheet_search_seconds", "Duration of one search.", ["kind"], buckets=_SHORT)
SEARCH_PANICS: Final = Counter(
    "broadsheet_search_panics", "Panics of the embedded engine, answered as unavailable.", ["pool"]
)
SSE_CLIENTS: Final = Gauge("broadsheet_sse_clients", "Open event streams.")
SSE_EVICTED: Final = Counter("broadsheet_sse_evicted", "Event streams closed by the server.", ["reason"])
SSE_REPLAYED: Final = Counter("broadsheet_sse_replay_events", "Replayed events.")

# --- webhooks -------------------------------------------------------------------------------------------------------
WEBHOOK_ATTEMPTS: Final = Counter("broadsheet_webhook_attempts", "Webhook attempts by outcome.", ["outcome"])
WEBHOOK_SECONDS: Final = Histogram("broadsheet_webhook_seconds", "Duration of one webhook attempt.", buckets=_SHORT)
WEBHOOK_DISABLED: Final = Counter("broadsheet_webhook_disabled", "Disabled endpoints.", ["reason"])
WEBHOOK_QUEUED: Final = Counter("broadsheet_webhook_queued", "Queued deliveries.")
WEBSUB_INTENTS: Final = Counter(
    "broadsheet_websub_intents", "Verification requests of the WebSub hub.", ["mode", "outcome"]
)
WEBHOOK_ENDPOINTS_WAITING: Final = Gauge("broadsheet_webhook_endpoints_waiting", "Endpoints with pending deliveries.")

# --- outgoing requests ----------------------------------------------------------------------------------------------
FETCHES: Final = Counter(
    "broadsheet_fetches",
    "Requests to addresses chosen by users; a refused one was never sent.",
    ["purpose", "outcome"],
)

# --- process --------------------------------------------------------------------------------------------------------
EVENT_LOOP_LAG: Final = Gauge("broadsheet_event_loop_lag_seconds", "Delay of the last event loop tick.")
SANDBOX_KILLS: Final = Counter("broadsheet_sandbox_kills", "Parser processes killed by limit.", ["limit"])
SANDBOX_OVERTIME: Final = Counter("broadsheet_sandbox_overtime", "Slow documents that were restarted in the slow lane.")
