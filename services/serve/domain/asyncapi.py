"""AsyncAPI 3.0 document of the public events on every transport."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Final
from urllib.parse import urlsplit

from services.serve.domain.event_examples import example
from services.serve.domain.public_schemas import CONTROL_TYPES, ENVELOPE, about_type
from shared.events import LOG_EVENT_TYPES, Rejection
from shared.topology import FLOW

VERSION: Final = "3.0.0"
_FILTERS: Final = {
    "q": "A query in the grammar of search.",
    "subscription": "Only matches of this saved search; needs the key that created it.",
    "tag": "Tag slugs: comma = AND, | = OR, a leading - = NOT.",
    "section": "Sections, with the same operators.",
    "source": "Sources: comma and | = OR, a leading - = NOT.",
    "lang": "Languages (BCP 47), with the operators of source.",
    "type": "Event types, comma-separated.",
    "topic": "`*`, or the URL of an article or a stream; may be repeated.",
    "since": "Start at this time, or at `earliest`.",
    "last_event_id": "Resume after this cursor.",
}
_WEBHOOK_HEADERS: Final = {
    "type": "object",
    "description": "Standard Webhooks: the signed content is `{webhook-id}.{webhook-timestamp}.{raw body}`.",
    "properties": {
        "webhook-id": {"type": "string", "description": "The same for every attempt; deduplicate by it."},
        "webhook-timestamp": {"type": "string", "description": "Unix seconds of this attempt."},
        "webhook-signature": {"type": "string", "description": "Space-separated `v1,<base64>` and `v1a,<base64>`."},
    },
    "required": ["webhook-id", "webhook-timestamp", "webhook-signature"],
}


def document(*, source: str, version: str, filters: Sequence[str]) -> dict[str, Any]:
    """The whole document. `source` is the absolute URI of this publication, `filters` the parameters that it takes."""
    url = urlsplit(source)
    sockets = {"http": "ws", "https": "wss"}[url.scheme]
    document: dict[str, Any] = {
        "asyncapi": VERSION,
        "id": f"{source}/v1/asyncapi.json",
        "info": {
            "title": "Broadsheet events",
            "version": version,
            "description": "One log of publications, in one total order, over every transport with the same cursor.",
        },
        "defaultContentType": "application/cloudevents+json",
        "servers": {
            "http": {"host": url.netloc, "protocol": url.scheme},
            "websocket": {"host": url.netloc, "protocol": sockets},
        },
        "channels": _channels(filters),
        "operations": _operations(),
        "components": {
            "messages": {kind: _message(kind, source) for kind in (*LOG_EVENT_TYPES, Rejection.TYPE, *CONTROL_TYPES)}
            | {f"webhook.{kind}": _message(kind, source, webhook=True) for kind in LOG_EVENT_TYPES},
            "securitySchemes": {
                "bearer": {"type": "http", "scheme": "bearer", "description": "A key with the scope `subscribe`."},
                "apiKey": {"type": "httpApiKey", "name": "X-Api-Key", "in": "header"},
            },
        },
    }
    if "notify" not in FLOW:  # without notify there are no webhooks
        _leave_out_webhooks(document)
    return document


def _leave_out_webhooks(document: dict[str, Any]) -> None:
    del document["channels"]["webhook"], document["operations"]["webhook"]
    messages = document["components"]["messages"]
    for name in [name for name in messages if name.startswith("webhook.")]:
        del messages[name]


def _channels(filters: Sequence[str]) -> dict[str, Any]:
    query = {
        "type": "object",
        "properties": {name: {"type": "string", "description": _FILTERS[name]} for name in filters},
    }
    http, websocket = [{"$ref": "#/servers/http"}], [{"$ref": "#/servers/websocket"}]
    return {
        "events": {
            "address": "/v1/events",
            "title": "Server-sent events",
            "description": (
                "`Accept: text/event-stream`. The `id` of a frame is the cursor. First `hello`, with the cursor"
                " after which the stream starts; `gap` if the requested position is not in the log; then one unnamed"
                " event per publication. A heartbeat comment every 15 s, with an id-only frame if events were filtered"
                " out. The stream is closed after about ten minutes; reconnect with `Last-Event-ID`."
            ),
            "servers": http,
            "messages": _refs((*LOG_EVENT_TYPES, "stream.hello", "stream.gap")),
        },
        "poll": {
            "address": "/v1/events",
            "title": "Polls",
            "description": (
                "`Accept: application/x-ndjson` returns one CloudEvent per line, `application/cloudevents-batch+json`"
                " an array (HTTP Feeds): at most 100 after `lastEventId`, by default from the beginning. `timeout` is"
                " the longest wait for the first in ms. `Link: rel=next` is the next request."
            ),
            "servers": http,
            "messages": _refs(LOG_EVENT_TYPES),
        },
        "socket": {
            "address": "/v1/events/ws",
            "title": "WebSocket",
            "description": (
                "Subprotocol `cloudevents.json`: every message, control frames included, is one CloudEvent in a text"
                " frame. Browsers send a key as the additional subprotocol `bearer.<key>`. Messages of clients are"
                " ignored; one above 16 KiB and too many frames close the connection."
            ),
            "servers": websocket,
            "messages": _refs((*LOG_EVENT_TYPES, *CONTROL_TYPES)),
            "bindings": {"ws": {"method": "GET", "query": query}},
        },
        "rejections": {
            "address": "/v1/rejections",
            "title": "Rejected articles",
            "description": (
                "Private: events of articles that the key posted, of all keys for an admin. The transports of"
                " `/v1/events` except WebSockets, over a separate log with its own cursors, kept for 30 days."
            ),
            "servers": http,
            "messages": _refs((Rejection.TYPE, "stream.hello", "stream.gap")),
        },
        "webhook": {
            "address": None,
            "title": "Webhooks",
            "description": "POST to the endpoint of a subscription, signed by Standard Webhooks, at least once.",
            "messages": _refs(LOG_EVENT_TYPES, prefix="webhook."),
        },
    }


def _operations() -> dict[str, Any]:
    security = [{"$ref": "#/components/securitySchemes/bearer"}, {"$ref": "#/components/securitySchemes/apiKey"}]
    made = {
        name: {"action": "send", "channel": {"$ref": f"#/channels/{name}"}, "security": security}
        for name in ("events", "poll", "socket")
    }
    made["events"]["bindings"] = {"http": {"method": "GET"}}
    made["poll"]["bindings"] = {"http": {"method": "GET"}}
    made["rejections"] = {
        "action": "send",
        "channel": {"$ref": "#/channels/rejections"},
        "security": security,
        "bindings": {"http": {"method": "GET"}},
    }
    made["webhook"] = {
        "action": "send",
        "channel": {"$ref": "#/channels/webhook"},
        "bindings": {"http": {"method": "POST"}},
    }
    return made


def _refs(kinds: Sequence[str], *, prefix: str = "") -> dict[str, Any]:
    return {kind: {"$ref": f"#/components/messages/{prefix}{kind}"} for kind in kinds}


def _message(kind: str, source: str, *, webhook: bool = False) -> dict[str, Any]:
    """One event type: the envelope, narrowed to the type and its data."""
    narrowed = {
        "properties": {
            "type": {"const": f"org.broadsheet.{kind}.v1"},
            "data": {"$ref": f"{source}/v1/schemas/{kind}.v1"},
        }
    }
    message: dict[str, Any] = {
        "name": f"org.broadsheet.{kind}.v1",
        "title": kind,
        "summary": about_type(kind),
        "contentType": "application/cloudevents+json",
        "payload": {"allOf": [{"$ref": f"{source}/v1/schemas/{ENVELOPE}"}, narrowed]},
    }
    if webhook:
        return message | {"headers": _WEBHOOK_HEADERS}
    return message | {"examples": [{"name": kind, "payload": example(kind, source)}]}
