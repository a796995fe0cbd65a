"""`/v1/stories/{id}`: the articles of a story."""

from __future__ import annotations

from typing import Final

from fastapi import APIRouter, Request
from starlette.responses import RedirectResponse, Response

from services.serve.adapters.stories import current_story, public_story
from services.serve.domain import links as paths
from services.serve.domain.parameters import Parameter, integer
from services.serve.handlers import NotPublic
from services.serve.routes.responses import CACHE, ERRORS, NOT_FOUND, documented, query_values, respond
from services.serve.routes.schemas import Result
from services.serve.routes.services import Ports
from services.serve.routes.story_schemas import StoryBody, StoryResponse
from shared.articles import card_of
from shared.store.articles.group_records import valid_story_id

router = APIRouter(prefix="/v1/stories", tags=["stories"])

_PARAMETERS: Final = (
    Parameter("page-size", "How many articles.", integer(1, 50), "20", ("limit",), {"type": "integer", "maximum": 50}),
)
_DEFAULT: Final = 20


@router.get(
    "/{story_id}",
    summary="A story and its articles",
    response_model=StoryResponse,
    responses=ERRORS | NOT_FOUND | {301: {"description": "The story was merged into another: follow `Location`."}},
    openapi_extra=documented(_PARAMETERS),
)
async def story(story_id: str, request: Request, ports: Ports) -> Response:
    """Its articles, newest first. A merged story redirects permanently."""
    limit = int(str(query_values(request, _PARAMETERS).get("page-size", _DEFAULT)))
    record = await current_story(ports.store, story_id) if valid_story_id(story_id) else None
    if record is None:
        raise NotPublic(f"there is no story {story_id[:64]}")
    if record.id != story_id:
        query = f"?{request.url.query}" if request.url.query else ""
        return RedirectResponse(f"{paths.story_json(record.id)}{query}", 301, headers={"cache-control": CACHE})
    found = await public_story(ports.store, record, limit=limit)
    if found is None:
        raise NotPublic(f"story {story_id} has no public articles")
    body = StoryBody(
        id=found.id,
        title=found.lead.title,
        slug=found.lead.slug,
        language=found.lead.language,
        total=found.total,
        first_at=found.first_at,
        last_at=found.last_at,
        lead=Result.of_card(card_of(found.lead)),
        results=tuple(Result.of_card(card_of(article)) for article in found.page),
    )
    content = StoryResponse(response=body).model_dump_json().encode()

    async def build() -> bytes:
        return content

    return await respond(request, [content.decode()], build)
