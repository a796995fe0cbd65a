"""`/sitemap.xml`, `/news-sitemap.xml` and `/robots.txt`."""

from __future__ import annotations

import hashlib
from datetime import datetime, timedelta
from typing import Final

from fastapi import APIRouter, Request
from starlette.responses import Response

from services.serve import handlers
from services.serve.domain import links as paths
from services.serve.domain.feed import last_change
from services.serve.domain.search_request import SearchRequest
from services.serve.domain.sitemaps import MAX_NEWS, NEWS_DAYS, news_sitemap, sitemap
from services.serve.routes.feed_responses import entries_of, public_cards
from services.serve.routes.responses import ERRORS, respond
from services.serve.routes.services import Ports
from shared.clock import now

router = APIRouter(tags=["feeds"])

_XML: Final = "application/xml"
_ANSWER: Final = ERRORS | {200: {"description": "A sitemap.", "content": {_XML: {"schema": {"type": "string"}}}}}
_TAGS: Final = 100


@router.get("/sitemap.xml", summary="Sitemap", response_class=Response, responses=_ANSWER)
async def whole(request: Request, ports: Ports) -> Response:
    """The front page, the most frequent streams, and the newest 1,000 articles."""
    await ports.changes.refresh()
    found = await handlers.search(ports.index, SearchRequest(order="newest", page_size=MAX_NEWS))
    entries = entries_of(ports, await public_cards(ports, [hit.card for hit in found.hits]))
    streams = [paths.stream_page(slug) for slug in list(await handlers.tag_counts(ports.index))[:_TAGS]]
    pages = [f"{ports.settings.public_url}{path}" for path in ("/", *streams)]
    return await _answer(request, sitemap(pages, entries), last_change(entries, ()))


@router.get("/news-sitemap.xml", summary="News sitemap", response_class=Response, responses=_ANSWER)
async def news(request: Request, ports: Ports) -> Response:
    """Articles of the last two days, at most 1,000. Removed articles are omitted immediately."""
    await ports.changes.refresh()
    since = int((now() - timedelta(days=NEWS_DAYS)).timestamp())
    found = await handlers.search(ports.index, SearchRequest(order="newest", page_size=MAX_NEWS, since=since))
    entries = entries_of(ports, await public_cards(ports, [hit.card for hit in found.hits]))
    content = news_sitemap(entries, site=ports.settings.site_name, language=ports.settings.site_language)
    return await _answer(request, content, last_change(entries, ()))


@router.get("/robots.txt", include_in_schema=False)
async def robots(request: Request, ports: Ports) -> Response:
    """Allows everything and names the sitemaps."""
    base = ports.settings.public_url
    lines = ("User-agent: *", "Disallow: /v1/", f"Sitemap: {base}/sitemap.xml", f"Sitemap: {base}/news-sitemap.xml", "")
    return await _answer(request, "\n".join(lines).encode(), None, media_type="text/plain; charset=utf-8")


async def _answer(request: Request, content: bytes, changed: datetime | None, *, media_type: str = _XML) -> Response:
    async def build() -> bytes:
        return content

    return await respond(request, [hashlib.sha256(content).hexdigest()], build, media_type=media_type, changed=changed)
