"""`POST /v1/articles`: accepts one page or article; 202 once it is durable."""

from __future__ import annotations

import time
from typing import Annotated, Final

import orjson
from fastapi import APIRouter, Depends, Request
from starlette.responses import Response

from services.ingest.adapters.bodies import BodyBudget
from services.ingest.adapters.committer import Committer
from services.ingest.domain.bodies import MediaType
from services.ingest.domain.drafts import Draft, Params, draft_json, draft_page, read_params
from services.ingest.domain.identity import fingerprint
from services.ingest.domain.rejections import InputRejected, shown_name
from services.ingest.handlers import RequestContext, accept_article
from services.ingest.routes.examples import ARTICLE_OPERATION, ARTICLE_RESPONSES
from services.ingest.routes.requests import idempotency_key_of, media_type_of
from services.ingest.settings import IngestSettings
from shared.access import require
from shared.clock import now
from shared.observability.metrics import INGEST_ACK_SECONDS, INGEST_REQUESTS
from shared.problems import Problem, ProblemError, invalid_field
from shared.store.articles.port import AcceptOutcome, Credential

INPUTS: Final = {
    "text/plain": "text",
    "text/markdown": "text",
    "text/html": "html",
    "application/xhtml+xml": "html",
    "application/json": "json",
}

router = APIRouter()


@router.post(
    "/v1/articles",
    summary="Post one article",
    operation_id="postArticle",
    tags=["articles"],
    status_code=202,
    response_class=Response,
    responses=ARTICLE_RESPONSES,
    openapi_extra=ARTICLE_OPERATION,
)
async def post_article(request: Request, credential: Annotated[Credential, Depends(require("ingest"))]) -> Response:
    """Post a scraped page as plain text, Markdown or HTML, or an article as JSON.

    `202 Accepted` means the article and its event are on disk; 200 that nothing had to be written. The same
    request with the same `Idempotency-Key` returns the same id and revision.
    """
    started = time.monotonic()
    media = media_type_of(request, tuple(INPUTS))
    input_name = INPUTS[media.name]
    try:
        outcome = await _accept(request, media, credential)
    except (ProblemError, InputRejected):
        INGEST_REQUESTS.labels(input_name, "rejected").inc()
        raise
    INGEST_REQUESTS.labels(input_name, outcome.status).inc()
    INGEST_ACK_SECONDS.observe(time.monotonic() - started)
    return acceptance_response(request.app.state.settings, outcome)


async def _accept(request: Request, media: MediaType, credential: Credential) -> AcceptOutcome:
    settings: IngestSettings = request.app.state.settings
    budget: BodyBudget = request.app.state.body_budget
    committer: Committer = request.app.state.committer
    key = idempotency_key_of(request)
    params = read_params(request.scope["query_string"])
    limits = {"text": settings.text_bytes, "html": settings.html_bytes, "json": settings.json_bytes}
    limit = limits[INPUTS[media.name]]
    async with budget.body(request, limit=limit, seconds=settings.body_seconds) as body:
        draft = _draft(media, body, params)
        request_fingerprint = fingerprint("POST", "/v1/articles", params, str(media), body)
        return await accept_article(draft, RequestContext(credential, key, request_fingerprint), committer)


def _draft(media: MediaType, body: bytes, params: Params) -> Draft:
    if media.name != "application/json":
        return draft_page(media, body, params, now=now())
    if params:
        raise invalid_field(shown_name(params[0][0]), "belongs in the JSON body, not in the query")
    if media.charset not in {None, "utf-8"}:
        raise ProblemError(415, "JSON is always UTF-8", rule="unsupported-media-type")
    return draft_json(body, now=now())


def acceptance_response(settings: IngestSettings, outcome: AcceptOutcome) -> Response:
    """The HTTP response for an acceptance outcome."""
    if outcome.status == "key-reused":
        detail = "the Idempotency-Key was used for another request"
        return Problem(422, detail, "idempotency-key-reused").response("/v1/articles")
    if outcome.status == "retracted":
        return Problem(410, "the article was retracted; a retraction is final", "retracted").response("/v1/articles")
    if outcome.status == "foreign":
        detail = "source: the article was moved to another source"
        return Problem(409, detail, "moved").response("/v1/articles")
    if outcome.status == "stale":
        detail = f"version: is not greater than the stored version (stored revision {outcome.rev})"
        return Problem(409, detail, "stale").response("/v1/articles")
    article = f"{settings.public_url.rstrip('/')}/v1/articles/{outcome.article_id}"
    body = {
        "id": outcome.article_id,
        "rev": outcome.rev,
        "status": outcome.status,
        "links": {"trace": f"{article}/trace", "article": article},
    }
    status = 202 if outcome.status == "accepted" else 200
    return Response(orjson.dumps(body), status, headers={"Location": article}, media_type="application/json")
