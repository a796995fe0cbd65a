"""`POST /v1/websub`: the WebSub hub of every public feed. notify verifies callbacks and delivers content."""

from __future__ import annotations

from typing import Any, Final
from urllib.parse import parse_qs

from fastapi import APIRouter, Request
from starlette.responses import Response

from services.serve.domain.saved_searches import BadField
from services.serve.domain.websub import HubRequest, hub_request
from services.serve.routes.responses import ERRORS
from services.serve.routes.services import Ports
from services.serve.routes.subscriptions import read_body
from shared.fetch import FetchRefused, TargetChecker
from shared.problems import ProblemError

router = APIRouter(tags=["feeds"])

_FORM: Final = "application/x-www-form-urlencoded"
_MOST_FIELDS: Final = 20
_BODY: Final[dict[str, Any]] = {
    "requestBody": {
        "required": True,
        "content": {
            _FORM: {
                "schema": {
                    "type": "object",
                    "required": ["hub.mode", "hub.callback", "hub.topic"],
                    "properties": {
                        "hub.mode": {"type": "string", "enum": ["subscribe", "unsubscribe"]},
                        "hub.callback": {"type": "string", "format": "uri"},
                        "hub.topic": {"type": "string", "format": "uri"},
                        "hub.lease_seconds": {"type": "integer"},
                        "hub.secret": {"type": "string", "maxLength": 199},
                    },
                }
            }
        },
    }
}


@router.post(
    "/v1/websub",
    status_code=202,
    response_class=Response,
    summary="Subscribe to a feed, or unsubscribe (WebSub)",
    responses=ERRORS | {415: {"description": f"The body is {_FORM}."}},
    openapi_extra=_BODY,
)
async def hub(request: Request, ports: Ports) -> Response:
    """Asynchronous: the subscription is active once the callback has echoed the challenge."""
    if request.headers.get("content-type", "").partition(";")[0].strip().lower() != _FORM:
        raise ProblemError(415, f"the body is {_FORM}", rule="media-type")
    asked = hub_request(_form(await read_body(request)), public_url=ports.settings.public_url)
    await ports.webhooks.follow(asked, await _checked(ports.sinks, asked))
    return Response(status_code=202)


def _form(body: bytes) -> dict[str, list[str]]:
    try:
        text = body.decode("utf-8")
        return parse_qs(text, keep_blank_values=True, errors="strict", max_num_fields=_MOST_FIELDS)
    except ValueError:
        raise BadField("body", f"is a form in UTF-8 of at most {_MOST_FIELDS} fields") from None


async def _checked(sinks: TargetChecker, asked: HubRequest) -> str:
    try:
        return (await sinks.check(asked.callback)).href
    except FetchRefused as error:
        raise BadField("hub.callback", str(error)) from None
