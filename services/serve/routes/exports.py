"""`/v1/articles/{id}/ninjs`: an article in the exchange format of news agencies."""

from __future__ import annotations

import orjson
from fastapi import APIRouter, Request
from starlette.responses import Response

from services.serve import handlers
from services.serve.domain.ninjs import ninjs
from services.serve.routes.responses import ERRORS, GONE, known_id, note_revs, query_values, respond
from services.serve.routes.services import Ports

router = APIRouter(prefix="/v1/articles", tags=["articles"])


@router.get(
    "/{article_id}/ninjs",
    summary="One article as IPTC ninjs 3.1",
    response_class=Response,
    responses=ERRORS | GONE | {200: {"description": "ninjs.", "content": {"application/json": {"schema": {}}}}},
)
async def as_ninjs(article_id: str, request: Request, ports: Ports) -> Response:
    """The complete article with people, organisations, places, subjects and image URLs."""
    query_values(request, ())
    found = await handlers.public_article(ports.store, known_id(article_id))

    async def build() -> bytes:
        return orjson.dumps(ninjs(found, ports.settings.public_url))

    return await respond(request, ["ninjs", str(found.rev), note_revs(found)], build)
