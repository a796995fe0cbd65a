"""`/v1/sources`: feeds and sitemaps to poll."""

from __future__ import annotations

from dataclasses import asdict
from datetime import UTC, datetime
from typing import Annotated, Any, Final

import orjson
from fastapi import APIRouter, Depends, Request
from starlette.responses import Response

from services.ingest.adapters.bodies import BodyBudget
from services.ingest.domain.rejections import reject
from services.ingest.domain.source_rights import check_source
from services.ingest.domain.sources import SOURCE_ID, SourceSpec, read_poll_state, read_source
from services.ingest.domain.strict_json import parse_object
from services.ingest.handlers import OutboundFetcher
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
from shared.articles import CANARY_SOURCE
from shared.fetch import FetchRefused
from shared.problems import ProblemError, invalid_field
from shared.store.articles.port import Credential
from shared.store.sources import SourceRecord

MAX_BODY: Final = 64 * 1024
MAX_PAGE: Final = 500

router = APIRouter()


@router.put(
    "/v1/sources/{source_id}",
    summary="Create or change a source",
    operation_id="putSource",
    tags=["sources"],
    response_class=Response,
    responses=PUT_RESPONSES,
    openapi_extra=PUT_OPERATION,
)
async def put_source(
    request: Request, source_id: str, credential: Annotated[Credential, Depends(require("admin"))]
) -> Response:
    """Poll a feed or sitemap from now on. An identical PUT changes nothing; a changed source is polled at once.

    The source id is the `source` of its articles, which the key must write. The URL must be public: see
    `BROADSHEET_FETCH_ALLOW`.
    """
    media_type_of(request, ("application/json",))
    budget: BodyBudget = request.app.state.body_budget
    outbound = _outbound(request)
    async with budget.body(request, limit=MAX_BODY, seconds=request.app.state.settings.body_seconds) as body:
        spec = read_source(parse_object(body))
    _check_id(source_id)
    if source_id == CANARY_SOURCE:
        raise invalid_field("source_id", "is reserved for self-checks of this server")
    check_source(credential.sources, source_id, credential.scopes)
    try:
        await outbound.targets.check(spec.url)
    except FetchRefused as error:
        raise reject("url", str(error)) from error
    outcome = await outbound.sources.put(source_id, asdict(spec))
    if outcome == "full":
        raise ProblemError(409, "the maximum number of sources is reached", rule="too-many-sources")
    record = await _record(request, source_id)
    return _json(201 if outcome == "created" else 200, _source_json(record) | {"status": outcome})


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
    return _json(200, _source_json(await _record(request, source_id)))


@router.delete(
    "/v1/sources/{source_id}",
    summary="Delete a source",
    operation_id="deleteSource",
    tags=["sources"],
    status_code=204,
    response_class=Response,
    responses=DELETE_RESPONSES,
)
async def delete_source(
    request: Request, source_id: str, credential: Annotated[Credential, Depends(require("admin"))]
) -> Response:
    """Stop polling it. Its articles stay."""
    _check_id(source_id)
    check_source(credential.sources, source_id, credential.scopes)
    if not await _outbound(request).sources.delete(source_id):
        raise _unknown_source()
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
    """Sources in id order. Pass `next` as `after` to get the next page."""
    known = {"after", "limit"}
    if extra := [name for name in request.query_params if name not in known]:
        raise invalid_field(extra[0][:40], "unknown parameter. Known parameters: after, limit")
    after = request.query_params.get("after", "")
    text = request.query_params.get("limit", "100")
    if after:
        _check_id(after)
    if not (text.isascii() and text.isdigit() and len(text) < 5 and 1 <= int(text) <= MAX_PAGE):
        raise invalid_field("limit", f"must be a whole number from 1 to {MAX_PAGE}")
    limit = int(text)
    records = await _outbound(request).sources.page(after=after, limit=limit)
    following = records[-1].source_id if len(records) == limit else None
    return _json(200, {"sources": [_source_json(record) for record in records], "next": following})


def _outbound(request: Request) -> OutboundFetcher:
    outbound: OutboundFetcher = request.app.state.outbound
    return outbound


def _check_id(source_id: str) -> None:
    if not SOURCE_ID.fullmatch(source_id):
        raise invalid_field("source_id", "must be 1 to 80 letters, digits, dots, dashes and underscores")


async def _record(request: Request, source_id: str) -> SourceRecord:
    _check_id(source_id)
    record = await _outbound(request).sources.get(source_id)
    if record is None:
        raise _unknown_source()
    return record


def _unknown_source() -> ProblemError:
    return ProblemError(404, "unknown source", rule="unknown-source")


def _source_json(record: SourceRecord) -> dict[str, Any]:
    spec = SourceSpec(**record.spec)
    state = asdict(read_poll_state(record.state, spec))
    for name in ("known", "url", "etag", "last_modified"):  # internal polling state
        state.pop(name)
    state |= {name: int(record.counts.get(name, 0)) for name in ("published", "dead", "published_total", "dead_total")}
    state |= {name: record.counts.get(name, "") for name in ("dead_reason", "dead_at")}
    state["dead_article_id"] = record.counts.get("dead_article", "").rpartition(":")[2]
    due = record.due_ms
    next_poll = None if due is None else datetime.fromtimestamp(due / 1000, UTC).isoformat(timespec="seconds")
    return {"id": record.source_id, **asdict(spec), "next_poll_at": next_poll, "last_poll": state}


def _json(status: int, value: dict[str, Any]) -> Response:
    return Response(orjson.dumps(value), status, media_type="application/json")
