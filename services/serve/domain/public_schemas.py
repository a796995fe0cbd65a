"""JSON Schemas of public events, by their name in `dataschema`."""

from __future__ import annotations

from typing import Any, Final

from shared.cloudevents import data_schema
from shared.events import LOG_EVENT_TYPES, Rejection

DIALECT: Final = "https://json-schema.org/draft/2020-12/schema"
MEDIA_TYPE: Final = "application/schema+json"
_CURSOR: Final = {"type": "string", "pattern": r"^\d+-\d+$"}
_ABOUT: Final = {
    "article.published": "The first visible revision of an article.",
    "article.updated": "A later visible revision.",
    "article.corrected": "A revision that carries a correction note.",
    "article.restored": "A withdrawn article was restored.",
    "article.withdrawn": "An article was withdrawn; a notice remains.",
    "article.retracted": "An article was retracted and its text erased.",
    "article.rejected": "An accepted article was rejected. Private: for the key that posted it, and for admins.",
    "story.created": "A second article about the same news: a story was created.",
    "story.extended": "An article was added to a story.",
    "story.merged": "Other stories were merged into a story.",
}
_CONTROL: Final[dict[str, dict[str, Any]]] = {
    "stream.hello": {
        "description": "The first message of a stream: the cursor after which it starts, and the end of the log.",
        "properties": {"from": _CURSOR, "head": _CURSOR},
        "required": ["from", "head"],
    },
    "stream.gap": {
        "description": "The requested position is not in the log; the stream starts at `resumed_from` instead.",
        "properties": {
            "requested": {"type": "string"},
            "resumed_from": {"type": "string"},
            "reason": {"enum": ["unknown", "future", "trimmed"]},
        },
        "required": ["requested", "resumed_from", "reason"],
    },
    "stream.position": {
        "description": "Everything up to this cursor was read, and nothing else matched the filter.",
        "properties": {"position": _CURSOR},
        "required": ["position"],
    },
}
ENVELOPE: Final = "cloudevent.v1"
CONTROL_TYPES: Final = tuple(_CONTROL)
NAMES: Final = (ENVELOPE, *(f"{kind}.v1" for kind in (*LOG_EVENT_TYPES, Rejection.TYPE, *_CONTROL)))
"""Every schema's name, the last part of its URL."""


def about_type(kind: str) -> str:
    """One sentence on what an event type says."""
    return _ABOUT[kind] if kind in _ABOUT else str(_CONTROL[kind]["description"])


def schema(name: str, source: str) -> dict[str, Any]:
    """The schema with this name; `source` is the absolute URI of this publication. Raises KeyError."""
    if name == ENVELOPE:
        found = _envelope(source)
    else:
        kind, _, version = name.rpartition(".")
        if version != "v1":
            raise KeyError(name)
        found = {"type": "object", **_CONTROL[kind]} if kind in _CONTROL else data_schema(kind)
        found = {**found, "title": kind, "description": about_type(kind)}
    return {"$schema": DIALECT, "$id": f"{source}/v1/schemas/{name}", **found}


def _envelope(source: str) -> dict[str, Any]:
    text = {"type": "string", "minLength": 1}
    return {
        "title": "CloudEvent",
        "description": "A CloudEvents 1.0 event in JSON. Deduplicate by (`source`, `id`).",
        "type": "object",
        "properties": {
            "specversion": {"const": "1.0"},
            "id": text,
            "source": {"const": source},
            "type": {"enum": [f"org.broadsheet.{name}" for name in NAMES if name != ENVELOPE]},
            "subject": {**text, "description": "Id of the article or story."},
            "time": {"type": "string", "format": "date-time"},
            "datacontenttype": {"const": "application/json"},
            "dataschema": {"type": "string", "format": "uri"},
            "sequence": {**_CURSOR, "description": "The log cursor to resume after."},
            "correlationid": text,
            "causationid": text,
            "domain": {"const": "canary", "description": "Set on events of the self-check; see `source`."},
            "data": {"type": "object"},
        },
        "required": ["specversion", "id", "source", "type", "datacontenttype", "dataschema", "sequence", "data"],
    }
