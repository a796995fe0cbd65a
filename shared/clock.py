"""The clock. Domain code receives `now` as a parameter; only handlers and adapters call this module."""

from __future__ import annotations

from datetime import UTC, datetime


def now() -> datetime:
    """The current instant, timezone-aware, in UTC."""
    return datetime.now(UTC)
