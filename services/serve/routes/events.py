"""`/v1/events`: the public log from any past position and live, over the transport that the caller accepts."""

from __future__ import annotations

from typing import Any, Final
from urllib.parse import urlsplit

from fastapi import APIRouter, Request, WebSocket
from starlette.responses import Response

from services.serve.adapters.stream_responses import EventStream, socket_stream
from services.serve.domain.content_negotiation import BATCH, NDJSON, SSE, preferred_media_type
from services.serve.domain.parameters import BadParameter
from services.serve.routes.responses import ERRORS, documented, problem_of
from services.serve.routes.services import Ports, Services
from services.serve.routes.stream_answers import acquire_slot, follow_stream, poll_answer, resumed
from services.serve.routes.stream_requests import (
    EVENTS,
    TIMEOUT,
    TOPIC,
    identify_caller,
    parse_stream_request,
)
from shared.errors import Retryable
from shared.problems import ProblemError, unavailable

router = APIRouter(prefix="/v1", tags=["events"])

LAST_EVENT_ID: Final = {
    "name": "Last-Event-ID",
    "in": "header",
    "required": False,
    "description": "Resume after this id; browsers send it by themselves.",
    "schema": {"type": "string"},
    "example": "1773489600000-0",
}
_SSE_SAMPLE: Final = (
    'retry: 3000\nevent: hello\nid: 1773489600000-0\ndata: {"from":"1773489600000-0","head":"1773489600000-0"}\n\n'
    'id: 1773489660000-0\ndata: {"specversion":"1.0","type":"org.broadsheet.article.published.v1", ...}\n\n: hb\n\n'
)
_HEADERS: Final = {
    "Mercure-Last-Event-ID": {
        "description": "If a position was requested: the id before the first event; `earliest` if it is unknown.",
        "schema": {"type": "string"},
    },
    "Link": {"description": 'Of a poll: `rel="next"`, the next request.', "schema": {"type": "string"}},
}
_EVENT: Final = {"type": "object", "description": "A CloudEvent; its `dataschema` names the schema of `data`."}
STREAM_RESPONSES: Final[dict[int | str, dict[str, Any]]] = {
    200: {
        "description": (
            "text/event-stream: `hello` first; then one unnamed event per publication, its data a CloudEvents 1.0"
            " object; `gap` {requested, resumed_from, reason} if the requested position is not in the log."
            " application/x-ndjson: one CloudEvent per line. application/cloudevents-batch+json: an array of them, see"
            " the HTTP Feeds specification. A poll without a position starts at the beginning of the log."
        ),
        "headers": _HEADERS,
        "content": {
            SSE: {"schema": {"type": "string"}, "example": _SSE_SAMPLE},
            NDJSON: {"schema": _EVENT},
            BATCH: {"schema": {"type": "array", "items": _EVENT}},
        },
    },
    401: {"description": "The key is invalid, or a key with the scope `subscribe` is required."},
    403: {"description": "The key lacks the scope `subscribe`."},
    406: {"description": "None of the accepted media types is offered."},
    429: {"description": "Too many open streams; see `Retry-After`."},
}


@router.get(
    "/events",
    summary="Publications as server-sent events, NDJSON or CloudEvents batches",
    response_class=Response,
    responses=ERRORS | STREAM_RESPONSES,
    openapi_extra={
        "parameters": [*documented((*EVENTS, TOPIC, TIMEOUT))["parameters"], LAST_EVENT_ID],
        "security": [{}, {"bearer": []}, {"apiKey": []}],
    },
)
async def events(request: Request, ports: Ports) -> Response:
    """Past and live events without a gap or repeat. Filters do not change the cursor."""
    media = preferred_media_type(request.headers.get("accept"))
    if media is None:
        raise ProblemError(406, f"Accept must allow {SSE}, {NDJSON} or {BATCH}", rule="not-acceptable")
    stream = parse_stream_request(request, polling=media != SSE)
    caller = await identify_caller(request, public=ports.settings.public_events)
    stream = await stream.narrowed(ports, caller)
    if media == SSE:
        start = await stream.start(ports)
        release = acquire_slot(ports, caller)
        follow = follow_stream(ports, ports.public_streams, stream.event_filter, caller, start)
        return EventStream(follow, headers=resumed(start), on_end=release)
    return await poll_answer(request, ports, ports.public_streams, stream.event_filter, stream, caller, media)


@router.websocket("/events")
@router.websocket("/events/ws")
async def events_socket(websocket: WebSocket) -> None:
    """The same log over a WebSocket: every message is one CloudEvent."""
    ports: Services = websocket.app.state.services
    try:
        _check_origin(websocket, ports)
        stream = parse_stream_request(websocket)
        caller = await identify_caller(websocket, public=ports.settings.public_events)
        stream = await stream.narrowed(ports, caller)
        start = await stream.start(ports)
        release = acquire_slot(ports, caller)
    except (ProblemError, BadParameter) as error:
        await websocket.send_denial_response(problem_of(error).response(websocket.url.path))
        return
    except Retryable as error:
        await websocket.send_denial_response(unavailable(error).response(websocket.url.path))
        return
    try:
        follow = follow_stream(ports, ports.public_streams, stream.event_filter, caller, start)
        await socket_stream(websocket, follow, headers=resumed(start))
    finally:
        release()


def _check_origin(websocket: WebSocket, ports: Services) -> None:
    """A page may only connect from here: its own host, or the public address. Programs send no Origin."""
    origin = websocket.headers.get("origin")
    if origin is None:
        return
    allowed = {urlsplit(ports.settings.public_url).netloc, websocket.headers.get("host", "")}
    if urlsplit(origin).scheme not in {"http", "https"} or urlsplit(origin).netloc not in allowed:
        raise ProblemError(403, "WebSockets are for pages of this origin; use server-sent events", rule="wrong-origin")
