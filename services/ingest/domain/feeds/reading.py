"""Entry point of feed parsing: detects the format and returns a FeedDocument."""

from __future__ import annotations

import json
import re
from dataclasses import replace
from typing import Any, Final

import orjson

from services.ingest.domain.feeds.json_feed import read_json_feed
from services.ingest.domain.feeds.model import FeedDocument
from services.ingest.domain.feeds.rss_json import is_rss_json, xml_of
from services.ingest.domain.feeds.sitemap import is_sitemap, read_sitemap
from services.ingest.domain.feeds.text import decode_feed
from services.ingest.domain.feeds.xml import read_xml
from shared.errors import Permanent

_STRING_OR_COMMA: Final = re.compile(r'"(?:[^"\\]|\\.)*+"?|,(?=\s{0,99}[\]}])', re.DOTALL)
_RELAXED: Final = json.JSONDecoder(strict=False)


def read_feed(data: bytes, *, url: str = "", content_type: str = "") -> FeedDocument:
    """Read a feed or sitemap; the format is detected from the bytes. Raises Permanent with a `feed-` rule."""
    text, cut = decode_feed(data, content_type)
    if text.startswith(("{", "[")):
        return _read_json(text, url)
    document = read_sitemap(text, url) if is_sitemap(text) else read_xml(text, url)
    return replace(document, truncated=True) if cut else document


def _read_json(text: str, url: str) -> FeedDocument:
    try:
        value = orjson.loads(text)
    except orjson.JSONDecodeError:
        value = _relaxed_json(text)
    return read_xml(xml_of(value), url) if is_rss_json(value) else read_json_feed(value, url)


def _relaxed_json(text: str) -> Any:
    """JSON with raw line ends and tabs in strings, commas before closing brackets and text behind its end."""
    without_commas = _STRING_OR_COMMA.sub(lambda found: found[0] if found[0][0] == '"' else "", text)
    try:
        return _RELAXED.raw_decode(without_commas)[0]
    except (ValueError, RecursionError) as error:
        raise Permanent("this is not JSON", rule="feed-not-a-feed") from error
