"""An article as schema.org NewsArticle in JSON-LD, safe inside a page's `<script type="application/ld+json">`."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from typing import Any, Final

from services.serve.domain import links
from services.serve.domain.feed import MAX_TEXT, entry_of, language_of, one_line, plain_url
from shared.articles import Article, card_of

_HEADLINE: Final = 110
"""Maximum headline length; consumers reject longer ones."""
_ESCAPES: Final = {ord(char): f"\\u{ord(char):04x}" for char in "<>&\u2028\u2029"}


def news_article(article: Article, *, base: str, site: str) -> dict[str, Any]:
    """The members of the object; `base` is the public URL of this server, `site` its name."""
    entry = entry_of(card_of(article), base)
    found: dict[str, Any] = {
        "@context": "https://schema.org",
        "@type": "NewsArticle",
        "@id": entry.id,
        "url": entry.url,
        "mainEntityOfPage": {"@type": "WebPage", "@id": entry.url},
        "headline": entry.title if len(entry.title) <= _HEADLINE else f"{entry.title[: _HEADLINE - 1]}…",
        "datePublished": _iso(entry.published),
        "dateModified": _iso(max(entry.updated, entry.touched) if article.rev > 1 else entry.updated),
        "wordCount": article.word_count,
        "isAccessibleForFree": True,
        "publisher": {"@type": "NewsMediaOrganization", "name": site, "url": f"{base}/"},
    }
    optional = {
        "description": entry.dek or entry.summary,
        "inLanguage": language_of(article.language),
        "articleSection": article.section,
        "keywords": [tag.label for tag in entry.tags],
        "author": [{"@type": "Person", "name": name} for name in entry.authors],
        "sourceOrganization": {"@type": "Organization", "name": entry.source} if entry.source else None,
        "isBasedOn": entry.origin,
        "image": [url for image in article.images if (url := plain_url(image.url))],
        "isPartOf": {"@type": "CollectionPage", "@id": f"{base}{links.story_page(article.story_id)}"}
        if article.story_id
        else None,
        "correction": _corrections(article),
    }
    return found | {name: value for name, value in optional.items() if value}


def script_text(value: dict[str, Any]) -> str:
    """JSON that no HTML parser can mistake for markup."""
    return json.dumps(value, ensure_ascii=False).translate(_ESCAPES)


def _corrections(article: Article) -> dict[str, str] | list[dict[str, str]] | None:
    """One comment, or several, oldest first."""
    comments = [
        {"@type": "CorrectionComment", "text": one_line(note.text, MAX_TEXT), "datePublished": _iso(note.at)}
        for note in article.correction_notes
    ]
    return comments[0] if len(comments) == 1 else comments or None


def _iso(instant: datetime) -> str:
    return instant.astimezone(UTC).isoformat().replace("+00:00", "Z")
