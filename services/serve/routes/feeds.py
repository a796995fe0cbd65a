"""`/feeds/...`: RSS 2.0, Atom and JSON Feed of the front page, streams, sections, sources, stories and searches."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Final
from urllib.parse import urlencode

from fastapi import APIRouter, Request
from starlette.responses import RedirectResponse, Response

from services.serve.adapters.stories import current_story
from services.serve.domain import links as paths
from services.serve.domain.event_filters import EventFilter
from services.serve.domain.parameters import Parameter, given, integer
from services.serve.domain.query_interpretation import QueryInterpretation
from services.serve.domain.search_parameters import (
    COLLAPSE,
    DUPLICATES,
    FROM,
    LANGUAGE,
    SEARCH,
    SECTION,
    SOURCE,
    TAG,
    TO,
    parse_search_request,
)
from services.serve.domain.search_request import SearchRequest
from services.serve.domain.terms import Expression, Term
from services.serve.handlers import NotPublic
from services.serve.routes.feed_responses import MEDIA_TYPES, PAGES, FeedDefinition, FeedFormat, feed_response
from services.serve.routes.responses import CACHE, ERRORS, NOT_FOUND, documented, query_values
from services.serve.routes.search import label_in
from services.serve.routes.services import Ports
from services.serve.routes.subscriptions import Caller, owned
from shared.clock import now
from shared.events import Tombstone
from shared.identity.tags import label_from_slug, tag_slug
from shared.query import Facts, QuerySyntaxError, matches, parse
from shared.query.ast import Field
from shared.store.articles.group_records import valid_story_id

router = APIRouter(prefix="/feeds", tags=["feeds"])

PAGE: Final = Parameter(
    "page",
    "Page number, from 1; the newest 1,000 articles can be paged to.",
    integer(1, PAGES),
    "1",
    schema={"type": "integer", "minimum": 1, "maximum": PAGES, "default": 1},
)
_PAGED: Final = (PAGE,)
_WORDS: Final = tuple(row for row in SEARCH if row.name in {"q", "match", "query-fields"})
FILTERS: Final = (*_WORDS, TAG, SECTION, SOURCE, LANGUAGE, FROM, TO, DUPLICATES, COLLAPSE)
_FEED: Final[dict[int | str, dict[str, Any]]] = ERRORS | {
    200: {
        "description": "The newest 50 articles. Atom and JSON Feed also list removed articles.",
        "content": {media_type: {"schema": {"type": "string"}} for media_type in MEDIA_TYPES},
        "headers": {
            "Link": {
                "description": '`rel="self"`, and `rel="hub"` where WebSub is served.',
                "schema": {"type": "string"},
            },
            "Last-Modified": {
                "description": "Time of the last published, changed or removed article.",
                "schema": {"type": "string"},
            },
        },
    },
    304: {"description": "Nothing changed since `If-None-Match` or `If-Modified-Since`."},
}
_GUARDED: Final = {
    401: {"description": "A key with the scope `subscribe` is needed."},
    403: {"description": "The key lacks the scope `subscribe`."},
}


def _page(request: Request) -> int:
    return int(str(query_values(request, _PAGED, lenient=True).get("page", 1)))


def _one(value: str) -> Expression:
    return Expression(((Term(value),),))


def _named(name: str) -> str:
    """The name, if it is a possible one."""
    if not name or len(name) > 200 or not name.isprintable():
        raise NotPublic("there is no such feed")
    return name


@router.get("/front.{form}", summary="Feed of all articles", responses=_FEED, openapi_extra=documented(_PAGED))
async def front(form: FeedFormat, request: Request, ports: Ports) -> Response:
    """The newest articles of the site."""
    whole = FeedDefinition("front", None, "/", SearchRequest(), lambda *_: True, lambda _: "", may_be_empty=True)
    return await feed_response(request, ports, whole, form, page=_page(request))


@router.get(
    "/streams/{slug:path}.{form}",
    summary="Feed of a tag",
    responses=_FEED | NOT_FOUND,
    openapi_extra=documented(_PAGED),
)
async def stream(slug: str, form: FeedFormat, request: Request, ports: Ports) -> Response:
    """The newest articles of a tag."""
    tag = _named(tag_slug(slug))
    source = FeedDefinition(
        "streams",
        tag,
        paths.stream_page(tag),
        SearchRequest(tags=_one(tag)),
        lambda one, _: any(item.slug == tag for item in one.tags),
        lambda cards: label_in(cards[0], tag) if cards else label_from_slug(tag),
    )
    return await feed_response(request, ports, source, form, page=_page(request))


@router.get(
    "/sections/{name:path}.{form}",
    summary="Feed of a section",
    responses=_FEED | NOT_FOUND,
    openapi_extra=documented(_PAGED),
)
async def section(name: str, form: FeedFormat, request: Request, ports: Ports) -> Response:
    """The newest articles of a section."""
    found = _field("sections", _named(name), "section", SearchRequest(sections=_one(name)), lambda one: one.section)
    return await feed_response(request, ports, found, form, page=_page(request))


@router.get(
    "/sources/{name:path}.{form}",
    summary="Feed of a source",
    responses=_FEED | NOT_FOUND,
    openapi_extra=documented(_PAGED),
)
async def source(name: str, form: FeedFormat, request: Request, ports: Ports) -> Response:
    """The newest articles of a source."""
    found = _field("sources", _named(name), "source", SearchRequest(sources=_one(name)), lambda one: one.source)
    return await feed_response(request, ports, found, form, page=_page(request))


def _field(
    of: str, name: str, field: str, search: SearchRequest, value_of: Callable[[Tombstone], str | None]
) -> FeedDefinition:
    home = f"/search?{urlencode({field: name})}"
    return FeedDefinition(of, name, home, search, lambda one, _: value_of(one) == name, lambda _: name)


@router.get(
    "/stories/{story_id}.{form}",
    summary="Feed of a story",
    responses=_FEED | NOT_FOUND | {301: {"description": "The story was merged into another."}},
    openapi_extra=documented(_PAGED),
)
async def story(story_id: str, form: FeedFormat, request: Request, ports: Ports) -> Response:
    """The newest articles of a story. A merged story redirects permanently."""
    page = _page(request)
    record = await current_story(ports.store, story_id) if valid_story_id(story_id) else None
    if record is None:
        raise NotPublic("there is no such story")
    if record.id != story_id:
        target = paths.feed("stories", form, record.id)
        return RedirectResponse(target, status_code=301, headers={"cache-control": CACHE})
    members = record.members
    found = FeedDefinition(
        "stories",
        story_id,
        paths.story_page(story_id),
        SearchRequest(interpretation=QueryInterpretation(filters=(Field("story", story_id),))),
        lambda one, _: one.id in members,
        lambda cards: cards[-1].title if cards else "A story",
    )
    return await feed_response(request, ports, found, form, page=page)


@router.get(
    "/search.{form}",
    summary="Feed of a search",
    responses=_FEED,
    openapi_extra=documented((*FILTERS, PAGE)),
)
async def search(form: FeedFormat, request: Request, ports: Ports) -> Response:
    """The newest articles that a search finds. Needs no key."""
    pairs = _canonical(request)
    found = _search_source("search", None, parse_search_request(pairs, FILTERS), pairs)
    return await feed_response(request, ports, found, form, page=_page(request))


@router.get(
    "/subscriptions/{subscription_id}.{form}",
    summary="Feed of a saved search",
    responses=_FEED | _GUARDED | NOT_FOUND,
    openapi_extra=documented(_PAGED),
)
async def saved_search(
    subscription_id: str, form: FeedFormat, request: Request, ports: Ports, caller: Caller
) -> Response:
    """The newest matches of a saved search, for the key that created it.

    Feed readers that send no key can use `/feeds/search` with the same `q` and `match=strict`.
    """
    page = _page(request)
    saved = await owned(ports, caller, subscription_id)
    pairs = (("q", saved.q), ("match", "strict"))
    found = _search_source("subscriptions", saved.id, parse_search_request(pairs, FILTERS), pairs)
    return await feed_response(request, ports, found, form, page=page, private=True)


def _search_source(
    of: str, name: str | None, search_request: SearchRequest, pairs: tuple[tuple[str, str], ...]
) -> FeedDefinition:
    home = {key: value for key, value in pairs if key != "page"}
    return FeedDefinition(
        of,
        name,
        f"/search?{urlencode(home)}" if home else "/search",
        search_request,
        _removal_filter(search_request),
        lambda _: search_request.words or "Search",
        query=pairs if name is None else (),
        may_be_empty=True,
    )


def _removal_filter(search_request: SearchRequest) -> Callable[[Tombstone, Facts], bool]:
    """Whether a removed article matched this search."""
    fields = EventFilter(
        tags=search_request.tags,
        sections=search_request.sections,
        sources=search_request.sources,
        languages=search_request.languages,
    )
    try:
        query = parse(search_request.words, now=now()) if search_request.words else None
    except QuerySyntaxError:
        query = None  # not a valid query, for example a pasted headline with a single quote

    def matches_removal(one: Tombstone, facts: Facts) -> bool:
        return fields.matches_fields(one) and (query is None or matches(query, facts))

    return matches_removal


def _canonical(request: Request) -> tuple[tuple[str, str], ...]:
    """The filters with canonical names and order, so that equal searches have one URL."""
    parameters = given(request.query_params.multi_items(), FILTERS, lenient=True)
    texts = {row.name: text for row, name, text in parameters if name == row.name or _is_valid(row, text)}
    return tuple((row.name, texts[row.name]) for row in FILTERS if row.name in texts)


def _is_valid(row: Parameter, text: str) -> bool:
    try:
        row.read(text)
    except ValueError:
        return False
    return True
