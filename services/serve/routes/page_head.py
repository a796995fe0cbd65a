"""The `<head>` of reader pages: feed links, canonical URL and structured data."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Final, NamedTuple
from urllib.parse import urlencode

from markupsafe import Markup

from services.serve.domain import links as paths
from services.serve.domain.feed import plain_url
from services.serve.domain.newsarticle import news_article, script_text
from services.serve.routes.feed_responses import FEED_FORMATS
from services.serve.routes.feeds import FILTERS
from services.serve.settings import ServeSettings
from shared.articles import Article

_FEED_PARAMETERS: Final = frozenset(name for row in FILTERS for name in (row.name, *row.aliases))


class FeedLink(NamedTuple):
    """One `<link rel="alternate">`."""

    type: str
    title: str
    href: str


def feed_links(title: str, of: str, name: str | None = None, query: Sequence[tuple[str, str]] = ()) -> list[FeedLink]:
    """The three formats of one feed; `query` are the parameters of a search."""
    kept = urlencode([pair for pair in query if pair[0] in _FEED_PARAMETERS])
    return [
        FeedLink(media_type, title, paths.feed(of, form, name) + (f"?{kept}" if kept else ""))
        for form, (_, media_type) in FEED_FORMATS.items()
    ]


def article_head(article: Article, settings: ServeSettings) -> dict[str, Any]:
    """Additional template variables of an article page."""
    about = news_article(article, base=settings.public_url, site=settings.site_name)
    feeds = [] if article.story_id is None else feed_links(article.title, "stories", article.story_id)
    return {
        "structured": Markup(script_text(about)),  # noqa: S704 - `script_text` escapes all markup
        "picture": next((url for image in article.images if (url := plain_url(image.url))), None),
        "modified": about["dateModified"],
        "canonical": paths.article_page(article.id, article.slug),
        "feeds": feeds,
    }
