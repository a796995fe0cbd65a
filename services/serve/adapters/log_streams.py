"""One log and everything that follows it in this process."""

from __future__ import annotations

from dataclasses import dataclass

from services.serve.adapters.history import EventHistory
from services.serve.adapters.hub import Hub
from services.serve.adapters.stream_sessions import StreamSessions
from shared.store.publication_log import StreamLog


@dataclass(frozen=True, slots=True)
class LogStreams:
    """A log, its encoded pages, its fan-out and its open streams."""

    log: StreamLog
    history: EventHistory
    hub: Hub
    sessions: StreamSessions
