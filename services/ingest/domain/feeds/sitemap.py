"""Sitemaps, news sitemaps and sitemap indexes: each `url`, and each `sitemap` of an index, becomes an item."""

from __future__ import annotations

import re
from datetime import UTC, datetime
from typing import Any, Final
from xml.parsers import expat

from services.ingest.domain.dates import parse_feed_date
from services.ingest.domain.feeds.model import MAX_ITEMS, FeedDocument, FeedFormat, FeedItem
from services.ingest.domain.feeds.xml_text import repair_text
from shared.errors import Permanent
from shared.urls import parse_url

_ROOT: Final = re.compile(
    r"^\s*(?:<\?[^>]{0,300}\?>\s*|<!--.{0,2000}?-->\s*){0,9}<(?:\w{1,40}:)?(urlset|sitemapindex)[\s>]", re.DOTALL
)
_ROOT_NAME: Final = re.compile(r"<(?:\w{1,40}:)?(?:urlset|sitemapindex)(?=[\s>])")
_PREFIX: Final = re.compile(r"</?([A-Za-z]\w{0,20}):[A-Za-z]")
_MAX_PREFIXES: Final = 20
_MAX_DEPTH: Final = 8
_FIELD_DEPTH: Final = 3
"""Depth of `loc` and `lastmod`. `image:loc` and the like of extensions are deeper."""
_SEPARATOR: Final = " "


def is_sitemap(text: str) -> bool:
    """Whether the root element is that of a sitemap or of a sitemap index."""
    return _ROOT.match(text) is not None


def read_sitemap(text: str, url: str = "") -> FeedDocument:
    """A sitemap; the newest entries first, at most `MAX_ITEMS`. `url` is where it came from.

    Raises Permanent (`feed-not-a-feed`).
    """
    reader = _read(text)
    items = [item for row in reader.rows if (item := _item(row, url)) is not None]
    items.sort(key=lambda item: item.published or item.updated or _OLDEST, reverse=True)
    news = any("news:title" in fields for fields in reader.rows)
    kind: FeedFormat = "sitemap-index" if reader.root == "sitemapindex" else "news-sitemap" if news else "sitemap"
    return FeedDocument(format=kind, items=tuple(items[:MAX_ITEMS]), truncated=len(items) > MAX_ITEMS)


def _read(text: str) -> _Reader:
    """Reads the text, repaired if it is not well-formed; what stands before an error that remains is kept."""
    reader = _Reader()
    try:
        reader.read(text)
    except expat.ExpatError:
        reader = _Reader()
        try:
            reader.read(_with_namespaces(repair_text(text)))
        except expat.ExpatError as error:
            if not reader.rows:
                raise Permanent("the sitemap is not well-formed XML", rule="feed-not-a-feed") from error
    return reader


def _with_namespaces(text: str) -> str:
    """The text with a declaration for each prefix that has none."""
    used = dict.fromkeys(_PREFIX.findall(text))
    missing = [prefix for prefix in used if f"xmlns:{prefix}" not in text][:_MAX_PREFIXES]
    declared = "".join(f' xmlns:{prefix}="urn:sitemap-{prefix}"' for prefix in missing)
    return _ROOT_NAME.sub(lambda found: found[0] + declared, text, count=1)


_OLDEST: Final = datetime.min.replace(tzinfo=UTC)


class _Reader:
    """Collects the text of known elements; names of the news namespace get the prefix `news:`."""

    def __init__(self) -> None:
        self.rows: list[dict[str, str]] = []
        self.root = ""
        self._path: list[str] = []
        self._text: list[str] = []

    def read(self, text: str) -> None:
        """Read the whole text. Raises ExpatError; the rows before the fault are kept."""
        parser: Any = expat.ParserCreate(namespace_separator=_SEPARATOR)
        parser.buffer_text = True
        parser.StartElementHandler = self._start
        parser.EndElementHandler = self._end
        parser.CharacterDataHandler = self._text.append
        parser.Parse(text.encode("utf-8", "replace"), True)

    def _start(self, name: str, _attributes: dict[str, str]) -> None:
        self._text.clear()
        namespace, _, local = name.rpartition(_SEPARATOR)
        prefix = "news:" if "sitemap-news" in namespace else "" if len(self._path) < _FIELD_DEPTH else "extension:"
        self._path.append(prefix + local)
        if len(self._path) > _MAX_DEPTH:
            raise expat.ExpatError("nests too deeply")
        if len(self._path) == 1:
            self.root = local
        if len(self._path) == 2:
            self.rows.append({})

    def _end(self, _: str) -> None:
        name = self._path.pop()
        text = "".join(self._text).strip()
        self._text.clear()
        if self._path and self.rows and text:
            self.rows[-1].setdefault(name, text)


def _item(row: dict[str, str], url: str) -> FeedItem | None:
    try:
        link = parse_url(row.get("loc", ""), url or None).href if row.get("loc") else ""
    except ValueError:
        return None
    if not link:
        return None
    keywords = (word.strip() for word in row.get("news:keywords", "").split(","))
    return FeedItem(
        link=link,
        links=(link,),
        title=row.get("news:title", ""),
        categories=tuple(dict.fromkeys(word for word in keywords if word)),
        published=parse_feed_date(row.get("news:publication_date", "")),
        updated=parse_feed_date(row.get("lastmod", "")),
        language=row.get("news:language", ""),
    )
