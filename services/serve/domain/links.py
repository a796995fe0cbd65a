"""Paths on this server. Slugs may hold letters of any script, so they are percent-encoded here only."""

from __future__ import annotations

import re
from typing import Final
from urllib.parse import quote

_AS_IT_IS: Final = re.compile(r"[a-z0-9-]*+")
"""Slugs that need no quoting (most). Matching this costs a quarter of quoting."""


def article_json(article_id: str) -> str:
    """The article in the API."""
    return f"/v1/articles/{article_id}"


def article_page(article_id: str, slug: str | None) -> str:
    """The article as a page; without a slug the server redirects to the right one."""
    if slug is None:
        return f"/articles/{article_id}"
    return f"/articles/{article_id}/{slug if _AS_IT_IS.fullmatch(slug) else quote(slug, safe='')}"


def story_json(story_id: str) -> str:
    """The story in the API."""
    return f"/v1/stories/{story_id}"


def stream_json(slug: str) -> str:
    """A tag's stream in the API."""
    return f"/v1/streams/{quote(slug, safe='')}"


def stream_page(slug: str) -> str:
    """A tag's stream as a page."""
    return f"/streams/{quote(slug, safe='')}"


def story_page(story_id: str) -> str:
    """The story as a page."""
    return f"/stories/{quote(story_id, safe='')}"


def feed(of: str, form: str, name: str | None = None) -> str:
    """A feed; `of` is front, streams, sections, sources, stories, search or subscriptions, `form` its extension."""
    return f"/feeds/{of}.{form}" if name is None else f"/feeds/{of}/{quote(name, safe='')}.{form}"
