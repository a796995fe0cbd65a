"""Builds feed responses: one search for the articles, recent removals, and the requested format."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from itertools import islice
from typing import Final, Literal
from urllib.parse import urlencode

from fastapi import Request
from starlette.responses import Response

from services.serve import handlers
from services.serve.domain import links as paths
from services.serve.domain.feed import Feed, FeedEntry, entry_of, language_of, last_change, one_line, tombstone_of
from services.serve.domain.feed_json import json_feed
from services.serve.domain.feed_xml import atom, rss
from services.serve.domain.parameters import BadParameter
from services.serve.domain.search_request import REACH, SearchRequest, page_count
from services.serve.handlers import NotPublic
from services.serve.routes.responses import respond
from services.serve.routes.services import Services
from shared.articles import Card
from shared.events import Publication, Tombstone
from shared.query import Facts
from shared.query.canary import is_canary

FeedFormat = Literal["rss", "atom", "json"]
ENTRIES: Final = 50
"""Entries per page; paging reaches `REACH` articles."""
PAGES: Final = REACH // ENTRIES
_TOMBSTONES: Final = 100
_LOOK_AT: Final = 20
FEED_FORMATS: Final[Mapping[FeedFormat, tuple[Callable[[Feed], bytes], str]]] = {
    "rss": (rss, "application/rss+xml"),
    "atom": (atom, "application/atom+xml"),
    "json": (json_feed, "application/feed+json"),
}
MEDIA_TYPES: Final = tuple(media_type for _, media_type in FEED_FORMATS.values())


@dataclass(frozen=True, slots=True)
class FeedDefinition:
    """Definition of a feed. `of` and `name` form its path, `query` its query string; `home` is its reader page."""

    of: str
    name: str | None
    home: str
    search: SearchRequest
    matches_removal: Callable[[Tombstone, Facts], bool]
    """Whether the feed may have shown a removed article."""
    title: Callable[[Sequence[Card]], str]
    query: tuple[tuple[str, str], ...] = ()
    may_be_empty: bool = False


async def feed_response(
    request: Request,
    ports: Services,
    definition: FeedDefinition,
    feed_format: FeedFormat,
    *,
    page: int = 1,
    private: bool = False,
) -> Response:
    """The feed in this format with validators. Raises NotPublic if it has no articles and never had."""
    await ports.changes.refresh()
    search = replace(definition.search, order="newest", highlights=False, facets=(), page=page, page_size=ENTRIES)
    found = await handlers.search(ports.index, search)
    pages = page_count(found.total.value, ENTRIES)
    if page > max(1, pages):
        raise BadParameter("page", f"this feed ends with page {max(1, pages)}")
    cards = await public_cards(ports, [hit.card for hit in found.hits])
    removals = ports.changes.removals() if page == 1 else ()
    matching = (event.article for event, facts in removals if definition.matches_removal(event.article, facts))
    gone = list(islice(matching, _TOMBSTONES))
    if not (found.hits or gone or definition.may_be_empty):
        raise NotPublic(f"there is no feed of {definition.of} {definition.name or ''}".strip())
    feed = _feed(ports, definition, cards, gone, _pages(ports, definition, feed_format, page, pages))
    write, media_type = FEED_FORMATS[feed_format]
    content = write(feed)

    async def build() -> bytes:
        return content

    named = {"self": feed.self_url} | ({"hub": feed.hub} if feed.hub else {})
    response = await respond(
        request,
        [hashlib.sha256(content).hexdigest()],
        build,
        links=lambda: named,
        media_type=f"{media_type}; charset=utf-8",
        changed=feed.updated,
    )
    if private:
        response.headers["cache-control"] = "private, no-cache"
    return response


async def public_cards(ports: Services, cards: Sequence[Card]) -> list[Card]:
    """The cards without articles that were removed after the search. Raises StoreUnavailable."""
    records = await ports.store.records([card.id for card in cards])
    return [
        card
        for card, record in zip(cards, records, strict=True)
        if record is not None and record.state not in handlers.NOT_PUBLIC
    ]


async def latest_publications(ports: Services, *, limit: int) -> list[Card]:
    """The most recently published articles, latest first, without copies and removed ones."""
    entries = await ports.publications.newest(_LOOK_AT)
    cards = [
        entry.event.card
        for entry in entries
        if isinstance(entry.event, Publication)
        and entry.event.meta.type == Publication.TYPE
        and entry.event.card.duplicate_of is None
        and not is_canary(entry.event)
    ]
    return (await public_cards(ports, cards))[:limit]


def entries_of(ports: Services, cards: Sequence[Card]) -> tuple[FeedEntry, ...]:
    """The cards as entries, with the times of their last corrections."""
    corrected = ports.changes.corrected
    return tuple(entry_of(card, ports.settings.public_url, corrected_at=corrected.get(card.id)) for card in cards)


def _feed(
    ports: Services, definition: FeedDefinition, cards: Sequence[Card], gone: Sequence[Tombstone], pages: dict[str, str]
) -> Feed:
    settings = ports.settings
    entries = entries_of(ports, cards)
    card_ids = {card.id for card in cards}
    tombstones = tuple(tombstone_of(one, settings.public_url) for one in gone if one.id not in card_ids)
    languages = {entry.language for entry in entries}
    named = definition.title(cards)
    updated: datetime = last_change(entries, tombstones)
    return Feed(
        id=f"{settings.public_url}{_path(definition, None)}",
        title=one_line(f"{named} – {settings.site_name}" if named else settings.site_name),
        about=one_line(f"The newest articles: {named}" if named else f"The newest articles of {settings.site_name}"),
        home=f"{settings.public_url}{definition.home}",
        self_url=pages.pop("self"),
        site=settings.site_name,
        updated=updated,
        entries=entries,
        gone=tombstones,
        language=languages.pop() if len(languages) == 1 else language_of(settings.site_language),
        hub=settings.hub_url or None,
        pages=pages,
    )


def _pages(
    ports: Services, definition: FeedDefinition, feed_format: FeedFormat, page: int, pages: int
) -> dict[str, str]:
    """`self` and paging links (RFC 5005)."""
    base = ports.settings.public_url
    found = {"self": f"{base}{_path(definition, feed_format, page)}"}
    if pages < 2:
        return found
    others = {"first": 1, "previous": page - 1, "next": page + 1, "last": pages}
    return found | {
        rel: f"{base}{_path(definition, feed_format, number)}" for rel, number in others.items() if 1 <= number <= pages
    }


def _path(definition: FeedDefinition, feed_format: FeedFormat | None, page: int = 1) -> str:
    path = paths.feed(definition.of, feed_format or "atom", definition.name)
    if feed_format is None:
        path = path.removesuffix(".atom")
    query = [*definition.query, *([("page", str(page))] if page > 1 else [])]
    return f"{path}?{urlencode(query)}" if query else path
