"""`/v1/subscriptions/{id}/...`: the webhook of a saved search: deliveries, test, replay, enable, secret."""

from __future__ import annotations

from typing import Any, Final

from fastapi import APIRouter, Request

from services.serve.domain.parameters import Parameter, integer
from services.serve.domain.replay_request import parse_replay_request
from services.serve.handlers import NotPublic
from services.serve.routes import webhook_schemas as schemas
from services.serve.routes.responses import NOT_FOUND, documented, query_values
from services.serve.routes.services import Ports, Services
from services.serve.routes.subscriptions import GUARDED, Caller, owned, read_body, refuse_ended_key
from shared.store.articles.port import Credential
from shared.store.webhooks.endpoints import Endpoint

router = APIRouter(prefix="/v1/subscriptions/{subscription_id}", tags=["webhooks"])

_LIST: Final = (Parameter("page-size", "How many deliveries.", integer(1, 200), "50"),)
_ANSWERS: Final[dict[int | str, dict[str, Any]]] = (
    GUARDED | NOT_FOUND | {409: {"description": "The state of the endpoint does not allow this; see `type`."}}
)
_REPLAY: Final[dict[str, Any]] = {
    "type": "object",
    "additionalProperties": False,
    "properties": {
        "delivery": {"type": "string", "pattern": "^msg_[a-z2-7]{32}$"},
        "since": {"type": "string", "example": "2026-03-14T12:00:00Z"},
        "until": {"type": "string", "example": "1773489600000-0"},
    },
}
_BODY: Final[dict[str, Any]] = {"requestBody": {"required": True, "content": {"application/json": {"schema": _REPLAY}}}}


@router.get(
    "/deliveries",
    summary="Deliveries of a webhook",
    response_model=schemas.DeliveriesResponse,
    responses=_ANSWERS,
    openapi_extra=documented(_LIST),
)
async def deliveries(
    subscription_id: str, request: Request, ports: Ports, caller: Caller
) -> schemas.DeliveriesResponse:
    """Queued deliveries, soonest first, then finished ones, newest first, each with its latest attempts."""
    found = await _endpoint(ports, caller, subscription_id)
    limit = int(str(query_values(request, _LIST).get("page-size", 50)))
    listed, waiting = await ports.webhooks.deliveries(found, limit=limit)
    body = schemas.DeliveriesBody(
        webhook=schemas.Webhook.of(found), waiting=waiting, results=tuple(map(schemas.DeliveryRow.of, listed))
    )
    return schemas.DeliveriesResponse(response=body)


@router.post(
    "/test", status_code=202, summary="Send a ping now", response_model=schemas.WebhookResponse, responses=_ANSWERS
)
async def ping(subscription_id: str, ports: Ports, caller: Caller) -> schemas.WebhookResponse:
    """A pending endpoint becomes active if it answers 2xx."""
    found = await _endpoint(ports, caller, subscription_id)
    return _webhook_response(found, delivery=await ports.webhooks.test(found))


@router.post(
    "/replay",
    status_code=202,
    summary="Replay one delivery or a range of the log",
    response_model=schemas.WebhookResponse,
    responses=_ANSWERS,
    openapi_extra=_BODY,
)
async def replay(subscription_id: str, request: Request, ports: Ports, caller: Caller) -> schemas.WebhookResponse:
    """Replayed deliveries keep their `webhook-id`. `since` and `until` are cursors or times; a new request replaces
    an unfinished one.
    """
    found, replay_request = (
        await _endpoint(ports, caller, subscription_id),
        parse_replay_request(await read_body(request)),
    )
    if replay_request.delivery is None:
        return _webhook_response(
            found, until=await ports.webhooks.replay(found, after=replay_request.after, until=replay_request.until)
        )
    if not await ports.webhooks.retry(found, replay_request.delivery):
        raise NotPublic("this delivery is no longer stored; replay a range of the log")
    return _webhook_response(found, delivery=replay_request.delivery)


@router.post("/enable", summary="Enable a webhook", response_model=schemas.WebhookResponse, responses=_ANSWERS)
async def enable(subscription_id: str, ports: Ports, caller: Caller) -> schemas.WebhookResponse:
    """Queued deliveries are sent immediately. Events after `missed_after` were not queued while the endpoint was
    disabled: replay `since` that cursor.
    """
    await refuse_ended_key(ports, await owned(ports, caller, subscription_id))
    found = await _endpoint(ports, caller, subscription_id)
    missed = await ports.webhooks.enable(found)
    return _webhook_response(
        await _endpoint(ports, caller, subscription_id), missed_after=schemas.just_before(missed) if missed else None
    )


@router.post(
    "/rotate-secret",
    summary="Rotate the secret of a webhook",
    response_model=schemas.WebhookResponse,
    responses=_ANSWERS,
)
async def rotate(subscription_id: str, ports: Ports, caller: Caller) -> schemas.WebhookResponse:
    """The new secret is shown in this response only. The previous one signs as well for 24 hours."""
    found = await _endpoint(ports, caller, subscription_id)
    secret = await ports.webhooks.rotate(found)
    return schemas.WebhookResponse(response=schemas.WebhookBody(webhook=schemas.Webhook.of(found, secret)))


async def _endpoint(ports: Services, caller: Credential, subscription_id: str) -> Endpoint:
    found = await ports.webhooks.get((await owned(ports, caller, subscription_id)).id)
    if found is None:
        raise NotPublic("this saved search has no webhook: set a sink")
    return found


def _webhook_response(found: Endpoint, **facts: str | None) -> schemas.WebhookResponse:
    return schemas.WebhookResponse(response=schemas.WebhookBody(webhook=schemas.Webhook.of(found), **facts))
