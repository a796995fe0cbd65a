"""At-least-once consuming: bounded batches, reclaiming of abandoned entries, dead letters, a correct exit code.

How failed entries are handled:

| failure | effect |
| --- | --- |
| infrastructure: `StoreUnavailable`, `SearchUnavailable`, `QueueFull`, `IndexMissing` | The worker backs off 0.1 to 5 s, doubling. The delivery is not counted, so an outage of Redis dead-letters nothing. |
| another `Retryable` | The entry is redelivered after 1 s, 2 s, 4 s, ... (with the default `reclaim_idle_ms`); the fifth failure dead-letters it. |
| `Permanent` | Moved to `<stream>.dead` immediately, with rule and reason. |
| any other exception | The batch is retried entry by entry immediately; then like `Retryable`. |
| the process died or hung | Another worker reclaims the entry after `reclaim_idle_ms`. The fourth process death dead-letters it (`shared.broker.reclaim`). |
"""  # noqa: E501 - a table

from __future__ import annotations

from shared.broker.batch import Delivery, Handler
from shared.broker.failures import Failure
from shared.broker.group import declare
from shared.broker.run import run_worker, serve_worker
from shared.broker.worker import Worker, make_worker

__all__ = ["Delivery", "Failure", "Handler", "Worker", "declare", "make_worker", "run_worker", "serve_worker"]
