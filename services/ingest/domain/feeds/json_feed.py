"""JSON Feed 1.0 and 1.1. Values of the wrong type are ignored; common deviations are read."""

from __future__ import annotations

from typing import Any, Final

from services.ingest.domain.dates import parse_feed_date
from services.ingest.domain.feeds.model import MAX_ITEMS, Enclosure, FeedDocument, FeedItem, Person, TextKind
from shared.errors import Permanent
from shared.urls import parse_url

_MAX_LISTED: Final = 100


def read_json_feed(feed: Any, url: str) -> FeedDocument:
    """A JSON Feed that came from `url`. Raises Permanent (`feed-not-a-feed`)."""
    if not isinstance(feed, dict) or not isinstance(feed.get("items"), list):
        raise Permanent("this is JSON, but not a JSON Feed", rule="feed-not-a-feed")
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
        hubs=tuple(_link(hub, "url", url) for hub in _objects(feed.get("hubs")) if _link(hub, "url", url)),
        self_url=_link(feed, "feed_url", url),
        items=tuple(_item(item, url) for item in items[:MAX_ITEMS]),
        truncated=len(items) > MAX_ITEMS,
    )


def _item(item: dict[str, Any], url: str) -> FeedItem:
    link = _link(item, "url", url)
    content, kind = _content(item)
    return FeedItem(
        guid=_id(item.get("id")),
        link=link or _link(item, "external_url", url),
        links=tuple(dict.fromkeys(each for each in (link, _link(item, "external_url", url)) if each)),
        title=_text(item, "title"),
        summary=_text(item, "summary"),
        summary_kind="text",
        content=content,
        content_kind=kind,
        authors=_people(item),
        categories=_tags(item.get("tags")),
        published=parse_feed_date(_id(item.get("date_published"))),
        updated=parse_feed_date(_id(item.get("date_modified"))),
        language=_text(item, "language"),
        image=_link(item, "image", url) or _link(item, "banner_image", url),
        enclosures=tuple(
            Enclosure(_link(part, "url", url), _text(part, "mime_type"), str(part.get("size_in_bytes") or ""))
            for part in _objects(item.get("attachments"))
            if _link(part, "url", url)
        ),
    )


def _content(item: dict[str, Any]) -> tuple[str, TextKind]:
    html = _text(item, "content_html")
    return (html, "html") if html else (_text(item, "content_text"), "text")


def _tags(value: Any) -> tuple[str, ...]:
    """Tags are a list of strings; some producers send one string with commas, or objects with a name."""
    listed = value.split(",") if isinstance(value, str) else _listed(value)
    names = (_text(each, "name") or _text(each, "title") if isinstance(each, dict) else each for each in listed)
    return tuple(dict.fromkeys(name.strip() for name in names if isinstance(name, str) and name.strip()))


def _id(value: Any) -> str:
    """Ids must be strings; some producers send numbers, and 7.0 for 7."""
    if isinstance(value, float) and value.is_integer():
        value = int(value)
    return str(value).strip() if isinstance(value, str | int | float) and not isinstance(value, bool) else ""


def _people(source: dict[str, Any]) -> tuple[Person, ...]:
    """1.1 has the list `authors`, 1.0 the object `author`; either may be an object, a list or a name."""
    named = source.get("authors") or source.get("author")
    names = (_text(each, "name") if isinstance(each, dict) else each for each in _listed(named))
    return tuple(dict.fromkeys(Person(name.strip()) for name in names if isinstance(name, str) and name.strip()))


def _objects(value: Any) -> list[dict[str, Any]]:
    return [each for each in _listed(value) if isinstance(each, dict)]


def _listed(value: Any) -> list[Any]:
    return value[:_MAX_LISTED] if isinstance(value, list) else [] if value is None else [value]


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
