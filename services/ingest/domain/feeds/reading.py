"""The one entrance: bytes of a feed or sitemap in, a document or a verdict out."""

from __future__ import annotations

from dataclasses import replace

from services.ingest.domain.feeds.json_feed import read_json
from services.ingest.domain.feeds.model import FeedDocument
from services.ingest.domain.feeds.sitemap import is_sitemap, read_sitemap
from services.ingest.domain.feeds.text import readable
from services.ingest.domain.feeds.xml import read_xml


def read_feed(data: bytes, *, url: str = "", content_type: str = "") -> FeedDocument:
    """Read a feed or sitemap; the bytes tell what it is, not its name. Raises Permanent with a `feed-` rule."""
    text, cut = readable(data, content_type)
    if text.startswith(("{", "[")):
        return read_json(text, url)
    document = read_sitemap(text) if is_sitemap(text) else read_xml(text, url)
    return replace(document, truncated=True) if cut else document
