"""JSON Feed 1.1 format. The extension `_news` adds revisions and tombstones."""

from __future__ import annotations

from datetime import datetime
from typing import Any, Final

import orjson

from services.serve.domain.feed import Feed, FeedEntry

VERSION: Final = "https://jsonfeed.org/version/1.1"
_NEWS: Final = 1
"""The version of the extension."""


def json_feed(feed: Feed) -> bytes:
    """The feed as `application/feed+json`."""
    value: dict[str, Any] = {
        "version": VERSION,
        "title": feed.title,
        "home_page_url": feed.home,
        "feed_url": feed.self_url,
        "description": feed.about,
        "authors": [{"name": feed.site}],
    }
    if feed.language:
        value["language"] = feed.language
    if "next" in feed.pages:
        value["next_url"] = feed.pages["next"]
    if feed.hub:
        value["hubs"] = [{"type": "WebSub", "url": feed.hub}]
    value["items"] = [_item(entry) for entry in feed.entries]
    gone = [{"id": one.id, "when": _iso(one.at), "reason": one.reason} for one in feed.gone]
    value["_news"] = {"version": _NEWS, "updated": _iso(feed.updated), "deleted": gone}
    return orjson.dumps(value)


def _item(entry: FeedEntry) -> dict[str, Any]:
    news: dict[str, Any] = {
        "rev": entry.rev,
        "pubstatus": "usable",
        "story": entry.story,
        "source": entry.source or None,
    }
    if entry.corrections:
        news["correction"] = entry.corrections[-1].text
        news["corrections"] = [{"text": note.text, "at": _iso(note.at)} for note in entry.corrections]
    item: dict[str, Any] = {
        "id": entry.id,
        "url": entry.url,
        "title": entry.title,
        "content_html": entry.html,
        "content_text": entry.text,
        "summary": entry.dek or entry.summary or entry.title,
        "date_published": _iso(entry.published),
        "date_modified": _iso(entry.updated),
        "tags": list(dict.fromkeys(tag.label for tag in entry.tags)),
        "authors": [{"name": name} for name in entry.authors],
        "_news": news,
    }
    optional = {
        "external_url": entry.origin,
        "image": entry.picture.url if entry.picture else None,
        "language": entry.language,
    }
    return item | {name: value for name, value in optional.items() if value}


def _iso(instant: datetime) -> str:
    return instant.isoformat(timespec="milliseconds").replace("+00:00", "Z")
