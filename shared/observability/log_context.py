"""Binds log keys at the start of an entry, a request or a delivery, so that all later lines contain them."""

from __future__ import annotations

from contextlib import AbstractContextManager
from typing import Any

from structlog.contextvars import bind_contextvars, bound_contextvars


def log_context(**keys: Any) -> AbstractContextManager[None]:
    """Bind keys of `log_events.KEYS` to every line logged inside the block, also in tasks that it starts.

    Keys with the value None are omitted.
    """
    return bound_contextvars(**{name: value for name, value in keys.items() if value is not None})


def bind_log_context(**keys: Any) -> None:
    """Bind keys for the rest of the running task and the tasks it starts."""
    bind_contextvars(**{name: value for name, value in keys.items() if value is not None})
