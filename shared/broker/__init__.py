"""Consuming without loss: bounded batches, take-over of abandoned entries, dead letters, and an honest exit code.

What happens to an entry whose handling failed:

- *infrastructure* (`StoreUnavailable`, `SearchUnavailable`, `QueueFull`, `IndexMissing`): nothing is counted against
  it. The worker pauses 0.1 to 5 s, doubling, and the entry is the first to be tried again: its delivery count is set
  back, so an hour without Redis or the engine dead-letters nothing;
- another `Retryable`: it comes back after a short back-off (1 s, 2 s, 4 s, ... with the default take-over time); the
  fifth failure is the last;
- a `Permanent`: it moves to `<stream>.dead` at once, with the reason;
- any other exception: a batch is handled again entry by entry at once, so that neighbours go on; then as `Retryable`;
- no answer, because its process died or hung: another worker takes it over after `reclaim_idle_ms`, alone; after three
  processes it is dead.
"""

from __future__ import annotations

from shared.broker.batch import Delivery, Handler
from shared.broker.failures import Failure
from shared.broker.group import declare
from shared.broker.run import run_worker, serve_worker
from shared.broker.worker import Worker, make_worker

__all__ = ["Delivery", "Failure", "Handler", "Worker", "declare", "make_worker", "run_worker", "serve_worker"]
