"""`/v1/events`: the public log as server-sent events, from any place in the past and live."""

from __future__ import annotations

import json
from collections.abc import AsyncGenerator
from contextlib import aclosing
from typing import Annotated, Any, Final

from fastapi import APIRouter, Depends, Request
from starlette.responses import Response

from services.serve.adapters.streaming import EventStream, Pace, frames
from services.serve.domain import sse
from services.serve.domain.parameters import Parameter
from services.serve.domain.searching import LANGUAGE, SECTION, SOURCE, TAG, search_request
from services.serve.handlers import Start, event_filter_holds, start_after
from services.serve.routes.answers import ERRORS, documented, query_values
from services.serve.routes.services import Ports, Services
from shared import instants
from shared.access import require
from shared.observability.metrics import SSE_CLIENTS
from shared.problems import ProblemError

router = APIRouter(prefix="/v1", tags=["events"])

RETRY_MS: Final = 3_000
_EARLIEST: Final = "earliest"
_FILTERS: Final = (TAG, SECTION, SOURCE, LANGUAGE)
_FULL_RETRY_SECONDS: Final = 10


def _since(value: str) -> int:
    return 0 if value.strip() == _EARLIEST else instants.milliseconds(value)


_EVENTS: Final = (
    Parameter(
        "since",
        "Begin at this time (ISO 8601 or Unix milliseconds), or at `earliest`. The id parameters win over it.",
        _since,
        "2026-03-14T12:00:00Z",
    ),
    Parameter(
        "last_event_id",
        "Resume after this id; the header `Last-Event-ID` wins over it.",
        str,
        "1773489600000-0",
        aliases=("lastEventID",),
    ),
    *_FILTERS,
)
_LAST_EVENT_ID: Final = {
    "name": "Last-Event-ID",
    "in": "header",
    "required": False,
    "description": "Resume after this id; browsers send it by themselves.",
    "schema": {"type": "string"},
    "example": "1773489600000-0",
}
_SAMPLE: Final = (
    'retry: 3000\nevent: hello\nid: 1773489600000-0\ndata: {"from":"1773489600000-0","head":"1773489600000-0"}\n\n'
    'id: 1773489660000-0\ndata: {"specversion":"1.0","type":"org.broadsheet.article.published.v1", ...}\n\n: hb\n\n'
)
_STREAM: Final[dict[int | str, dict[str, Any]]] = {
    200: {
        "description": (
            "`hello` first; then one unnamed event per publication, its data a CloudEvents 1.0 object whose `data` is"
            " the article's card; `gap` {requested, resumed_from, reason} when the wanted place is not in the log."
        ),
        "content": {"text/event-stream": {"schema": {"type": "string"}, "example": _SAMPLE}},
    },
    401: {"description": "A key with the scope `subscribe` is needed here."},
    403: {"description": "The key lacks the scope `subscribe`."},
    429: {"description": "Too many open streams; see `Retry-After`."},
}
_subscribe = require("subscribe")


async def _may_subscribe(request: Request, ports: Ports) -> None:
    """Public events are for everybody; otherwise the key must have the scope, as on every guarded route."""
    if not ports.settings.public_events:
        await _subscribe(request, None, None)


@router.get(
    "/events",
    summary="Publications as server-sent events",
    response_class=Response,
    responses=ERRORS | _STREAM,
    openapi_extra={"parameters": [*documented(_EVENTS)["parameters"], _LAST_EVENT_ID]},
)
async def events(request: Request, ports: Ports, _: Annotated[None, Depends(_may_subscribe)]) -> Response:
    """History and live are one stream: no gap, no repeat. Filters never change the cursor."""
    values = query_values(request, _EVENTS)
    names = {row.name for row in _FILTERS}
    wanted = search_request(
        [(name, text) for name, text in request.query_params.multi_items() if _canonical(name) in names], _FILTERS
    )
    asked = request.headers.get("last-event-id") or values.get("last_event_id")
    since = values.get("since")
    start = await start_after(
        ports.publications, str(asked) if asked else None, since if isinstance(since, int) else None
    )
    address = request.client.host if request.client else "local"
    if not ports.seats.take(address):
        raise ProblemError(
            429,
            "too many open streams",
            rule="too-many-streams",
            headers={"Retry-After": str(_FULL_RETRY_SECONDS)},
        )
    SSE_CLIENTS.inc()

    def leave() -> None:
        ports.seats.leave(address)
        SSE_CLIENTS.dec()

    headers = {"mercure-last-event-id": start.label} if start.requested is not None else {}
    follower = ports.hub.follow(start.cursor)
    pace = _pace(ports)
    body = _opened(
        start, frames(ports.hub, follower, accepts=lambda event: event_filter_holds(wanted, event), pace=pace)
    )
    return EventStream(body, headers=headers, write_seconds=pace.write, on_end=leave)


def _canonical(name: str) -> str:
    return next((row.name for row in _FILTERS if name in (row.name, *row.aliases)), name)


def _pace(ports: Services) -> Pace:
    settings = ports.settings
    return Pace(settings.sse_heartbeat_seconds, settings.sse_lifetime_seconds, settings.sse_write_seconds)


async def _opened(start: Start, rest: AsyncGenerator[bytes]) -> AsyncGenerator[bytes]:
    hello = json.dumps({"from": start.cursor, "head": start.head})
    first = sse.frame(data=hello, event="hello", cursor=start.cursor, retry_ms=RETRY_MS)
    if start.gap is not None:
        gap = {"requested": start.requested, "resumed_from": start.label, "reason": start.gap}
        first += sse.frame(data=json.dumps(gap), event="gap")
    yield first
    async with aclosing(rest):
        async for chunk in rest:
            yield chunk
