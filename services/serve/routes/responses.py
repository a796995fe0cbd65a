"""Response building: validators and 304, Cache-Control, Link headers, and our errors as problems."""

from __future__ import annotations

import re
from collections.abc import Awaitable, Callable, Mapping, Sequence
from datetime import datetime
from typing import Any, Final
from urllib.parse import parse_qsl, quote, urlencode

from fastapi import FastAPI, Request
from pydantic import BaseModel
from starlette.responses import Response

from services.serve.adapters.webhooks import WebhookConflict
from services.serve.domain.parameters import BadParameter, Parameter, openapi, parse
from services.serve.domain.saved_searches import BadField
from services.serve.domain.validators import etag, http_date, is_current, is_unmodified
from services.serve.handlers import NotPublic
from shared.articles import Article
from shared.ids import ARTICLE_ID
from shared.problems import Problem, ProblemError, invalid_field
from shared.search.errors import InvalidQuery
from shared.store.subscriptions.registry import SubscriptionConflict, SubscriptionLimit

CACHE: Final = "public, max-age=5, stale-while-revalidate=30"
"""Short, because responses change with the next commit; revalidation is a cheap 304."""

_PLAIN_QUERY: Final = re.compile(r"(?:(?!page=)[\w-]++=[\w%+.~*-]*+(?:&|$))*+", re.ASCII)
"""A query string without a page that can be copied into a Link header unchanged; re-encoding is expensive."""
_PROBLEM: Final[dict[str, Any]] = {"application/problem+json": {"schema": {"type": "object"}}}
ERRORS: Final[dict[int | str, dict[str, Any]]] = {
    400: {"description": "A parameter is unknown or invalid; `field` names it.", "content": _PROBLEM},
    503: {"description": "The store or the search engine is unavailable; see `Retry-After`.", "content": _PROBLEM},
}
NOT_FOUND: Final[dict[int | str, dict[str, Any]]] = {
    404: {"description": "Nothing public has this name.", "content": _PROBLEM},
}
GONE: Final[dict[int | str, dict[str, Any]]] = NOT_FOUND | {
    410: {"description": "The article was retracted.", "content": _PROBLEM}
}


def documented(table: Sequence[Parameter]) -> dict[str, list[dict[str, object]]]:
    """OpenAPI of a route with table-defined query parameters."""
    return {"parameters": openapi(table)}


def query_values(request: Request, table: Sequence[Parameter], *, lenient: bool = False) -> dict[str, object]:
    """The query parameters by the table; `lenient` as in `parse`. Raises BadParameter."""
    return parse(request.query_params.multi_items(), table, lenient=lenient)


def note_revs(article: Article) -> str:
    """The revisions of the correction notes, for validators: removing a note does not change the text."""
    return ",".join(str(note.rev) for note in article.correction_notes)


def known_id(article_id: str) -> str:
    """The id if it has the form of one; otherwise nothing can be under it."""
    if not ARTICLE_ID.match(article_id):
        raise NotPublic("an article id is 26 characters of a-z and 2-7")
    return article_id


async def respond(
    request: Request,
    parts: Sequence[str],
    build: Callable[[], Awaitable[BaseModel | bytes]],
    *,
    links: Callable[[], Mapping[str, str]] = dict,
    media_type: str = "application/json",
    changed: datetime | None = None,
) -> Response:
    """The response, or a 304 without building it. `parts` must change whenever the response does.

    `changed` is its last change, for callers that send dates only.
    """
    tag = etag(request.scope["path"], query_text(request), *parts)
    headers = {"etag": tag, "cache-control": CACHE}
    if changed is not None:
        headers["last-modified"] = http_date(changed)
    if _is_unchanged(request, tag, changed):
        return Response(status_code=304, headers=headers)
    head = request.app.state.services.hub.head  # read before the response is built, so that no event is missed
    body = await build()
    if link := link_header(links(), head):
        headers["link"] = link
    content = body if isinstance(body, bytes) else body.model_dump_json().encode()
    return Response(content, headers=headers, media_type=media_type)


def _is_unchanged(request: Request, tag: str, changed: datetime | None) -> bool:
    named = request.headers.get("if-none-match")
    if named is not None or changed is None:  # an ETag takes precedence over a date (RFC 9110 section 13.2.2)
        return is_current(named, tag)
    return is_unmodified(request.headers.get("if-modified-since"), changed)


def query_text(request: Request) -> str:
    """The query of the URL as it was sent."""
    return str(request.scope["query_string"].decode("latin-1"))


def link_header(targets: Mapping[str, str], head: str | None) -> str:
    """`Link` header with these targets by relation, and with the event stream after the event `head` (Mercure
    discovery); empty if there is neither."""
    named = [f'<{target}>; rel="{rel}"' for rel, target in targets.items()]
    if head:
        named.append(f'</v1/events>; rel="mercure"; last-event-id="{head}"')
    return ", ".join(named)


def page_links(request: Request, *, page: int, pages: int) -> dict[str, str]:
    """Targets of `first`, `prev`, `next` and `last`: this request with another page."""
    return page_targets(request.scope["path"], query_text(request), page=page, pages=pages)


def page_targets(path: str, query: str, *, page: int, pages: int) -> dict[str, str]:
    """`page_links` of a request for `path` with this query."""
    if _PLAIN_QUERY.fullmatch(query):
        others = query
    else:
        pairs = parse_qsl(query, keep_blank_values=True)
        others = urlencode([(name, value) for name, value in pairs if name != "page"])
    begin = f"{quote(path)}?{others}&page=" if others else f"{quote(path)}?page="
    numbers = {"first": 1, "prev": page - 1, "next": page + 1, "last": pages}
    return {rel: f"{begin}{number}" for rel, number in numbers.items() if 1 <= number <= pages}


def install_error_handlers(app: FastAPI) -> None:
    """Our own exceptions as problems."""
    for kind in (
        BadParameter,
        BadField,
        InvalidQuery,
        NotPublic,
        SubscriptionConflict,
        SubscriptionLimit,
        WebhookConflict,
    ):
        app.add_exception_handler(kind, _on_error)


def problem_of(error: Exception) -> Problem:
    """The problem of one of our exceptions; re-raises others."""
    match error:
        case BadParameter(name=name, reason=reason):
            return invalid_field(name, reason).problem
        case BadField(name=name, reason=reason):
            return invalid_field(name, reason).problem
        case SubscriptionConflict() | SubscriptionLimit() | WebhookConflict():
            return Problem(409, str(error), error.rule)
        case InvalidQuery(field=name):
            return invalid_field(name, str(error)).problem
        case NotPublic(gone=gone):
            return Problem(410, str(error), "gone") if gone else Problem(404, str(error), "not-found")
        case ProblemError():
            return error.problem
        case _:
            raise error


def _on_error(request: Request, error: Exception) -> Response:
    return problem_of(error).response(request.url.path)
