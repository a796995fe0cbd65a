"""`/v1/sources`: feeds and sitemaps that are polled."""

from __future__ import annotations

from dataclasses import asdict
from datetime import UTC, datetime
from typing import Annotated, Any, Final

import orjson
from fastapi import APIRouter, Depends, Request
from starlette.responses import Response

from services.ingest.adapters.bodies import HeldBytes
from services.ingest.domain.refusals import refuse
from services.ingest.domain.sources import SOURCE_ID, SourceSpec, read_source, state_of
from services.ingest.domain.strict_json import parse_object
from services.ingest.handlers import Doors
from services.ingest.routes.outgoing_examples import (
    DELETE_RESPONSES,
    LIST_OPERATION,
    LIST_RESPONSES,
    PUT_OPERATION,
    PUT_RESPONSES,
    SOURCE_RESPONSES,
)
from services.ingest.routes.requests import media_type_of
from shared.access import require
from shared.fetch import FetchRefused
from shared.fetch.target import judge_url
from shared.problems import ProblemError, invalid_field
from shared.store.articles.port import Credential
from shared.store.sources import SourceRecord

MAX_BODY: Final = 64 * 1024
MAX_PAGE: Final = 500

router = APIRouter()


@router.put(
    "/v1/sources/{source_id}",
    summary="Make or change a source",
    operation_id="putSource",
    tags=["sources"],
    response_class=Response,
    responses=PUT_RESPONSES,
    openapi_extra=PUT_OPERATION,
)
async def put_source(request: Request, source_id: str, _: Annotated[Credential, Depends(require("admin"))]) -> Response:
    """Poll a feed or sitemap from now on. The same again changes nothing; a change is polled at once.

    The id of the source is the `source` of its articles. The URL must be public: see `BROADSHEET_FETCH_ALLOW`.
    """
    media_type_of(request, ("application/json",))
    held: HeldBytes = request.app.state.held
    doors = _doors(request)
    async with held.body(request, limit=MAX_BODY, seconds=request.app.state.settings.body_seconds) as body:
        spec = read_source(parse_object(body))
    _check_id(source_id)
    try:
        judge_url(spec.url, doors.policy)
    except FetchRefused as error:
        raise refuse("url", str(error)) from error
    outcome = await doors.sources.put(source_id, asdict(spec))
    if outcome == "full":
        raise ProblemError(409, "there are as many sources as there may be", rule="too-many-sources")
    record = await _record(request, source_id)
    return _json(201 if outcome == "created" else 200, _shown(record) | {"status": outcome})


@router.get(
    "/v1/sources/{source_id}",
    summary="Show a source and its last poll",
    operation_id="getSource",
    tags=["sources"],
    response_class=Response,
    responses=SOURCE_RESPONSES,
)
async def get_source(
    request: Request, source_id: str, _: Annotated[Credential, Depends(require("ingest"))]
) -> Response:
    """What is polled, when next, and what the last poll found: counts, the error if there was one, hubs, moves."""
    return _json(200, _shown(await _record(request, source_id)))


@router.delete(
    "/v1/sources/{source_id}",
    summary="Forget a source",
    operation_id="deleteSource",
    tags=["sources"],
    status_code=204,
    response_class=Response,
    responses=DELETE_RESPONSES,
)
async def delete_source(
    request: Request, source_id: str, _: Annotated[Credential, Depends(require("admin"))]
) -> Response:
    """Poll it no more. Its articles stay."""
    _check_id(source_id)
    if not await _doors(request).sources.delete(source_id):
        raise _unknown()
    return Response(status_code=204)


@router.get(
    "/v1/sources",
    summary="List sources",
    operation_id="listSources",
    tags=["sources"],
    response_class=Response,
    responses=LIST_RESPONSES,
    openapi_extra=LIST_OPERATION,
)
async def list_sources(request: Request, _: Annotated[Credential, Depends(require("ingest"))]) -> Response:
    """Sources in the order of their ids; `next` is the `after` of the next page."""
    known = {"after", "limit"}
    if strange := [name for name in request.query_params if name not in known]:
        raise invalid_field(strange[0][:40], "is not known; known: after, limit")
    after = request.query_params.get("after", "")
    text = request.query_params.get("limit", "100")
    if after:
        _check_id(after)
    if not (text.isascii() and text.isdigit() and len(text) < 5 and 1 <= int(text) <= MAX_PAGE):
        raise invalid_field("limit", f"must be a whole number from 1 to {MAX_PAGE}")
    limit = int(text)
    records = await _doors(request).sources.page(after=after, limit=limit)
    following = records[-1].source_id if len(records) == limit else None
    return _json(200, {"sources": [_shown(record) for record in records], "next": following})


def _doors(request: Request) -> Doors:
    doors: Doors = request.app.state.doors
    return doors


def _check_id(source_id: str) -> None:
    if not SOURCE_ID.fullmatch(source_id):
        raise invalid_field("source_id", "must be 1 to 80 letters, digits, dots, dashes and underscores")


async def _record(request: Request, source_id: str) -> SourceRecord:
    _check_id(source_id)
    record = await _doors(request).sources.get(source_id)
    if record is None:
        raise _unknown()
    return record


def _unknown() -> ProblemError:
    return ProblemError(404, "there is no such source", rule="unknown-source")


def _shown(record: SourceRecord) -> dict[str, Any]:
    spec = SourceSpec(**record.spec)
    state = asdict(state_of(record.state, spec))
    for name in ("known", "url", "etag", "last_modified"):  # how it is done, not what was found
        state.pop(name)
    due = record.due_ms
    next_poll = None if due is None else datetime.fromtimestamp(due / 1000, UTC).isoformat(timespec="seconds")
    return {"id": record.source_id, **asdict(spec), "next_poll_at": next_poll, "last_poll": state}


def _json(status: int, value: dict[str, Any]) -> Response:
    return Response(orjson.dumps(value), status, media_type="application/json")
