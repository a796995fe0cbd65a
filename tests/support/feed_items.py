"""Feeds of one item, and what is submitted for the items of a feed."""

from __future__ import annotations

from typing import Any

import orjson

from services.ingest.domain.feeds.items import article_of, candidates
from services.ingest.domain.feeds.reading import read_feed

URL = "https://gazette.example/feed"
MEDIA = 'xmlns:media="http://search.yahoo.com/mrss/"'
SENTENCE = "Council votes to rebuild the only bridge over the canal."


def articles(data: bytes) -> list[dict[str, Any]]:
    """What is submitted for each item, in the order of the feed."""
    found = candidates(read_feed(data, url=URL), {}).items
    return [orjson.loads(article_of("gazette", one)) for one in reversed(found)]


def rss(body: str, title: str = "A headline", more: str = "") -> bytes:
    return (
        f"<rss version='2.0' {MEDIA}><channel><title>T</title><item><guid>1</guid><link>https://gazette.example/1</link>"
        f"<title>{title}</title>{body}{more}</item></channel></rss>"
    ).encode()


def atom(inside: str) -> bytes:
    return (
        f"<feed xmlns='http://www.w3.org/2005/Atom' {MEDIA}><title>T</title><entry><id>urn:1</id>"
        f"<link href='https://gazette.example/1'/>{inside}</entry></feed>"
    ).encode()
