"""Answers of a log over HTTP, for every log that subscribers follow: a stream, or one poll."""

from __future__ import annotations

import random
from collections.abc import Callable
from typing import Final
from urllib.parse import urlencode

from fastapi import Request
from starlette.responses import Response

from services.serve.adapters.connections import ClientConnection
from services.serve.adapters.log_streams import LogStreams
from services.serve.adapters.polls import poll
from services.serve.adapters.stream_responses import Follow
from services.serve.adapters.stream_sessions import StreamSession
from services.serve.adapters.stream_start import Start, start_after
from services.serve.domain.content_negotiation import NDJSON
from services.serve.domain.control_frames import ControlFrames
from services.serve.domain.event_filters import StreamFilter
from services.serve.domain.wire_format import WireFormat
from services.serve.routes.services import Services
from services.serve.routes.stream_requests import StreamCaller, StreamRequest
from shared.access import Access, authorize
from shared.observability.metrics import SSE_CLIENTS
from shared.problems import ProblemError

_FULL_RETRY_SECONDS: Final = 10


def follow_stream(
    ports: Services, streams: LogStreams, event_filter: StreamFilter, caller: StreamCaller, start: Start
) -> Follow:
    """What runs on the connection: the opening frames, then history and live."""

    async def follow(connection: ClientConnection, wire_format: WireFormat) -> str:
        frames = ControlFrames(wire_format, ports.settings.public_url)
        parts = [frames.hello(start.cursor, start.head)]
        if start.gap is not None:
            parts.append(frames.gap(start.requested or "", start.label, start.gap, cursor=start.cursor))
        session = StreamSession(
            streams.hub,
            connection,
            frames,
            event_filter=event_filter,
            after=start.cursor,
            key=caller.key,
            timeouts=streams.sessions.timeouts,
        )
        return await streams.sessions.follow(session, frames.opening(*parts))

    return follow


async def poll_answer(
    request: Request,
    ports: Services,
    streams: LogStreams,
    event_filter: StreamFilter,
    stream: StreamRequest,
    caller: StreamCaller,
    media: str,
) -> Response:
    """One answer of a poll, as NDJSON or a batch. Without a position it starts at the beginning of the log."""
    from_start = stream.requested in {None, "null"} and stream.since_ms is None
    requested = "earliest" if from_start else stream.requested
    start = await start_after(streams.log, requested, stream.since_ms)
    release = acquire_slot(ports, caller) if stream.timeout_ms else _nothing_held  # a page refused a stream polls
    try:
        found, cursor = await poll(
            streams.hub,
            streams.history,
            after=start.cursor,
            event_filter=event_filter,
            seconds=stream.timeout_ms / 1_000,
        )
    finally:
        release()
    if caller.key is not None and stream.timeout_ms:
        access: Access = request.app.state.access
        await authorize(access, caller.key, caller.scope)  # it may have been revoked meanwhile
    texts = [encoded.text for encoded in found]
    body = "".join(f"{text}\n" for text in texts) if media == NDJSON else f"[{','.join(texts)}]"
    headers = resumed(start) | {"link": f'<{_next(request, cursor)}>; rel="next"', "cache-control": "no-store"}
    return Response(body.encode("utf-8", "replace"), headers=headers | {"vary": "Accept"}, media_type=media)


def resumed(start: Start) -> dict[str, str]:
    """The header that says where the answer starts, when a position was asked for."""
    return {"mercure-last-event-id": start.label} if start.requested is not None else {}


def acquire_slot(ports: Services, caller: StreamCaller) -> Callable[[], None]:
    """Acquire a connection slot; returns the function that releases it. Raises a 429 problem."""
    if not ports.connection_limiter.acquire(caller.address, caller.key_id):
        wait = _FULL_RETRY_SECONDS + random.randrange(_FULL_RETRY_SECONDS)
        raise ProblemError(429, "too many open streams", rule="too-many-streams", headers={"Retry-After": str(wait)})
    SSE_CLIENTS.inc()

    def release() -> None:
        ports.connection_limiter.release(caller.address, caller.key_id)
        SSE_CLIENTS.dec()

    return release


def _nothing_held() -> None:
    """An answer without waiting is no open stream."""


def _next(request: Request, cursor: str) -> str:
    positions = {"last_event_id", "lastEventID", "lastEventId", "since"}
    kept = [(name, value) for name, value in request.query_params.multi_items() if name not in positions]
    return f"{request.url.path}?{urlencode([*kept, ('lastEventId', cursor)])}"
