"""Entry point of feed parsing: detects the format and returns a FeedDocument."""

from __future__ import annotations

from dataclasses import replace

import orjson

from services.ingest.domain.feeds.json_feed import read_json_feed
from services.ingest.domain.feeds.model import FeedDocument
from services.ingest.domain.feeds.rss_json import is_rss_json, xml_of
from services.ingest.domain.feeds.sitemap import is_sitemap, read_sitemap
from services.ingest.domain.feeds.text import decode_feed
from services.ingest.domain.feeds.xml import read_xml
from shared.errors import Permanent


def read_feed(data: bytes, *, url: str = "", content_type: str = "") -> FeedDocument:
    """Read a feed or sitemap; the format is detected from the bytes. Raises Permanent with a `feed-` rule."""
    text, cut = decode_feed(data, content_type)
    if text.startswith(("{", "[")):
        return _read_json(text, url)
    document = read_sitemap(text) if is_sitemap(text) else read_xml(text, url)
    return replace(document, truncated=True) if cut else document


def _read_json(text: str, url: str) -> FeedDocument:
    try:
        value = orjson.loads(text)
    except orjson.JSONDecodeError as error:
        raise Permanent("this is not JSON", rule="feed-not-a-feed") from error
    return read_xml(xml_of(value), url) if is_rss_json(value) else read_json_feed(value, url)
