"""`POST /v1/fetch`: fetches one page by its URL."""

from __future__ import annotations

from typing import Annotated, Any, Final

from fastapi import APIRouter, Depends, Request
from starlette.responses import Response

from services.ingest.adapters.bodies import BodyBudget
from services.ingest.domain.fields import read_submission
from services.ingest.domain.identity import fingerprint
from services.ingest.domain.rejections import reject
from services.ingest.domain.strict_json import parse_object
from services.ingest.handlers import OutboundFetcher, RequestContext
from services.ingest.routes.articles import acceptance_response
from services.ingest.routes.examples import ARTICLE_RESPONSES
from services.ingest.routes.outgoing_examples import FETCH_OPERATION, FETCH_RESPONSES
from services.ingest.routes.requests import idempotency_key_of, media_type_of
from shared.access import require
from shared.clock import now
from shared.fetch import FetchError, FetchRefused
from shared.observability.metrics import INGEST_REQUESTS
from shared.problems import FieldError, ProblemError
from shared.store.articles.port import Credential

MAX_BODY: Final = 64 * 1024
_FIELDS: Final = frozenset({"url", "source"})

router = APIRouter()


@router.post(
    "/v1/fetch",
    summary="Fetch one page",
    operation_id="fetchPage",
    tags=["articles"],
    status_code=202,
    response_class=Response,
    responses={**ARTICLE_RESPONSES, **FETCH_RESPONSES},
    openapi_extra=FETCH_OPERATION,
)
async def fetch_page(request: Request, credential: Annotated[Credential, Depends(require("ingest"))]) -> Response:
    """Fetch a public page and accept it as if it had been posted with its URL. Limits: 3 redirects, 5 MiB, 20 s.

    422: the page may not be fetched or is not acceptable. 502: its server gave no complete response.
    """
    media_type_of(request, ("application/json",))
    key = idempotency_key_of(request)
    budget: BodyBudget = request.app.state.body_budget
    async with budget.body(request, limit=MAX_BODY, seconds=request.app.state.settings.body_seconds) as body:
        given = parse_object(body)
        request_fingerprint = fingerprint("POST", "/v1/fetch", (), "application/json", body)
    url, source = _read(given)
    outbound: OutboundFetcher = request.app.state.outbound
    try:
        outcome = await outbound.fetch_page(url, source, RequestContext(credential, key, request_fingerprint))
    except FetchError as error:
        INGEST_REQUESTS.labels("fetch", "rejected").inc()
        status = 422 if isinstance(error, FetchRefused) else 502
        raise ProblemError(
            status, f"url: {error}", rule=error.reason, errors=[FieldError("url", str(error))]
        ) from error
    INGEST_REQUESTS.labels("fetch", outcome.status).inc()
    return acceptance_response(request.app.state.settings, outcome)


def _read(given: dict[str, Any]) -> tuple[str, str | None]:
    if strange := sorted(given.keys() - _FIELDS):
        raise reject(strange[0] if strange[0].isidentifier() else "body", "is not known; known: url, source")
    submission = read_submission(given, now=now())
    if submission.url is None:
        raise reject("url", "is needed")
    return submission.url, submission.source
