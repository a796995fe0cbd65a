"""A publication in its public form: a CloudEvents 1.0 event in JSON (structured mode)."""

from __future__ import annotations

import json
from typing import Any, Final

from shared.events import Publication

TYPE_PREFIX: Final = "org.broadsheet."


def cloud_event(publication: Publication, *, cursor: str, source: str) -> dict[str, Any]:
    """The event as a JSON object. (`source`, `id`) is the key by which a receiver drops repeats.

    `cursor` is the place in the public log (`sequence`); `source` the absolute URI of this publication.
    """
    meta = publication.meta
    card = publication.card
    event: dict[str, Any] = {
        "specversion": "1.0",
        "id": meta.event_id,
        "source": source,
        "type": f"{TYPE_PREFIX}{meta.type}.v{meta.version}",
        "subject": card.id,
        "time": meta.occurred_at.isoformat().replace("+00:00", "Z"),
        "datacontenttype": "application/json",
        "sequence": cursor,
        "correlationid": meta.correlation_id,
    }
    if meta.causation_id is not None:
        event["causationid"] = meta.causation_id
    event["data"] = card.model_dump(mode="json")
    return event


def to_json(event: dict[str, Any]) -> str:
    """Compact JSON on one line, readable for people: letters beyond ASCII stay as they are."""
    return json.dumps(event, ensure_ascii=False, separators=(",", ":"), allow_nan=False)
