"""JSON Feed 1.0 and 1.1 into the model, forgiving about types: what is not as the format says counts as absent."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any, Final

import orjson

from services.ingest.domain.feeds.model import MAX_ITEMS, Enclosure, FeedDocument, FeedItem, Person
from services.ingest.domain.feeds.text import iso_instant
from shared.errors import Permanent
from shared.urls import parse_url

_VERSION: Final = "https://jsonfeed.org/version/"


def read_json(text: str, url: str) -> FeedDocument:
    """A JSON Feed that came from `url`. Raises Permanent (`feed-not-a-feed`)."""
    try:
        feed: Any = orjson.loads(text)
    except orjson.JSONDecodeError as error:
        raise Permanent("this is not JSON", rule="feed-not-a-feed") from error
    if not isinstance(feed, dict) or not isinstance(feed.get("items"), list):
        raise Permanent("this is JSON, but no JSON Feed", rule="feed-not-a-feed")
    items = [item for item in feed["items"] if isinstance(item, dict)]
    link = _link(feed, "home_page_url", url)
    return FeedDocument(
        format="json",
        title=_text(feed, "title"),
        link=link,
        links=(link,) if link else (),
        description=_text(feed, "description"),
        language=_text(feed, "language"),
        authors=_people(feed),
        image=_link(feed, "icon", url) or _link(feed, "favicon", url),
        hubs=tuple(_link(hub, "url", url) for hub in _objects(feed, "hubs") if _link(hub, "url", url)),
        self_url=_link(feed, "feed_url", url),
        items=tuple(_item(item, url) for item in items[:MAX_ITEMS]),
        truncated=len(items) > MAX_ITEMS,
    )


def _item(item: dict[str, Any], url: str) -> FeedItem:
    link = _link(item, "url", url)
    guid = item.get("id")
    return FeedItem(
        guid=str(guid).strip() if isinstance(guid, str | int) and not isinstance(guid, bool) else "",
        link=link or _link(item, "external_url", url),
        links=tuple(dict.fromkeys(each for each in (link, _link(item, "external_url", url)) if each)),
        title=_text(item, "title"),
        summary=_text(item, "summary"),
        content=_text(item, "content_html") or _text(item, "content_text"),
        authors=_people(item),
        categories=tuple(dict.fromkeys(tag.strip() for tag in _strings(item.get("tags")) if tag.strip())),
        published=iso_instant(_text(item, "date_published")),
        updated=iso_instant(_text(item, "date_modified")),
        language=_text(item, "language"),
        image=_link(item, "image", url) or _link(item, "banner_image", url),
        enclosures=tuple(
            Enclosure(_link(part, "url", url), _text(part, "mime_type"), str(part.get("size_in_bytes") or ""))
            for part in _objects(item, "attachments")
            if _link(part, "url", url)
        ),
    )


def _people(source: dict[str, Any]) -> tuple[Person, ...]:
    """1.1 has `authors`, 1.0 had `author`."""
    single = source.get("author")
    named = _objects(source, "authors") or ([single] if isinstance(single, dict) else [])
    return tuple(dict.fromkeys(Person(name) for person in named if (name := _text(person, "name"))))


def _objects(source: dict[str, Any], name: str) -> list[dict[str, Any]]:
    values = source.get(name)
    return [value for value in values[:100] if isinstance(value, dict)] if isinstance(values, list) else []


def _strings(values: Any) -> Iterable[str]:
    return (value for value in values if isinstance(value, str)) if isinstance(values, list) else ()


def _link(source: dict[str, Any], name: str, base: str) -> str:
    text = _text(source, name)
    if not text:
        return ""
    try:
        return parse_url(text, base or None).href if base else text
    except ValueError:
        return ""


def _text(source: dict[str, Any], name: str) -> str:
    value = source.get(name)
    return value.strip() if isinstance(value, str) else ""
