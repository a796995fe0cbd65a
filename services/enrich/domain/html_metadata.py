"""What an HTML page says about itself: meta elements, JSON-LD, `h1`, `title`, `time`."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, Final

import orjson
from lxml.html import HtmlElement  # type: ignore[import-untyped]

from services.enrich.domain import dates

_MAX_SCRIPTS: Final = 20
_MAX_SCRIPT: Final = 512 * 1024
_MAX_NODES: Final = 500
_MAX_VALUES: Final = 200


@dataclass(frozen=True, slots=True)
class Metadata:
    """Candidates as found, best source first; nothing is checked yet."""

    titles: tuple[str, ...]
    authors: tuple[str, ...]
    tags: tuple[str, ...]
    instants: tuple[datetime, ...]
    section: str | None
    language: str | None


def metadata_of(tree: HtmlElement) -> Metadata:
    """The page's own metadata."""
    article = _json_ld_article(tree)
    return Metadata(
        titles=(
            *_texts(tree, "//h1", 3),
            *_contents(tree, "og:title"),
            *_strings(article.get("headline")),
            *_contents(tree, "twitter:title"),
            *_texts(tree, "//head/title", 1),
        ),
        authors=_names(article.get("author")),
        tags=(*_contents(tree, "article:tag"), *_strings(article.get("keywords"))),
        instants=tuple(
            instant
            for text in (
                *_strings(article.get("datePublished")),
                *_contents(tree, "article:published_time"),
                *_attributes(tree, "//*[@itemprop='datePublished']/@content"),
                *_attributes(tree, "//*[@itemprop='datePublished']/@datetime"),
                *_attributes(tree, "//article//time/@datetime"),
            )
            if (instant := _instant(text)) is not None
        ),
        section=next(iter((*_contents(tree, "article:section"), *_strings(article.get("articleSection")))), None),
        language=next(iter(_attributes(tree, "/html/@lang")), None),
    )


def _texts(tree: HtmlElement, path: str, limit: int) -> list[str]:
    found = (element.text_content()[:2_000].strip() for element in tree.xpath(path)[:limit])
    return [text for text in found if text]


def _attributes(tree: HtmlElement, path: str) -> list[str]:
    return [text for value in tree.xpath(path)[:_MAX_VALUES] if (text := str(value)[:2_000].strip())]


def _contents(tree: HtmlElement, name: str) -> list[str]:
    return _attributes(tree, f"//meta[@property='{name}' or @name='{name}']/@content")


def _instant(text: str) -> datetime | None:
    found = dates.parse(text)
    return found[0].astimezone(UTC) if found else None


def _json_ld_article(tree: HtmlElement) -> dict[str, Any]:
    for script in tree.xpath("//script[contains(@type, 'ld+json')]")[:_MAX_SCRIPTS]:
        text = (script.text or "").strip()
        if not text or len(text) > _MAX_SCRIPT:
            continue
        try:
            value = orjson.loads(text.encode("utf-8", "replace"))
        except orjson.JSONDecodeError:
            continue  # broken JSON-LD is common, and the page has other sources
        for node in _nodes(value):
            if any("Article" in kind or kind == "BlogPosting" for kind in _strings(node.get("@type"))):
                return node
    return {}


def _nodes(value: Any) -> Iterator[dict[str, Any]]:
    waiting = [value]
    for _ in range(_MAX_NODES):
        if not waiting:
            return
        node = waiting.pop(0)
        if isinstance(node, list):
            waiting += node[:_MAX_NODES]
        elif isinstance(node, dict):
            yield node
            waiting += [node[key] for key in ("@graph", "mainEntity", "mainEntityOfPage") if key in node]


def _strings(value: Any) -> list[str]:
    values = value[:_MAX_VALUES] if isinstance(value, list) else [value]
    return [text.strip() for text in values if isinstance(text, str) and text.strip()]


def _names(value: Any) -> tuple[str, ...]:
    values = value[:_MAX_VALUES] if isinstance(value, list) else [value]
    names = [item.get("name") if isinstance(item, dict) else item for item in values]
    return tuple(name.strip() for name in names if isinstance(name, str) and name.strip())
