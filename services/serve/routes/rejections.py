"""`/v1/rejections`: articles that were accepted and rejected later, for their producers and admins."""

from __future__ import annotations

from typing import Any, Final

from fastapi import APIRouter, Request
from starlette.responses import Response

from services.serve.adapters.stream_responses import EventStream
from services.serve.adapters.stream_start import start_after
from services.serve.domain.content_negotiation import BATCH, NDJSON, SSE, preferred_media_type
from services.serve.domain.event_filters import EventFilter, RejectionFilter
from services.serve.domain.parameters import parse
from services.serve.domain.search_parameters import SOURCE
from services.serve.domain.search_request import ANY
from services.serve.routes.events import LAST_EVENT_ID, STREAM_RESPONSES
from services.serve.routes.responses import ERRORS, documented
from services.serve.routes.services import Ports
from services.serve.routes.stream_answers import acquire_slot, follow_stream, poll_answer, resumed
from services.serve.routes.stream_requests import LAST_ID, SINCE, TIMEOUT, StreamRequest, identify_caller
from shared.problems import ProblemError

router = APIRouter(prefix="/v1", tags=["events"])

_PARAMETERS: Final = (SINCE, LAST_ID, SOURCE)
_REFUSED: Final[dict[int | str, dict[str, Any]]] = {
    401: {"description": "A key with the scope `ingest` or `admin` is needed."},
    403: {"description": "The key lacks the scope `ingest`."},
}


@router.get(
    "/rejections",
    summary="Rejected articles of this key",
    response_class=Response,
    responses=ERRORS | STREAM_RESPONSES | _REFUSED,
    openapi_extra={
        "parameters": [*documented((*_PARAMETERS, TIMEOUT))["parameters"], LAST_EVENT_ID],
        "security": [{"bearer": []}, {"apiKey": []}],
    },
)
async def rejections(request: Request, ports: Ports) -> Response:
    """`article.rejected` events of articles that this key posted; a key with the scope `admin` sees those of all keys.

    The transports and positions of `/v1/events`, over a log and with cursors of its own. Kept for 30 days.
    """
    caller = await identify_caller(request, public=False, scope="ingest")
    media = preferred_media_type(request.headers.get("accept"))
    if media is None:
        raise ProblemError(406, f"Accept must allow {SSE}, {NDJSON} or {BATCH}", rule="not-acceptable")
    known = _PARAMETERS if media == SSE else (*_PARAMETERS, TIMEOUT)
    values = parse(request.query_params.multi_items(), known)
    position = request.headers.get("last-event-id") or values.get("last_event_id")
    stream = StreamRequest(
        EventFilter(), str(position) if position else None, values.get("since"), int(values.get("timeout", 0))
    )
    is_admin = caller.credential is not None and "admin" in caller.credential.scopes
    event_filter = RejectionFilter(owner=None if is_admin else caller.key_id or "", sources=values.get("source", ANY))
    if media != SSE:
        return await poll_answer(request, ports, ports.rejections, event_filter, stream, caller, media)
    start = await start_after(ports.rejections.log, stream.requested, stream.since_ms)
    release = acquire_slot(ports, caller)
    follow = follow_stream(ports, ports.rejections, event_filter, caller, start)
    return EventStream(follow, headers=resumed(start), on_end=release)
