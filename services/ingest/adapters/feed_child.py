"""Feed parser process: `python -m services.ingest.adapters.feed_child PARENT`."""

from __future__ import annotations

import sys
from typing import Final

import orjson

from services.ingest.domain.feeds.reading import read_feed
from shared.sandbox.template import serve

_WARM_UP: Final = (
    b"<rss version='2.0'><channel><title>A</title><item><title>B</title><link>https://example.org/b</link>"
    b"<pubDate>Mon, 05 Jan 2026 08:00:00 GMT</pubDate></item></channel></rss>"
)


def main() -> int:
    """Serve parse requests until the parent closes the pipe."""
    return serve(parse, lambda: read_feed(_WARM_UP))


def parse(head: bytes, data: bytes) -> bytes:
    """One feed as JSON. `head` is JSON with its `url` and `content_type`. Raises Permanent."""
    request = orjson.loads(head)
    return orjson.dumps(read_feed(data, url=request["url"], content_type=request["content_type"]))


if __name__ == "__main__":
    sys.exit(main())
