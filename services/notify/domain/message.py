"""The body of a delivery: a CloudEvent as JSON, below 20,000 bytes."""

from __future__ import annotations

from datetime import datetime
from typing import Any, Final

from shared.cloudevents import TYPE_PREFIX, cloud_event, to_json
from shared.events import LogEvent, StoryChange, about

MAX_BYTES: Final = 20_000
CONTENT_TYPE: Final = "application/cloudevents+json"
_KEPT_WHEN_LARGE: Final = ("id", "rev", "slug", "url", "at", "story_id")


def body(event: LogEvent, *, cursor: str, source: str) -> bytes:
    """The event as JSON. Above the limit: its identifying fields, with the URL of the full event in `dataref`."""
    whole = cloud_event(event, cursor=cursor, source=source)
    data = to_json(whole).encode("utf-8", "replace")
    if len(data) < MAX_BYTES:
        return data
    small = {name: whole["data"][name] for name in _KEPT_WHEN_LARGE if _short(whole["data"].get(name))}
    where = f"/v1/stories/{event.story.id}" if isinstance(event, StoryChange) else f"/v1/articles/{about(event).id}"
    return to_json(whole | {"dataref": f"{source}{where}", "data": small}).encode("utf-8", "replace")


def ping(message_id: str, subscription_id: str, *, now: datetime, source: str) -> bytes:
    """Ping event for endpoint verification and `POST .../test`. It is not part of the log and has no `sequence`."""
    event: dict[str, Any] = {
        "specversion": "1.0",
        "id": message_id,
        "source": source,
        "type": f"{TYPE_PREFIX}webhook.ping.v1",
        "subject": subscription_id,
        "time": now.isoformat().replace("+00:00", "Z"),
        "datacontenttype": "application/json",
        "data": {"id": subscription_id},
    }
    return to_json(event).encode()


def _short(value: object) -> bool:
    return value is not None and len(str(value)) <= 2_000
