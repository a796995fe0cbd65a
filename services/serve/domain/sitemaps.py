"""Sitemaps: the protocol of sitemaps.org, and its extension for news."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Final
from xml.etree.ElementTree import Element, register_namespace

from services.serve.domain.feed import FeedEntry
from services.serve.domain.feed_xml import child, document

SITEMAP: Final = "http://www.sitemaps.org/schemas/sitemap/0.9"
NEWS: Final = "http://www.google.com/schemas/sitemap-news/0.9"
NEWS_DAYS: Final = 2
MAX_NEWS: Final = 1_000
register_namespace("news", NEWS)


def sitemap(pages: Iterable[str], entries: Sequence[FeedEntry]) -> bytes:
    """Pages of the site by their absolute URLs, then articles with the time of their last revision."""
    root = Element("urlset", xmlns=SITEMAP)
    for page in pages:
        child(child(root, "url"), "loc", page)
    for entry in entries:
        made = child(root, "url")
        child(made, "loc", entry.url)
        child(made, "lastmod", max(entry.updated, entry.touched).isoformat(timespec="seconds"))
    return document(root)


def news_sitemap(entries: Sequence[FeedEntry], *, site: str, language: str) -> bytes:
    """Articles of the last two days. `language` is used for articles of unknown language."""
    root = Element("urlset", xmlns=SITEMAP)
    for entry in entries[:MAX_NEWS]:
        made = child(root, "url")
        child(made, "loc", entry.url)
        news = child(made, _n("news"))
        publication = child(news, _n("publication"))
        child(publication, _n("name"), site)
        child(publication, _n("language"), _news_language(entry.language or language))
        child(news, _n("publication_date"), entry.published.isoformat(timespec="seconds"))
        child(news, _n("title"), entry.title)
    return document(root)


def _news_language(language: str) -> str:
    """Two or three letters; of Chinese also the script, which the extension writes as a country."""
    low = language.lower()
    if low.startswith("zh"):
        return "zh-tw" if low.endswith(("hant", "tw", "hk", "mo")) else "zh-cn"
    return low.partition("-")[0]


def _n(name: str) -> str:
    return f"{{{NEWS}}}{name}"
