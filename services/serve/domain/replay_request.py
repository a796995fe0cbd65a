"""Parses replay requests: one delivery, or a range of the log."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Any, Final

from services.serve.domain.saved_searches import BadField, parse_members
from shared import instants

_CURSOR: Final = re.compile(r"^\d{1,15}-\d{1,15}$", re.ASCII)
_DELIVERY: Final = re.compile(r"^msg_[a-z2-7]{32}$")
_FIELDS: Final = ("delivery", "since", "until")


@dataclass(frozen=True, slots=True)
class ReplayRequest:
    """One delivery; or the log after a cursor, up to another one or its end."""

    delivery: str | None = None
    after: str = ""
    until: str | None = None


def parse_replay_request(data: bytes) -> ReplayRequest:
    """Parse the body. Raises BadField."""
    value = parse_members(data, _FIELDS)
    if "delivery" in value:
        return _one(value)
    if value.get("since") is None:
        raise BadField("since", "is needed, or `delivery`")
    after, until = _cursor("since", value["since"], last=False), value.get("until")
    return ReplayRequest(after=after, until=None if until is None else _cursor("until", until, last=True))


def _one(value: dict[str, Any]) -> ReplayRequest:
    delivery_id = value["delivery"]
    if len(value) > 1 or not isinstance(delivery_id, str) or not _DELIVERY.match(delivery_id):
        raise BadField("delivery", "must be one webhook-id (msg_ and 32 letters and digits), without other members")
    return ReplayRequest(delivery=delivery_id)


def _cursor(name: str, value: object, *, last: bool) -> str:
    if not isinstance(value, str) or len(value) > 40:
        raise BadField(name, "must be a cursor like 1773489600000-0 or an ISO 8601 time")
    if _CURSOR.match(value):
        return value
    try:
        ms = instants.milliseconds(value)
    except ValueError as error:
        raise BadField(name, f"{error}, or a cursor") from None
    return f"{ms}-{2**63}" if last else f"{max(0, ms - 1)}-{2**63}" if ms else "0-0"
