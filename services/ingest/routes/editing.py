"""What an editor does to an article: withdraw, retract, restore, move, and remove a correction note."""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Annotated, Any, Final

import orjson
from fastapi import APIRouter, Depends, Request
from starlette.responses import Response

from services.ingest.adapters.bodies import BodyBudget
from services.ingest.adapters.editing import StateChangeRequest, apply_state_change, move_article, remove_correction
from services.ingest.domain.fields import clean_text, is_visible, read_submission
from services.ingest.domain.identity import fingerprint
from services.ingest.domain.rejections import reject, shown_name
from services.ingest.domain.strict_json import parse_object
from services.ingest.routes.examples import (
    EDIT_OPERATION,
    EDIT_RESPONSES,
    MOVE_OPERATION,
    MOVE_RESPONSES,
    REMOVE_NOTE_RESPONSES,
)
from services.ingest.routes.requests import idempotency_key_of, media_type_of
from services.ingest.settings import IngestSettings
from shared.access import require
from shared.clock import now
from shared.ids import ARTICLE_ID
from shared.problems import Problem, ProblemError, invalid_field
from shared.store.articles.lifecycle import ChangeOutcome, Verb
from shared.store.articles.port import Credential

MAX_REASON: Final = 1_000
_MAX_BODY: Final = 16_384
_REV: Final = re.compile(r"[0-9]{1,15}")
_MAY: Final = {
    Verb.WITHDRAW: "only an article that is not withdrawn or retracted can be withdrawn",
    Verb.RETRACT: "a retraction is final",
    Verb.RESTORE: "only a withdrawn article can be restored",
    Verb.ORIGINAL: "only a published article can be declared the original",
    Verb.NOT_A_COPY: "only a published article can be declared no copy",
}
_OPERATIONS: Final = {Verb.ORIGINAL: "declareOriginal", Verb.NOT_A_COPY: "declareNoCopy"}

router = APIRouter()


def _route(verb: Verb, summary: str, text: str) -> None:
    async def act(
        request: Request, article_id: str, credential: Annotated[Credential, Depends(require("edit"))]
    ) -> Response:
        return await _act(request, article_id, verb, credential)

    act.__doc__ = text
    router.add_api_route(
        f"/v1/articles/{{article_id}}/{verb.value}",
        act,
        methods=["POST"],
        summary=summary,
        operation_id=f"{_OPERATIONS.get(verb, verb.value)}Article",
        tags=["articles"],
        status_code=202,
        response_class=Response,
        responses=EDIT_RESPONSES,
        openapi_extra=EDIT_OPERATION,
    )


_route(
    Verb.WITHDRAW,
    "Withdraw an article",
    "Remove it from every list, search and stream. A notice with its title and the reason remains. It can be restored.",
)
_route(
    Verb.RETRACT,
    "Retract an article permanently",
    "Erase its text and return 410 with the reason. Subscribers that received it get a tombstone. Irreversible.",
)
_route(
    Verb.ORIGINAL,
    "Declare an article the original",
    "Articles with its text become its copies, whichever came first. It counts against sources that the key writes.",
)
_route(
    Verb.NOT_A_COPY,
    "Declare that an article is no copy",
    "It is listed beside the articles with its text. It counts against the sources that the key writes.",
)
_route(Verb.RESTORE, "Restore a withdrawn article", "Publish it again with its newest accepted text.")


@router.post(
    "/v1/articles/{article_id}/move",
    summary="Move an article to another source",
    operation_id="moveArticle",
    tags=["articles"],
    status_code=202,
    response_class=Response,
    responses=MOVE_RESPONSES,
    openapi_extra=MOVE_OPERATION,
)
async def move(
    request: Request, article_id: str, credential: Annotated[Credential, Depends(require("admin"))]
) -> Response:
    """Give it to another source, whose keys write it from now on. The key must write both sources.

    It keeps its id, and is published again under the new source. The trace names who moved it, from where, and why.
    """
    change, given = await _editorial_request(request, article_id, Verb.MOVE, ("source", "reason"))
    new_source = read_submission({"source": given.get("source")}, now=now()).source
    if new_source is None:
        raise reject("source", "is required: the source that the article belongs to from now on")
    outcome = await move_article(request.app.state.store, credential, change, new_source)
    path = request.url.path
    if outcome is None:
        return Problem(404, f"there is no article {article_id}", "not-found").response(path)
    if outcome.status == "key-reused":
        return _key_reused(path)
    if outcome.status == "wrong-state":
        return Problem(409, "the article is withdrawn or retracted; it cannot be moved", "wrong-state").response(path)
    return _accepted(request.app.state.settings, article_id, outcome.rev, outcome.status)


@router.delete(
    "/v1/articles/{article_id}/corrections/{rev}",
    summary="Remove a correction note",
    operation_id="removeCorrection",
    tags=["articles"],
    status_code=202,
    response_class=Response,
    responses=REMOVE_NOTE_RESPONSES,
)
async def remove_note(
    request: Request, article_id: str, rev: str, credential: Annotated[Credential, Depends(require("edit"))]
) -> Response:
    """Take the note of revision `rev` off the article and publish it again without it."""
    if not ARTICLE_ID.match(article_id) or not _REV.fullmatch(rev):
        return Problem(
            404, "an article id has 26 characters of a-z and 2-7, a revision is a number", "not-found"
        ).response()
    outcome = await remove_correction(request.app.state.store, credential, article_id, int(rev))
    path = request.url.path
    if outcome.status == "unknown":
        return Problem(404, f"there is no article {article_id}", "not-found").response(path)
    if outcome.status == "no-note":
        return Problem(404, f"there is no correction note of revision {rev}", "not-found").response(path)
    if outcome.status == "wrong-state":
        return Problem(409, "the article is retracted; it shows no notes", "wrong-state").response(path)
    return _accepted(request.app.state.settings, article_id, outcome.rev, "accepted")


async def _act(request: Request, article_id: str, verb: Verb, credential: Credential) -> Response:
    change, _ = await _editorial_request(request, article_id, verb, ("reason",))
    outcome = await apply_state_change(request.app.state.store, credential, change)
    return _response(request.app.state.settings, change, outcome, request.url.path)


async def _editorial_request(
    request: Request, article_id: str, verb: Verb, fields: Sequence[str]
) -> tuple[StateChangeRequest, dict[str, Any]]:
    """The request of a verb, with a reason, and the members of its body. Raises a problem or InputRejected."""
    path = request.url.path
    if not ARTICLE_ID.match(article_id):
        raise ProblemError(404, "an article id has 26 characters from a-z and 2-7", rule="not-found")
    media = media_type_of(request, ("application/json",))
    if media.charset not in {None, "utf-8"}:
        raise ProblemError(415, "JSON is always UTF-8", rule="unsupported-media-type")
    if request.url.query:
        raise invalid_field("query", f"no parameters are accepted; send {' and '.join(fields)} as JSON")
    key = idempotency_key_of(request)
    settings: IngestSettings = request.app.state.settings
    budget: BodyBudget = request.app.state.body_budget
    async with budget.body(request, limit=_MAX_BODY, seconds=settings.body_seconds) as body:
        given = parse_object(body)
        if extra := next((name for name in given if name not in fields), None):
            raise reject(shown_name(extra), f"unknown field. Known fields: {', '.join(fields)}")
        request_fingerprint = fingerprint("POST", path, (), media.name, body)
        return StateChangeRequest(article_id, verb, _reason(given), key, request_fingerprint), given


def _reason(given: dict[str, Any]) -> str:
    value = given.get("reason")
    if not isinstance(value, str):
        raise reject("reason", "is required, as a string shown to readers")
    try:
        reason = " ".join(clean_text(value).split())
    except ValueError as error:
        raise reject("reason", str(error)) from None
    if not is_visible(reason):
        raise reject("reason", "is empty or invisible")
    if len(reason) > MAX_REASON:
        raise reject("reason", f"is longer than {MAX_REASON} characters")
    return reason


def _response(settings: IngestSettings, change: StateChangeRequest, outcome: ChangeOutcome, path: str) -> Response:
    if outcome.status == "unknown":
        return Problem(404, f"there is no article {change.article_id}", "not-found").response(path)
    if outcome.status == "key-reused":
        return _key_reused(path)
    if outcome.status == "wrong-state":
        state = outcome.state.value if outcome.state else "unknown"
        return Problem(409, f"the article is {state}; {_MAY[change.verb]}", "wrong-state").response(path)
    return _accepted(settings, change.article_id, outcome.rev, outcome.status)


def _key_reused(path: str) -> Response:
    detail = "the Idempotency-Key was used for another request"
    return Problem(422, detail, "idempotency-key-reused").response(path)


def _accepted(settings: IngestSettings, article_id: str, rev: int, outcome: str) -> Response:
    article = f"{settings.public_url.rstrip('/')}/v1/articles/{article_id}"
    links = {"trace": f"{article}/trace", "article": article}
    body = {"id": article_id, "rev": rev, "status": outcome, "links": links}
    status = 202 if outcome == "accepted" else 200
    return Response(orjson.dumps(body), status, headers={"Location": article}, media_type="application/json")
