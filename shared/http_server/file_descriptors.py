"""Limit of open files of the process, checked before a server starts."""

from __future__ import annotations

import resource
from typing import Final

import structlog

from shared.http_server.connection_limits import REFUSED_AT_ONCE
from shared.observability import log_events

log = structlog.get_logger(__name__)

_RESERVED: Final = 128
"""For Redis, the search engine, logs and outgoing requests."""


def connections_that_fit(wanted: int, *, backlog: int) -> int:
    """Raise the soft limit as far as the hard one allows; the number of connections, at most `wanted`, that then fit.

    Without a free file descriptor a server accepts nothing, not even a health check. An event loop accepts up to
    `backlog` connections at once, and closes what they replace one turn later.
    """
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    besides = REFUSED_AT_ONCE + _RESERVED + 2 * backlog
    needed = wanted + besides
    unlimited = resource.RLIM_INFINITY
    if soft != unlimited and soft < needed:
        soft = needed if hard == unlimited else min(needed, hard)
        resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard))
    if soft == unlimited or soft >= needed:
        return wanted
    fitting = max(soft - besides, soft // 4, 1)
    log.warning(log_events.CONNECTIONS_LIMIT_REDUCED, connections=fitting, needed=needed)
    return fitting
