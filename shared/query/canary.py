"""Hides the self-check canary from queries that do not name its source."""

from __future__ import annotations

from shared.articles import CANARY_SOURCE
from shared.events import LogEvent, about
from shared.query.ast import Field, Query


def is_canary(event: LogEvent) -> bool:
    """Whether the event is about an article of the self-check."""
    return about(event).source == CANARY_SOURCE


def names_canary(query: Query) -> bool:
    """Whether the query opts in, with `source:broadsheet-selfcheck`."""
    return Field("source", CANARY_SOURCE) in query.leaves()
