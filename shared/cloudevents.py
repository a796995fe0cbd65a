"""An event of a log in the form that subscribers get: a CloudEvents 1.0 event in JSON (structured mode)."""

from __future__ import annotations

import json
from typing import Any, Final

from shared.articles import CANARY_SOURCE, Card
from shared.events import (
    LOG_EVENT_TYPES,
    Publication,
    RejectedArticle,
    Rejection,
    StoryCard,
    StreamEvent,
    Tombstone,
    Withdrawal,
    about,
)

TYPE_PREFIX: Final = "org.broadsheet."


def cloud_event(logged: StreamEvent, *, cursor: str, source: str) -> dict[str, Any]:
    """The event as a JSON object. (`source`, `id`) is the key by which a receiver drops repeats.

    `cursor` is the place in its log (`sequence`); `source` the absolute URI of this publication.
    """
    meta = logged.meta
    data = payload(logged)
    event: dict[str, Any] = {
        "specversion": "1.0",
        "id": meta.event_id,
        "source": source,
        "type": f"{TYPE_PREFIX}{meta.type}.v{meta.version}",
        "subject": data.id,
        "time": meta.occurred_at.isoformat().replace("+00:00", "Z"),
        "datacontenttype": "application/json",
        "dataschema": f"{source}{schema_path(meta.type, meta.version)}",
        "sequence": cursor,
        "correlationid": meta.correlation_id,
    }
    if meta.causation_id is not None:
        event["causationid"] = meta.causation_id
    subject = logged.article if isinstance(logged, Rejection) else about(logged)
    if subject.source == CANARY_SOURCE:
        event["domain"] = "canary"
    if meta.traceparent is not None:
        event["traceparent"] = meta.traceparent
    event["data"] = data.model_dump(mode="json")
    return event


def schema_path(kind: str, version: int = 1) -> str:
    """Path of the JSON Schema of an event type's `data`."""
    return f"/v1/schemas/{kind}.v{version}"


class StoryData(StoryCard):
    """`data` of a story event: the story, the article that caused the change, the merged stories."""

    article_id: str
    merged: tuple[str, ...] = ()


def payload(logged: StreamEvent) -> Card | Tombstone | StoryData | RejectedArticle:
    """The `data` of the event."""
    if isinstance(logged, Publication):
        return logged.card
    if isinstance(logged, Withdrawal | Rejection):
        return logged.article
    return StoryData(**dict(logged.story), article_id=logged.article_id, merged=logged.merged)


def data_schema(kind: str) -> dict[str, Any]:
    """JSON Schema of the `data` of an event type, such as `article.published`. Raises KeyError for another name."""
    if kind not in {*LOG_EVENT_TYPES, Rejection.TYPE}:
        raise KeyError(kind)
    model = _SPECIAL.get(kind) or _DATA[kind.partition(".")[0]]
    return model.model_json_schema(mode="serialization")


_SPECIAL: Final[dict[str, type[Tombstone | RejectedArticle]]] = {
    Withdrawal.TYPE: Tombstone,
    Withdrawal.RETRACTED: Tombstone,
    Rejection.TYPE: RejectedArticle,
}
_DATA: Final[dict[str, type[Card | StoryData]]] = {"article": Card, "story": StoryData}


def to_json(event: dict[str, Any]) -> str:
    """Compact JSON on one line; letters beyond ASCII are not escaped."""
    return json.dumps(event, ensure_ascii=False, separators=(",", ":"), allow_nan=False)
