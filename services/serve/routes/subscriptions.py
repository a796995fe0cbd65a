"""`/v1/subscriptions`: saved searches of a key and their preview."""

from __future__ import annotations

import asyncio
import re
from datetime import timedelta
from typing import Annotated, Any, Final

from fastapi import APIRouter, Depends, Request
from starlette.requests import ClientDisconnect
from starlette.responses import Response

from services.serve.adapters.previews import preview as preview_of
from services.serve.adapters.webhooks import CreatedEndpoint
from services.serve.domain.parameters import Parameter, integer
from services.serve.domain.saved_searches import BadField, SavedSearchRequest, parse_members, parse_saved_search
from services.serve.handlers import NotPublic
from services.serve.routes import saved_search_schemas as schemas
from services.serve.routes.responses import ERRORS, NOT_FOUND, documented, query_values
from services.serve.routes.schemas import Result
from services.serve.routes.services import Ports, Services
from services.serve.routes.webhook_schemas import Webhook
from shared.access import require
from shared.clock import now
from shared.fetch import FetchRefused
from shared.problems import ProblemError
from shared.store.articles.port import Credential
from shared.store.subscriptions.registry import Subscription, SubscriptionLimit, new_id
from shared.store.webhooks.endpoints import Endpoint

router = APIRouter(prefix="/v1/subscriptions", tags=["subscriptions"])

MAX_BODY: Final = 16 * 1024
_BODY_SECONDS: Final = 10.0
_PREVIEW: Final = (
    Parameter(
        "days",
        "Days to look back, by article date.",
        integer(1, 365),
        "7",
        schema={"type": "integer", "minimum": 1, "maximum": 365, "default": 7},
    ),
    Parameter(
        "page-size",
        "Maximum number of articles, newest first.",
        integer(1, 200),
        "50",
        schema={"type": "integer", "minimum": 1, "maximum": 200, "default": 50},
    ),
)
_OWNER: Final = re.compile(r"\*|[a-z0-9]{1,64}")


def _owner(value: str) -> str:
    if not _OWNER.fullmatch(value):
        raise ValueError("expected the id of a key, or `*` for all keys")
    return value


_LIST: Final = (
    Parameter("owner", "Of this key (its id), or `*` for all keys; needs the scope `admin`.", _owner, "3f9c0a1b2d4e"),
    Parameter("page", "Page number, from 1.", integer(1, 100_000), "1"),
    Parameter("page-size", "How many.", integer(1, 200), "50"),
)
_MEMBERS: Final[dict[str, Any]] = {
    "type": "object",
    "additionalProperties": False,
    "properties": {
        "q": {"type": "string", "maxLength": 1000, "example": '"sea wall" OR ferry -tender lang:en'},
        "types": {"type": "array", "items": {"type": "string"}, "example": ["article.published"]},
        "sink": {"type": ["string", "null"], "format": "uri", "example": "https://desk.example.org/hook"},
    },
}
_BODY: Final[dict[str, Any]] = {
    "requestBody": {"required": True, "content": {"application/json": {"schema": _MEMBERS | {"required": ["q"]}}}}
}
_PATCH: Final[dict[str, Any]] = {
    "requestBody": {"required": True, "content": {"application/json": {"schema": _MEMBERS}}},
}
GUARDED: Final[dict[int | str, dict[str, Any]]] = ERRORS | {
    401: {"description": "A key with the scope `subscribe` is needed."},
    403: {"description": "The key lacks the scope `subscribe`."},
}
_FULL: Final[dict[int | str, dict[str, Any]]] = {
    409: {"description": "A limit is reached, or the subscription was changed concurrently; see `type`."},
    413: {"description": "The body is larger than 16 KB."},
}
Caller = Annotated[Credential, Depends(require("subscribe"))]


@router.post(
    "",
    status_code=201,
    summary="Save a search",
    response_model=schemas.SubscriptionResponse,
    responses=GUARDED | _FULL,
    openapi_extra=_BODY,
)
async def create(request: Request, ports: Ports, caller: Caller) -> Response:
    """Matching is strict and starts within a second. Relative dates in `q` are made absolute. With a `sink`, the
    response contains the secret of the webhook; it is not shown again.
    """
    saved = await _parse(ports, parse_members(await read_body(request)))
    fresh = new_id()
    # the endpoint first: an event may match as soon as the search is saved
    endpoint = await ports.webhooks.create(fresh, saved.sink) if saved.sink else None
    try:
        made = await ports.subscriptions.create(
            caller.key_id, saved.q, types=saved.types, sink=saved.sink, broad=saved.broad, id_=fresh
        )
    except SubscriptionLimit:
        await ports.webhooks.delete(fresh)
        raise
    return _answer(made, endpoint, status=201)


@router.get(
    "",
    summary="The saved searches of this key",
    response_model=schemas.SubscriptionsResponse,
    responses=GUARDED,
    openapi_extra=documented(_LIST),
)
async def listed(request: Request, ports: Ports, caller: Caller) -> schemas.SubscriptionsResponse:
    """Oldest first. An admin lists those of any key."""
    values = query_values(request, _LIST)
    page, size = int(str(values.get("page", 1))), int(str(values.get("page-size", 50)))
    owner, offset = str(values.get("owner", caller.key_id)), (page - 1) * size
    if owner != caller.key_id and "admin" not in caller.scopes:
        raise ProblemError(403, "owner: saved searches of other keys need the scope admin", rule="wrong-scope")
    if owner == "*":
        found, total = await ports.subscriptions.page(offset=offset, limit=size)
    else:
        found, total = await ports.subscriptions.of_owner(owner, offset=offset, limit=size)
    shown = tuple(map(schemas.SavedSearch.of, found))
    return schemas.SubscriptionsResponse(
        response=schemas.SubscriptionsBody(total=total, currentPage=page, pageSize=size, results=shown)
    )


@router.get(
    "/{subscription_id}",
    summary="One saved search",
    response_model=schemas.SubscriptionResponse,
    responses=GUARDED | NOT_FOUND,
)
async def one(subscription_id: str, ports: Ports, caller: Caller) -> Response:
    """One saved search; `ETag` is its version."""
    found = await owned(ports, caller, subscription_id)
    return _answer(found, await ports.webhooks.get(found.id) if found.sink else None)


@router.patch(
    "/{subscription_id}",
    summary="Change a saved search",
    response_model=schemas.SubscriptionResponse,
    responses=GUARDED | NOT_FOUND | _FULL | {412: {"description": "`If-Match` names another version."}},
    openapi_extra=_PATCH,
)
async def change(subscription_id: str, request: Request, ports: Ports, caller: Caller) -> Response:
    """Omitted members keep their value; `sink: null` removes the sink. `If-Match` prevents lost updates."""
    old = await owned(ports, caller, subscription_id)
    await refuse_ended_key(ports, old)
    expected = request.headers.get("if-match")
    if expected not in (None, "*", _etag(old)):
        raise ProblemError(412, "the subscription was changed concurrently; read it again", rule="version-conflict")
    kept: dict[str, Any] = {"q": old.q, "types": list(old.types), "sink": old.sink}
    saved = await _parse(ports, kept | parse_members(await read_body(request)))
    new = await ports.subscriptions.replace(old, q=saved.q, types=saved.types, sink=saved.sink, broad=saved.broad)
    return _answer(new, await _endpoint_after(ports, new))


@router.delete("/{subscription_id}", status_code=204, summary="Delete a saved search", responses=GUARDED | NOT_FOUND)
async def delete(subscription_id: str, ports: Ports, caller: Caller) -> Response:
    """Matching stops within a second."""
    found = await owned(ports, caller, subscription_id)
    gone = not await ports.subscriptions.delete(found)
    await ports.webhooks.delete(found.id)
    if gone:
        raise NotPublic("there is no such saved search of this key")
    return Response(status_code=204)


@router.get(
    "/{subscription_id}/preview",
    summary="Past matches of a saved search, and the cursor to continue from",
    response_model=schemas.PreviewResponse,
    responses=GUARDED | NOT_FOUND,
    openapi_extra=documented(_PREVIEW),
)
async def preview(subscription_id: str, request: Request, ports: Ports, caller: Caller) -> schemas.PreviewResponse:
    """Matching articles of the last days, newest first. The stream at `next` continues without a gap or repeat."""
    found = await owned(ports, caller, subscription_id)
    values = query_values(request, _PREVIEW)
    since = now() - timedelta(days=int(str(values.get("days", 7))))
    size = int(str(values.get("page-size", 50)))
    shown = await preview_of(
        ports.index, ports.store, ports.publications, found.q, since=int(since.timestamp()), limit=size
    )
    return schemas.PreviewResponse(
        response=schemas.PreviewBody(
            subscription=schemas.SavedSearch.of(found),
            total=shown.total.value,
            totalIsExact=shown.total.exact,
            cursor=shown.cursor,
            next=f"/v1/events?subscription={found.id}&last_event_id={shown.cursor}",
            results=tuple(map(Result.of_card, shown.cards)),
        )
    )


async def owned(ports: Services, caller: Credential, subscription_id: str) -> Subscription:
    found = await ports.subscriptions.get(subscription_id[:64])
    if found is None or (found.owner != caller.key_id and "admin" not in caller.scopes):
        raise NotPublic("there is no such saved search of this key")
    return found


async def refuse_ended_key(ports: Services, found: Subscription) -> None:
    """Raise a 409 problem for a saved search of a key that was revoked or has expired: it delivers nothing any more."""
    maker = await ports.credentials.get(found.owner)
    if maker is not None and (reason := maker.ended(now())):
        why = "was revoked" if reason == "key-revoked" else "has expired"
        raise ProblemError(409, f"the key that made it {why}; it can only be deleted", rule=reason)


async def _parse(ports: Services, values: dict[str, Any]) -> SavedSearchRequest:
    saved = parse_saved_search(values, now=now())
    if saved.sink is None:
        return saved
    if not ports.webhooks.available:
        raise BadField("sink", "webhooks are disabled on this server: BROADSHEET_WEBHOOK_KEY is empty")
    if not saved.sink.lower().startswith("https://") and not ports.sinks.policy.allowed:
        raise BadField("sink", "must begin with https://")
    try:
        href = (await ports.sinks.check(saved.sink)).href
    except FetchRefused as error:
        raise BadField("sink", str(error)) from None
    return SavedSearchRequest(saved.q, saved.types, href, saved.broad)


async def read_body(request: Request) -> bytes:
    """The body, of at most 16 KB, within 10 s."""
    data = bytearray()
    try:
        async with asyncio.timeout(_BODY_SECONDS):
            async for chunk in request.stream():
                data += chunk
                if len(data) > MAX_BODY:
                    raise ProblemError(413, f"the body exceeds {MAX_BODY} bytes", rule="too-large")
    except TimeoutError as error:
        raise ProblemError(408, f"the body did not arrive within {_BODY_SECONDS:g} s", rule="slow-body") from error
    except ClientDisconnect as error:
        raise ProblemError(400, "the body ended early", rule="cut-short") from error
    return bytes(data)


def _etag(found: Subscription) -> str:
    return f'"{found.version}"'


async def _endpoint_after(ports: Services, new: Subscription) -> Endpoint | CreatedEndpoint | None:
    """The endpoint after a change of the saved search: a new sink gets a new endpoint and secret."""
    if new.sink is None:
        await ports.webhooks.delete(new.id)
        return None
    old = await ports.webhooks.get(new.id)
    return old if old is not None and old.sink == new.sink else await ports.webhooks.create(new.id, new.sink)


def _answer(found: Subscription, endpoint: Endpoint | CreatedEndpoint | None = None, *, status: int = 200) -> Response:
    made = Webhook.of(endpoint.endpoint, endpoint.secret) if isinstance(endpoint, CreatedEndpoint) else None
    webhook = Webhook.of(endpoint) if isinstance(endpoint, Endpoint) else made
    shown = schemas.SubscriptionBody(subscription=schemas.SavedSearch.of(found), webhook=webhook)
    body = schemas.SubscriptionResponse(response=shown)
    headers = {"etag": _etag(found), "cache-control": "no-store"}
    if status == 201:
        headers["location"] = f"/v1/subscriptions/{found.id}"
    return Response(body.model_dump_json(), status, headers=headers, media_type="application/json")
