"""The reader: plain pages rendered on the server, readable without scripts. All text is escaped by the templates."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Coroutine, Sequence
from typing import Any, Final
from urllib.parse import quote, urlencode

from fastapi import APIRouter, Request
from fastapi.routing import APIRoute
from starlette.exceptions import HTTPException
from starlette.responses import RedirectResponse, Response

from services.serve import handlers
from services.serve.adapters.stories import current_story, public_story
from services.serve.domain import links as paths
from services.serve.domain.parameters import BadParameter, Parameter, given
from services.serve.domain.search_parameters import SEARCH, STREAM, parse_search_request
from services.serve.domain.search_request import SearchRequest, page_count
from services.serve.handlers import NotPublic
from services.serve.routes.feed_responses import latest_publications
from services.serve.routes.page_head import article_head, feed_links
from services.serve.routes.page_templates import CSP, TEMPLATES
from services.serve.routes.responses import known_id, note_revs, page_targets, problem_of, query_text, respond
from services.serve.routes.search import label_in, query_vector, stream_page, stream_request
from services.serve.routes.services import Ports, Services
from shared.articles import Card, Tag, card_of
from shared.errors import CorruptRecord, Retryable
from shared.identity.tags import label_from_slug
from shared.problems import Problem, ProblemError, methods_of, unavailable
from shared.search.errors import InvalidQuery
from shared.search.port import SearchPage
from shared.store.articles.group_records import valid_story_id

_FRONT: Final = 13
_RECOMMENDED: Final = 6
_MORE: Final = 5
_NAV_TAGS: Final = 10
_STORY: Final = 50
_JUST_IN: Final = 3


class PageRoute(APIRoute):
    """A route with errors rendered as HTML pages."""

    def get_route_handler(self) -> Callable[[Request], Coroutine[Any, Any, Response]]:
        """The handler, with our errors converted to pages."""
        handler = super().get_route_handler()

        async def readable(request: Request) -> Response:
            try:
                return await handler(request)
            except (NotPublic, BadParameter, InvalidQuery, ProblemError, Retryable, CorruptRecord) as error:
                return _error_page(request, _problem(error))

        return readable


router = APIRouter(include_in_schema=False, route_class=PageRoute)


@router.get("/")
async def front(request: Request, ports: Ports) -> Response:
    """The newest articles and the tags."""
    epoch = await ports.epoch.get()
    head = (await ports.publications.bounds()).last

    async def build() -> bytes:
        cards, nav, latest = await asyncio.gather(
            handlers.newest(ports.index, limit=_FRONT), _nav(ports), latest_publications(ports, limit=_JUST_IN)
        )
        live = f"/v1/events?last_event_id={head}"
        return _render(ports, "front.html", cards=cards, nav=nav, latest=latest, live=live, canonical="/")

    return await _page(request, [epoch, head], build)


@router.get("/search")
async def search(request: Request, ports: Ports) -> Response:
    """Search results; the form works without scripts."""
    pairs = [(name, text) for name, text in request.query_params.multi_items() if text]
    search_request = parse_search_request(pairs, lenient=True)
    epoch = await ports.epoch.get()

    async def build() -> bytes:
        vector = await query_vector(ports, search_request)
        found, nav = await asyncio.gather(handlers.search(ports.index, search_request, vector=vector), _nav(ports))
        pages = _page_links(request, SEARCH, search_request, found)
        values = {
            "page": found,
            "search_request": search_request,
            "pages": pages,
            "feeds": feed_links(search_request.words or "All articles", "search", query=pairs),
        }
        return _render(ports, "search.html", q=search_request.words, nav=nav, **values)

    return await _page(request, [epoch], build)


@router.get("/streams/{slug:path}")
async def stream(slug: str, request: Request, ports: Ports) -> Response:
    """One tag's articles, newest first."""
    search_request, tag = stream_request(slug, request, lenient=True)
    epoch = await ports.epoch.get()
    found, label = await stream_page(ports, search_request, tag)

    async def build() -> bytes:
        pages = _page_links(request, STREAM, search_request, found)
        cards = [hit.card for hit in found.hits]
        named = Tag(slug=tag, label=label)
        values = {"tag": named, "cards": cards, "total": found.total, "search_request": search_request, "pages": pages}
        values |= {"canonical": paths.stream_page(tag), "feeds": feed_links(label, "streams", tag)}
        return _render(ports, "stream.html", **values, nav=await _nav(ports))

    return await _page(request, [epoch], build)


@router.get("/stories/{story_id}")
async def story(story_id: str, request: Request, ports: Ports) -> Response:
    """The articles of a story, newest first. A merged story redirects."""
    record = await current_story(ports.store, story_id) if valid_story_id(story_id) else None
    if record is None:
        raise NotPublic("there is no such story")
    if record.id != story_id:
        return RedirectResponse(paths.story_page(record.id), status_code=301)
    found = await public_story(ports.store, record, limit=_STORY)
    if found is None:
        raise NotPublic("this story has no public articles")
    page, lead = found, card_of(found.lead)
    epoch = await ports.epoch.get()

    async def build() -> bytes:
        cards = [card_of(article) for article in page.page]
        values = {"lead": lead, "cards": cards, "story": page, "nav": await _nav(ports)}
        feeds = feed_links(lead.title, "stories", page.id)
        return _render(ports, "story.html", **values, canonical=paths.story_page(page.id), feeds=feeds)

    return await _page(request, [epoch, str(page.total), page.last_at.isoformat(), str(lead.rev)], build)


@router.get("/articles/{article_id}")
@router.get("/articles/{article_id}/{slug:path}")
async def article(article_id: str, request: Request, ports: Ports, slug: str = "") -> Response:
    """One article with recommendations. A wrong slug redirects."""
    try:
        found = await handlers.public_article(ports.store, known_id(article_id))
    except handlers.Withdrawn as withdrawn:
        return await _notice(request, ports, withdrawn.notice)
    if slug != found.slug:
        return RedirectResponse(paths.article_page(found.id, found.slug), status_code=301)
    epoch = await ports.epoch.get()
    head = (await ports.publications.bounds()).last

    async def build() -> bytes:
        tag = found.tags[0] if found.tags else None
        more, picks, nav = await asyncio.gather(
            handlers.newest(ports.index, limit=_MORE, tag=tag.slug if tag else None, without=found.id),
            handlers.recommended(ports.index, found, limit=_RECOMMENDED),
            _nav(ports),
        )
        live = f"/v1/events?topic={paths.article_json(found.id)}&last_event_id={head}"
        values = {"article": found, "tag": tag, "more": more, "picks": picks, "nav": nav, "live": live}
        return _render(ports, "article.html", **values, **article_head(found, ports.settings))

    return await _page(request, [str(found.rev), note_revs(found), epoch], build)


@router.get("/{path:path}")
async def nothing_here(path: str, request: Request) -> Response:
    """404 as an HTML page for browsers and a problem for API clients; a trailing slash is redirected."""
    stripped = f"/{path.rstrip('/')}"
    is_plain = {"", "..", "."}.isdisjoint(stripped.split("/")[1:])  # never redirect to `//host`
    if path.endswith("/") and is_plain and methods_of(request.app, stripped):
        query = query_text(request)
        return RedirectResponse(f"{quote(stripped)}?{query}" if query else quote(stripped), status_code=307)
    if methods_of(request.app, f"/{path}"):
        raise HTTPException(405)
    if path.startswith(("v1/", "static/")) or "text/html" not in request.headers.get("accept", ""):
        raise HTTPException(404)
    raise NotPublic("There is nothing at this address.")


def _page_links(
    request: Request, table: Sequence[Parameter], search_request: SearchRequest, found: SearchPage
) -> dict[str, str]:
    """Targets of first, prev, next and last, without parameters that third parties appended."""
    pairs = [(row.name, text) for row, _, text in given(request.query_params.multi_items(), table, lenient=True)]
    pages = page_count(found.total.value, search_request.page_size)
    return page_targets(request.scope["path"], urlencode(pairs), page=search_request.page, pages=pages)


async def _page(request: Request, parts: list[str], build: Callable[[], Coroutine[Any, Any, bytes]]) -> Response:
    response = await respond(request, parts, build, media_type="text/html; charset=utf-8")
    response.headers["content-security-policy"] = CSP
    return response


async def _notice(request: Request, ports: Services, notice: handlers.RemovalNotice) -> Response:
    async def build() -> bytes:
        return _render(ports, "notice.html", notice=notice, nav=await _nav(ports))

    response = await _page(request, ["withdrawn", str(notice.rev), await ports.epoch.get()], build)
    response.headers["x-robots-tag"] = "noindex"
    return response


async def _nav(ports: Services) -> list[Tag]:
    """The most frequent tags, named as the newest articles name them."""
    counts, newest = await asyncio.gather(handlers.tag_counts(ports.index), handlers.newest(ports.index, limit=50))
    return [Tag(slug=slug, label=_label(newest, slug)) for slug in list(counts)[:_NAV_TAGS]]


def _label(cards: list[Card], slug: str) -> str:
    return next(
        (label_in(card, slug) for card in cards if any(tag.slug == slug for tag in card.tags)), label_from_slug(slug)
    )


def _render(ports: Services, name: str, **values: object) -> bytes:
    settings = ports.settings
    defaults: dict[str, object] = {
        "site": settings.site_name,
        "base": settings.public_url,
        "site_feeds": feed_links(settings.site_name, "front"),
        "feeds": [],
        "canonical": None,
        "q": "",
        "live": None,
    }
    return TEMPLATES.get_template(name).render(defaults | values).encode("utf-8", "replace")


def _problem(error: Exception) -> Problem:
    if isinstance(error, Retryable):
        return unavailable(error)
    if isinstance(error, CorruptRecord):
        return Problem(500, "This article is damaged in the store and is not shown.")
    return problem_of(error)


def _error_page(request: Request, problem: Problem) -> Response:
    ports: Services = request.app.state.services
    body = _render(ports, "error.html", status=problem.status, detail=problem.detail, nav=[])
    headers = {"content-security-policy": CSP, "cache-control": "no-store", **problem.headers}
    return Response(body, problem.status, headers=headers, media_type="text/html; charset=utf-8")
