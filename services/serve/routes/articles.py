"""`/v1/articles/{id}`, its related articles, and its trace."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict
from typing import Final

import orjson
from fastapi import APIRouter, Request
from pydantic import BaseModel
from starlette.responses import Response

from services.serve import handlers
from services.serve.domain import links as paths
from services.serve.domain.parameters import Parameter, boolean, integer, some_of
from services.serve.domain.search_parameters import FOREIGN_KEY
from services.serve.routes import schemas, trace_schemas
from services.serve.routes.notice_schemas import Notice, NoticeBody, NoticeResponse
from services.serve.routes.responses import (
    ERRORS,
    GONE,
    NOT_FOUND,
    documented,
    known_id,
    note_revs,
    query_values,
    respond,
)
from services.serve.routes.services import Ports
from shared.articles import Article, card_of
from shared.clock import now
from shared.search.port import SimilarHit

router = APIRouter(prefix="/v1/articles", tags=["articles"])

_FIELDS: Final = tuple(name for name in schemas.ArticleContent.model_fields if name != "related")
_ALWAYS: Final = {"id", "rev"}
_ARTICLE: Final = (
    Parameter("show-related", "Add the nearest articles.", boolean, "true", schema={"type": "boolean"}),
    Parameter("show-fields", "Only these fields, in addition to id and rev.", some_of(*_FIELDS), "title,paragraphs"),
    FOREIGN_KEY,
)
_RELATED: Final = (
    Parameter("limit", "How many.", integer(1, 50), "6", ("page-size",), {"type": "integer", "maximum": 50}),
    Parameter(
        "max-age-days",
        "Only articles of this many past days.",
        integer(1, 36_500),
        "30",
        schema={"type": "integer", "minimum": 1},
    ),
)
RELATED: Final = 6


@router.get(
    "/{article_id}",
    summary="One article with its body",
    response_model=schemas.ArticleResponse | NoticeResponse,
    responses=ERRORS | GONE,
    openapi_extra=documented(_ARTICLE),
)
async def article(article_id: str, request: Request, ports: Ports) -> Response:
    """A published article. 404 while it is not published (see `/trace`), 410 once it was retracted.

    A withdrawn article returns a notice with title, reason and time, marked `noindex`.
    """
    values = query_values(request, _ARTICLE)
    try:
        found = await handlers.public_article(ports.store, known_id(article_id))
    except handlers.Withdrawn as withdrawn:
        return await _notice(request, withdrawn.notice)
    with_related = bool(values.get("show-related"))
    epoch = await ports.epoch.get() if with_related else ""

    async def build() -> BaseModel | bytes:
        related = await handlers.related(ports.index, found, limit=RELATED) if with_related else None
        content = _content(found, None if related is None else _neighbours(found, related))
        whole = schemas.ArticleResponse(response=schemas.ArticleBody(content=content))
        return _chosen(whole, values.get("show-fields")) if "show-fields" in values else whole

    parts = [str(found.rev), found.story_id or "", str(found.duplicate_of), note_revs(found), epoch]
    return await respond(request, parts, build, links=lambda: _links(found))


@router.get(
    "/{article_id}/related",
    summary="Related articles, with reasons",
    response_model=schemas.RelatedResponse,
    responses=ERRORS | GONE,
    openapi_extra=documented(_RELATED),
)
async def related(article_id: str, request: Request, ports: Ports) -> Response:
    """Nearest first, with a score in [0, 1] and the reasons: same story, shared tags, shared terms.

    At most one per story, and at most half of one source if there are others.
    """
    values = query_values(request, _RELATED)
    limit = int(str(values.get("limit", RELATED)))
    days = values.get("max-age-days")
    since = None if days is None else int(now().timestamp()) // 86_400 * 86_400 - int(str(days)) * 86_400
    found = await handlers.public_article(ports.store, known_id(article_id))

    async def build() -> BaseModel:
        hits = await handlers.related(ports.index, found, limit=limit, since=since)
        return schemas.RelatedResponse(response=schemas.RelatedBody(id=found.id, results=_neighbours(found, hits)))

    parts = [await ports.epoch.get(), str(since), found.story_id or ""]
    return await respond(request, parts, build, links=lambda: _links(found))


@router.get(
    "/{article_id}/trace",
    summary="Provenance of an article",
    response_model=trace_schemas.TraceResponse,
    responses=ERRORS | NOT_FOUND,
    openapi_extra=documented(()),
)
async def trace(article_id: str, request: Request, ports: Ports) -> Response:
    """State, timeline, enrichment steps and removed spans. Available as soon as the page is accepted."""
    query_values(request, ())
    record, provenance = await handlers.trace(ports.store, known_id(article_id))
    body = trace_schemas.TraceBody(
        id=record.article_id,
        state=record.state,
        rev=record.rev,
        kind=record.kind,
        reason=record.reason,
        publication_id=record.publication_id,
        timeline=trace_schemas.timeline_of(record),
        provenance=provenance,
        groups=await _groups(ports, record.article_id),
    )
    content = trace_schemas.TraceResponse(response=body).model_dump_json().encode()

    async def build() -> bytes:
        return content

    return await respond(request, [content.decode()], build)


async def _notice(request: Request, notice: handlers.RemovalNotice) -> Response:
    body = NoticeResponse(response=NoticeBody(notice=Notice(**asdict(notice))))

    async def build() -> BaseModel:
        return body

    response = await respond(request, ["withdrawn", str(notice.rev)], build)
    response.headers["x-robots-tag"] = "noindex"
    return response


async def _groups(ports: Ports, article_id: str) -> trace_schemas.TraceGroups | None:
    (decision,) = await ports.store.groups.decisions([article_id])
    if decision is None:
        return None
    return trace_schemas.TraceGroups(
        rev=decision.rev, story_id=decision.story, duplicate_of=decision.duplicate_of, why=decision.why
    )


def _neighbours(found: Article, hits: Sequence[SimilarHit]) -> tuple[schemas.RelatedResult, ...]:
    return tuple(schemas.RelatedResult.of(found, hit) for hit in hits)


def _content(found: Article, related: tuple[schemas.RelatedResult, ...] | None) -> schemas.ArticleContent:
    return schemas.ArticleContent(
        **dict(card_of(found)),
        paragraphs=found.paragraphs,
        keyphrases=found.keyphrases,
        recommended=found.recommended,
        first_received_at=found.first_received_at,
        links=schemas.links_of(found),
        related=related,
    )


def _chosen(whole: schemas.ArticleResponse, fields: object) -> bytes:
    names = {*(fields if isinstance(fields, tuple) else ()), *_ALWAYS}
    if whole.response.content.related is not None:
        names.add("related")
    content = whole.response.content.model_dump(mode="json", include=names)
    return orjson.dumps({"response": {"status": whole.response.status, "content": content}})


def _links(found: Article) -> dict[str, str]:
    story = {"collection": paths.story_json(found.story_id)} if found.story_id else {}
    return {
        "alternate": paths.article_page(found.id, found.slug),
        "related": f"{paths.article_json(found.id)}/related",
        **story,
    }
