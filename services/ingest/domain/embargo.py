"""Refuses a posted page whose own metadata says that it is published later: there is no embargo yet.

A page that was fetched is public already; of such a page a date in the future is a mistake.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from datetime import datetime
from typing import Final

from services.ingest.domain.dates import FUTURE, is_future
from services.ingest.domain.rejections import reject

_META: Final = re.compile(r"<meta\b[^<>]{0,2000}>", re.IGNORECASE)
_PUBLISHED: Final = re.compile(
    r"""\b(?:property|name|itemprop)\s*=\s*["']?\s*"""
    r"""(?P<name>article:published_time|og:published_time|datePublished|parsely-pub-date|sailthru\.date)\s*["'\s/>]""",
    re.IGNORECASE,
)
_CONTENT: Final = re.compile(r"""\bcontent\s*=\s*(?:"([^"]{4,60})"|'([^']{4,60})')""", re.IGNORECASE)
_LINKED_DATA: Final = re.compile(r'"datePublished"\s*:\s*"([^"\\]{4,60})"')


def reject_embargoed(html: str, *, now: datetime) -> None:
    """Raises InputRejected when the page's publication date lies in the future; of several in JSON-LD, when all do."""
    if "ublish" not in html and "pub-date" not in html and "sailthru" not in html:
        return
    if any(is_future(date, now=now) for date in _own_dates(html)):
        raise reject("published_at", f"of the page {FUTURE}")
    linked = _LINKED_DATA.findall(html)
    if linked and all(is_future(date, now=now) for date in linked):
        raise reject("published_at", f"of the page {FUTURE}")


def _own_dates(html: str) -> Iterator[str]:
    for tag in _META.findall(html):
        content = _CONTENT.search(tag) if _PUBLISHED.search(tag) else None
        if content is not None:
            yield content[1] or content[2]
