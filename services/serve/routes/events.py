"""`/v1/events`: the public log from any place in the past and live, over whatever transport the caller accepts."""

from __future__ import annotations

import random
from collections.abc import Callable
from typing import Any, Final
from urllib.parse import urlencode, urlsplit

from fastapi import APIRouter, Request, WebSocket
from starlette.responses import Response

from services.serve.adapters.connections import ClientConnection
from services.serve.adapters.polls import poll
from services.serve.adapters.stream_responses import EventStream, Follow, socket_stream
from services.serve.adapters.stream_sessions import StreamSession
from services.serve.adapters.stream_start import Start
from services.serve.domain.content_negotiation import BATCH, NDJSON, SSE, preferred_media_type
from services.serve.domain.control_frames import ControlFrames
from services.serve.domain.parameters import BadParameter
from services.serve.domain.wire_format import WireFormat
from services.serve.routes.responses import ERRORS, documented, problem_of
from services.serve.routes.services import Ports, Services
from services.serve.routes.stream_requests import (
    EVENTS,
    TIMEOUT,
    TOPIC,
    StreamCaller,
    StreamRequest,
    identify_caller,
    parse_stream_request,
)
from shared.access import Access, authorize
from shared.errors import Retryable
from shared.observability.metrics import SSE_CLIENTS
from shared.problems import ProblemError, unavailable

router = APIRouter(prefix="/v1", tags=["events"])

_FULL_RETRY_SECONDS: Final = 10
_LAST_EVENT_ID: Final = {
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
        "description": "When a place was asked for: the id before the first event sent, `earliest` if it was unknown.",
        "schema": {"type": "string"},
    },
    "Link": {"description": 'Of a poll: `rel="next"`, what to ask next.', "schema": {"type": "string"}},
}
_EVENT: Final = {"type": "object", "description": "A CloudEvent; its `dataschema` names the schema of `data`."}
_STREAM: Final[dict[int | str, dict[str, Any]]] = {
    200: {
        "description": (
            "text/event-stream: `hello` first; then one unnamed event per publication, its data a CloudEvents 1.0"
            " object; `gap` {requested, resumed_from, reason} when the wanted place is not in the log."
            " application/x-ndjson: one CloudEvent a line. application/cloudevents-batch+json: an array of them, by"
            " the HTTP Feeds specification. A poll without a place begins at the beginning of the log."
        ),
        "headers": _HEADERS,
        "content": {
            SSE: {"schema": {"type": "string"}, "example": _SSE_SAMPLE},
            NDJSON: {"schema": _EVENT},
            BATCH: {"schema": {"type": "array", "items": _EVENT}},
        },
    },
    401: {"description": "The key is not good, or one with the scope `subscribe` is needed here."},
    403: {"description": "The key lacks the scope `subscribe`."},
    406: {"description": "None of the accepted media types is offered."},
    429: {"description": "Too many open streams; see `Retry-After`."},
}


@router.get(
    "/events",
    summary="Publications as server-sent events, NDJSON or CloudEvents batches",
    response_class=Response,
    responses=ERRORS | _STREAM,
    openapi_extra={
        "parameters": [*documented((*EVENTS, TOPIC, TIMEOUT))["parameters"], _LAST_EVENT_ID],
        "security": [{}, {"bearer": []}, {"apiKey": []}],
    },
)
async def events(request: Request, ports: Ports) -> Response:
    """History and live are one stream: no gap, no repeat. Filters never change the cursor."""
    media = preferred_media_type(request.headers.get("accept"))
    if media is None:
        raise ProblemError(406, f"Accept must allow {SSE}, {NDJSON} or {BATCH}", rule="not-acceptable")
    stream = parse_stream_request(request, polling=media != SSE)
    caller = await identify_caller(request, public=ports.settings.public_events)
    stream = await stream.narrowed(ports, caller)
    if media == SSE:
        start = await stream.start(ports)
        release = _acquire_slot(ports, caller)
        return EventStream(_follow(ports, stream, caller, start), headers=_resumed(start), on_end=release)
    return await _poll(request, ports, stream, caller, media)


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
        release = _acquire_slot(ports, caller)
    except (ProblemError, BadParameter) as error:
        await websocket.send_denial_response(problem_of(error).response(websocket.url.path))
        return
    except Retryable as error:
        await websocket.send_denial_response(unavailable(error).response(websocket.url.path))
        return
    try:
        await socket_stream(websocket, _follow(ports, stream, caller, start), headers=_resumed(start))
    finally:
        release()


def _follow(ports: Services, stream: StreamRequest, caller: StreamCaller, start: Start) -> Follow:
    async def follow(connection: ClientConnection, wire_format: WireFormat) -> str:
        frames = ControlFrames(wire_format, ports.settings.public_url)
        parts = [frames.hello(start.cursor, start.head)]
        if start.gap is not None:
            parts.append(frames.gap(start.requested or "", start.label, start.gap, cursor=start.cursor))
        session = StreamSession(
            ports.hub,
            connection,
            frames,
            event_filter=stream.event_filter,
            after=start.cursor,
            key=caller.key,
            timeouts=ports.sessions.timeouts,
        )
        return await ports.sessions.follow(session, frames.opening(*parts))

    return follow


async def _poll(request: Request, ports: Services, stream: StreamRequest, caller: StreamCaller, media: str) -> Response:
    from_start = stream.requested in {None, "null"} and stream.since_ms is None
    resumed = StreamRequest(stream.event_filter, "earliest", None, stream.timeout_ms) if from_start else stream
    start = await resumed.start(ports)
    release = _acquire_slot(ports, caller)
    try:
        found, cursor = await poll(
            ports.hub,
            ports.history,
            after=start.cursor,
            event_filter=stream.event_filter,
            seconds=stream.timeout_ms / 1_000,
        )
    finally:
        release()
    if caller.key is not None and stream.timeout_ms:
        access: Access = request.app.state.access
        await authorize(access, caller.key, "subscribe")  # it may have been revoked meanwhile
    texts = [encoded.text for encoded in found]
    body = "".join(f"{text}\n" for text in texts) if media == NDJSON else f"[{','.join(texts)}]"
    headers = _resumed(start) | {"link": f'<{_next(request, cursor)}>; rel="next"', "cache-control": "no-store"}
    return Response(body.encode("utf-8", "replace"), headers=headers | {"vary": "Accept"}, media_type=media)


def _next(request: Request, cursor: str) -> str:
    places = {"last_event_id", "lastEventID", "lastEventId", "since"}
    kept = [(name, value) for name, value in request.query_params.multi_items() if name not in places]
    return f"/v1/events?{urlencode([*kept, ('lastEventId', cursor)])}"


def _resumed(start: Start) -> dict[str, str]:
    return {"mercure-last-event-id": start.label} if start.requested is not None else {}


def _acquire_slot(ports: Services, caller: StreamCaller) -> Callable[[], None]:
    """Acquire a connection slot; returns the function that releases it. Raises a 429 problem."""
    if not ports.connection_limiter.acquire(caller.address, caller.key_id):
        wait = _FULL_RETRY_SECONDS + random.randrange(_FULL_RETRY_SECONDS)
        raise ProblemError(429, "too many open streams", rule="too-many-streams", headers={"Retry-After": str(wait)})
    SSE_CLIENTS.inc()

    def release() -> None:
        ports.connection_limiter.release(caller.address, caller.key_id)
        SSE_CLIENTS.dec()

    return release


def _check_origin(websocket: WebSocket, ports: Services) -> None:
    """A page may only connect from here: its own host, or the public address. Programs send no Origin."""
    origin = websocket.headers.get("origin")
    if origin is None:
        return
    allowed = {urlsplit(ports.settings.public_url).netloc, websocket.headers.get("host", "")}
    if urlsplit(origin).scheme not in {"http", "https"} or urlsplit(origin).netloc not in allowed:
        raise ProblemError(403, "WebSockets are for pages of this origin; use server-sent events", rule="wrong-origin")
