"""`/v1/search`, `/v1/streams/{slug}`, `/v1/tags`, `/v1/suggest`."""

from __future__ import annotations

import time
from typing import Final

from fastapi import APIRouter, Request
from starlette.responses import Response
from starlette.routing import Route

from services.serve import handlers
from services.serve.domain import links as paths
from services.serve.domain.parameters import BadParameter, Parameter, integer, text, typed_text
from services.serve.domain.search_parameters import FOREIGN_KEY, SEARCH, STREAM, parse_search_request
from services.serve.domain.search_request import SearchRequest, page_count
from services.serve.domain.terms import Expression, Term
from services.serve.handlers import NotPublic
from services.serve.routes import schemas
from services.serve.routes.responses import ERRORS, NOT_FOUND, documented, page_links, query_values, respond
from services.serve.routes.search_json import envelope_json, search_body
from services.serve.routes.services import Ports, Services
from shared.articles import Card
from shared.identity.tags import label_from_slug, tag_prefix, tag_slug
from shared.search.port import Cap, SearchPage, Suggestion

router = APIRouter(prefix="/v1", tags=["search"])

_TAGS: Final = (
    Parameter("q", "Only tags with this slug prefix.", text, "wor"),
    Parameter("page-size", "How many.", integer(1, 100), "50", ("limit",), {"type": "integer", "maximum": 100}),
)
_SUGGEST: Final = (
    Parameter("q", "The text typed so far.", typed_text, "kur"),
    Parameter("limit", "How many.", integer(1, 20), "8", ("page-size",), {"type": "integer", "maximum": 20}),
)


async def _search(request: Request) -> Response:
    return await search(request, request.app.state.services)


SEARCH_ROUTE: Final = Route("/v1/search", _search, methods=["GET"])
"""Serves `/v1/search` in front of FastAPI's routes; the route below documents it. Without the dependency and response
layers of FastAPI a search costs 199 us of CPU instead of 285 us, with the engine's answer replayed."""


@router.get(
    "/search",
    summary="Search all published articles",
    response_model=schemas.SearchResponse,
    responses=ERRORS,
    openapi_extra=documented((*SEARCH, FOREIGN_KEY)),
)
async def search(request: Request, ports: Ports) -> Response:
    """Words, filters, facets and highlights. Without `q` all articles match, newest first."""
    search_request = parse_search_request(request.query_params.multi_items(), (*SEARCH, FOREIGN_KEY))
    pages = 0

    async def build() -> bytes:
        nonlocal pages
        body, pages = await search_result(ports, search_request)
        return body

    def links() -> dict[str, str]:
        return page_links(request, page=search_request.page, pages=pages)

    return await respond(request, [await ports.epoch.get()], build, links=links)


async def search_result(ports: Services, search_request: SearchRequest) -> tuple[bytes, int]:
    """The response to a search, and the number of pages."""
    began = time.perf_counter()
    page = await handlers.search(ports.index, search_request, vector=await query_vector(ports, search_request))
    return envelope_json(search_body(search_request, page, _took(began))), page_count(
        page.total.value, search_request.page_size
    )


@router.get(
    "/streams/{slug:path}",
    summary="The newest articles of a tag",
    response_model=schemas.StreamResponse,
    responses=ERRORS | NOT_FOUND,
    openapi_extra=documented((*STREAM, FOREIGN_KEY)),
)
async def stream(slug: str, request: Request, ports: Ports) -> Response:
    """One tag's articles, newest first. An unknown tag is a 404."""
    search_request, tag = stream_request(slug, request)
    began = time.perf_counter()
    page, label = await stream_page(ports, search_request, tag)

    async def build() -> bytes:
        return envelope_json(search_body(search_request, page, _took(began)) | {"tag": {"slug": tag, "label": label}})

    def links() -> dict[str, str]:
        pages = page_count(page.total.value, search_request.page_size)
        targets = page_links(request, page=search_request.page, pages=pages)
        return targets | {"alternate": paths.stream_page(tag)}

    return await respond(request, [await ports.epoch.get()], build, links=links)


def stream_request(slug: str, request: Request, *, lenient: bool = False) -> tuple[SearchRequest, str]:
    """The search of a tag stream, and the tag. Raises BadParameter, and NotPublic for an impossible tag."""
    tag = tag_slug(slug)
    if not tag or len(tag) > 120 or not tag.isprintable():
        raise NotPublic("there is no such tag")
    search_request = parse_search_request(request.query_params.multi_items(), (*STREAM, FOREIGN_KEY), lenient=lenient)
    return search_request.narrowed_to(Expression(((Term(tag),),))), tag


async def stream_page(ports: Ports, search_request: SearchRequest, tag: str) -> tuple[SearchPage, str]:
    """One page of a tag stream and the label. Raises NotPublic for a tag without articles."""
    page = await handlers.search(ports.index, search_request)
    if page.hits:
        return page, label_in(page.hits[0].card, tag)
    newest = await handlers.newest(ports.index, limit=1, tag=tag)
    if not newest:
        raise NotPublic("there is no such tag")
    return page, label_in(newest[0], tag)


def label_in(card: Card, slug: str) -> str:
    """The tag's label as this article has it."""
    return next((tag.label for tag in card.tags if tag.slug == slug), label_from_slug(slug))


@router.get(
    "/tags",
    summary="Tags and how many articles carry them",
    response_model=schemas.TagsResponse,
    responses=ERRORS,
    openapi_extra=documented(_TAGS),
)
async def tags(request: Request, ports: Ports) -> Response:
    """Most frequent first, at most 100."""
    values = query_values(request, _TAGS)
    typed, size = str(values.get("q", "")), int(str(values.get("page-size", 50)))
    prefixes = (tag_prefix(typed), tag_slug(typed))

    async def build() -> schemas.TagsResponse:
        counts = await handlers.tag_counts(ports.index)
        found = [(slug, count) for slug, count in counts.items() if slug.startswith(prefixes)]
        return schemas.TagsResponse(
            response=schemas.TagsBody(total=len(found), results=tuple(_tag(*item) for item in found[:size]))
        )

    return await respond(request, [await ports.epoch.get()], build)


@router.get(
    "/suggest",
    summary="Completions while typing",
    response_model=schemas.SuggestResponse,
    responses=ERRORS,
    openapi_extra=documented(_SUGGEST),
)
async def suggest(request: Request, ports: Ports) -> Response:
    """Titles and tags that start with the typed text, with typo tolerance."""
    values = query_values(request, _SUGGEST)
    prefix, limit = str(values.get("q", "")), int(str(values.get("limit", 8)))

    async def build() -> schemas.SuggestResponse:
        found = await ports.index.suggest(prefix, limit=limit) if prefix else ()
        return schemas.SuggestResponse(response=schemas.SuggestBody(results=tuple(_suggestion(item) for item in found)))

    return await respond(request, [await ports.epoch.get()], build)


async def query_vector(ports: Ports, search_request: SearchRequest) -> tuple[float, ...] | None:
    """The query vector if `semantic-ratio` is set; None if not, or if none of the words is known."""
    if not search_request.meaning:
        return None
    if Cap.HYBRID not in ports.index.capabilities:
        raise BadParameter("semantic-ratio", "this search engine ranks by words alone")
    model = await ports.query_vectors.model()
    if model is None:
        raise BadParameter("semantic-ratio", "no meaning was learned yet: it needs 200 articles and a reindex")
    return model.of_text(search_request.words)


def _took(began: float) -> float:
    return round((time.perf_counter() - began) * 1000, 2)


def _tag(slug: str, count: int) -> schemas.TagCount:
    return schemas.TagCount(
        slug=slug,
        label=label_from_slug(slug),
        count=count,
        links={"self": paths.stream_json(slug), "html": paths.stream_page(slug)},
    )


def _suggestion(item: Suggestion) -> schemas.SuggestionItem:
    href = paths.stream_page(item.text) if item.id is None else paths.article_page(item.id, None)
    if item.kind == "title":
        return schemas.SuggestionItem(kind=item.kind, text=item.text, label=item.text, id=item.id, href=href)
    label = item.label or label_from_slug(item.text)
    return schemas.SuggestionItem(kind=item.kind, text=item.text, label=label, id=None, href=href)
