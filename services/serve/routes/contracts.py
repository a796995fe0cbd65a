"""Contracts for subscribers: the JSON Schemas of events, and the AsyncAPI document."""

from __future__ import annotations

import hashlib
from typing import Any, Final

import orjson
import yaml
from fastapi import APIRouter, Request
from starlette.responses import Response

from services.serve.domain import asyncapi, public_schemas
from services.serve.domain.public_schemas import MEDIA_TYPE, NAMES
from services.serve.handlers import NotPublic
from services.serve.routes.page_templates import CSP, TEMPLATES
from services.serve.routes.responses import ERRORS, NOT_FOUND, query_values, respond
from services.serve.routes.services import Ports, Services
from services.serve.routes.stream_requests import EVENTS, TOPIC

router = APIRouter(prefix="/v1", tags=["contracts"])

_INDENTED: Final = orjson.OPT_INDENT_2


def _json(value: Any) -> bytes:
    return orjson.dumps(value, option=_INDENTED)


def _described(what: str, *media_types: str) -> dict[int | str, dict[str, Any]]:
    content = {media_type: {"schema": {"type": "object"}} for media_type in media_types}
    return ERRORS | {200: {"description": what, "content": content}}


@router.get(
    "/schemas",
    summary="The JSON Schemas of public events",
    response_class=Response,
    responses=_described("Name and URL of each schema.", "application/json"),
)
async def schemas(request: Request, ports: Ports) -> Response:
    """One schema per event type, and `cloudevent.v1` for the envelope."""
    query_values(request, ())

    return await _whole(
        request, _json({"schemas": {name: f"{ports.settings.public_url}/v1/schemas/{name}" for name in NAMES}})
    )


@router.get(
    "/schemas/{name}",
    summary="The JSON Schema of one event type's data",
    response_class=Response,
    responses=_described("A JSON Schema, draft 2020-12.", MEDIA_TYPE) | NOT_FOUND,
)
async def schema(name: str, request: Request, ports: Ports) -> Response:
    """The schema of an event type, for example `article.published.v1`."""
    query_values(request, ())
    if name not in NAMES:
        raise NotPublic("there is no such schema")

    return await _whole(request, _json(public_schemas.schema(name, ports.settings.public_url)), media_type=MEDIA_TYPE)


@router.get(
    "/asyncapi.json",
    summary="The AsyncAPI document of public events",
    response_class=Response,
    responses=_described("AsyncAPI 3.0.", "application/json"),
)
async def asyncapi_json(request: Request, ports: Ports) -> Response:
    """The public events on every transport."""
    query_values(request, ())

    return await _whole(request, _json(_document(request, ports)))


@router.get(
    "/asyncapi.yaml",
    summary="The AsyncAPI document of public events, as YAML",
    response_class=Response,
    responses=_described("AsyncAPI 3.0.", "application/yaml"),
)
async def asyncapi_yaml(request: Request, ports: Ports) -> Response:
    """The same document."""
    query_values(request, ())
    document = orjson.loads(orjson.dumps(_document(request, ports)))  # plain lists, which YAML can write
    content = yaml.safe_dump(document, sort_keys=False, allow_unicode=True, width=120).encode()
    return await _whole(request, content, media_type="application/yaml")


@router.get("/asyncapi", include_in_schema=False)
async def asyncapi_page(request: Request, ports: Ports) -> Response:
    """The document as an HTML page."""
    query_values(request, ())
    document = _document(request, ports)
    messages = [
        message | {"sample": orjson.dumps(message["examples"][0]["payload"], option=_INDENTED).decode()}
        for message in document["components"]["messages"].values()
        if "examples" in message
    ]
    page = TEMPLATES.get_template("asyncapi.html")
    content = page.render(document=document, messages=messages, site_name=ports.settings.site_name).encode()
    response = await _whole(request, content, media_type="text/html; charset=utf-8")
    response.headers["content-security-policy"] = CSP
    return response


async def _whole(request: Request, content: bytes, *, media_type: str = "application/json") -> Response:
    """The content with an ETag of it."""

    async def build() -> bytes:
        return content

    return await respond(request, [hashlib.sha256(content).hexdigest()], build, media_type=media_type)


def _document(request: Request, ports: Services) -> dict[str, Any]:
    names = [row.name for row in (*EVENTS, TOPIC)]
    return asyncapi.document(source=ports.settings.public_url, version=request.app.version, filters=names)
