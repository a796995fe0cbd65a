"""An event of the public log in its public form: a CloudEvents 1.0 event in JSON (structured mode)."""

from __future__ import annotations

import json
from typing import Any, Final

from shared.articles import Card
from shared.events import LogEvent, Publication, StoryCard, StoryChange, Tombstone, Withdrawal

TYPE_PREFIX: Final = "org.broadsheet."


def cloud_event(logged: LogEvent, *, cursor: str, source: str) -> dict[str, Any]:
    """The event as a JSON object. (`source`, `id`) is the key by which a receiver drops repeats.

    `cursor` is the place in the public log (`sequence`); `source` the absolute URI of this publication.
    """
    meta = logged.meta
    data = _payload(logged)
    event: dict[str, Any] = {
        "specversion": "1.0",
        "id": meta.event_id,
        "source": source,
        "type": f"{TYPE_PREFIX}{meta.type}.v{meta.version}",
        "subject": data.id,
        "time": meta.occurred_at.isoformat().replace("+00:00", "Z"),
        "datacontenttype": "application/json",
        "sequence": cursor,
        "correlationid": meta.correlation_id,
    }
    if meta.causation_id is not None:
        event["causationid"] = meta.causation_id
    event["data"] = data.model_dump(mode="json")
    if isinstance(logged, StoryChange):
        event["data"] |= {"article_id": logged.article_id, "merged": list(logged.merged)}
    return event


def _payload(logged: LogEvent) -> Card | Tombstone | StoryCard:
    if isinstance(logged, Publication):
        return logged.card
    return logged.article if isinstance(logged, Withdrawal) else logged.story


def to_json(event: dict[str, Any]) -> str:
    """Compact JSON on one line, readable for people: letters beyond ASCII stay as they are."""
    return json.dumps(event, ensure_ascii=False, separators=(",", ":"), allow_nan=False)
