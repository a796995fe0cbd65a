"""Reads and validates the JSON body of a saved search."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final

import orjson

from services.serve.domain.event_filters import type_name
from shared.events import LOG_EVENT_TYPES
from shared.query import QuerySyntaxError, parse
from shared.query.percolator import is_broad

MAX_SINK: Final = 2_000
_FIELDS: Final = ("q", "types", "sink")
_MAX_TYPES: Final = 2 * len(LOG_EVENT_TYPES)
"""Every type in both spellings."""


class BadField(Exception):
    """An invalid member of the body; `name` is `body` for the body as a whole."""

    def __init__(self, name: str, reason: str) -> None:
        super().__init__(f"{name}: {reason}")
        self.name = name
        self.reason = reason


@dataclass(frozen=True, slots=True)
class SavedSearchRequest:
    """A validated saved search: `q` canonical, `types` in the order of the event table (empty for all)."""

    q: str
    types: tuple[str, ...]
    sink: str | None
    broad: bool


def parse_members(data: bytes, known: Sequence[str] = _FIELDS) -> dict[str, Any]:
    """The members of a JSON object; unknown members are refused. Raises BadField."""
    try:
        value = orjson.loads(data)
    except orjson.JSONDecodeError as error:
        raise BadField("body", f"is not JSON: {error}") from None
    if not isinstance(value, dict):
        raise BadField("body", "must be a JSON object")
    for name in value:
        if name not in known:
            raise BadField(name[:40] or "body", f"unknown member; known are {', '.join(known)}")
    return value


def parse_saved_search(values: dict[str, Any], *, now: datetime) -> SavedSearchRequest:
    """The saved search of these members; relative dates in `q` are resolved against `now`. Raises BadField."""
    q = values.get("q")
    if not isinstance(q, str):
        raise BadField("q", "is needed, and is text")
    try:
        query = parse(q, now=now)
    except QuerySyntaxError as error:
        raise BadField("q", str(error)) from None
    return SavedSearchRequest(str(query), _types(values.get("types")), _sink(values.get("sink")), is_broad(query))


def _types(value: object) -> tuple[str, ...]:
    if value is None:
        return ()
    if not isinstance(value, list) or len(value) > _MAX_TYPES:
        raise BadField("types", f"is a list of some of {', '.join(LOG_EVENT_TYPES)}")
    try:
        names = {type_name(name) for name in value}
    except (ValueError, AttributeError) as error:
        detail = str(error) if isinstance(error, ValueError) else "a name is not text"
        raise BadField("types", detail) from None
    return tuple(name for name in LOG_EVENT_TYPES if name in names)


def _sink(value: object) -> str | None:
    if value is None:
        return None
    if not isinstance(value, str) or not value or len(value) > MAX_SINK:
        raise BadField("sink", f"is an https URL of at most {MAX_SINK} characters, or null")
    return value
