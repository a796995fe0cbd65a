"""What an HTML page says about itself: meta elements, JSON-LD, `h1`, `title`, `time`."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, Final

import orjson
from lxml.html import HtmlElement  # type: ignore[import-untyped]

from services.enrich.domain import dates
from services.enrich.domain.authors import authors_of, starts_byline

_MAX_SCRIPTS: Final = 20
_MAX_SCRIPT: Final = 512 * 1024
_MAX_NODES: Final = 500
_MAX_VALUES: Final = 200
_MAX_BYLINES: Final = 8
_MAX_BYLINE: Final = 160
_MAX_IMAGES: Final = 50
_TIMES: Final = (
    "//*[@itemprop='datePublished']/@content",
    "//*[@itemprop='datePublished']/@datetime",
    "//article//time/@datetime",
)
_AUTHOR_METAS: Final = (
    "author", "article:author", "parsely-author", "sailthru.author", "byl", "dc.creator", "citation_author",
    "article:author_name", "og:article:author",
)  # fmt: skip
_AUTHOR_LINKS: Final = (
    "//a[contains(@href, '/author/') or contains(@href, '/authors/') or contains(@href, '/autor/') or "
    "contains(@href, '/autoren/') or contains(@href, '/auteur') or contains(@href, '/by/') or "
    "contains(@href, '/profile/') or contains(@href, '/people/')]"
)
_BYLINES: Final = (
    "//*[contains(@class, 'byline') or contains(@class, 'author') or contains(@class, 'Byline') or "
    "contains(@class, 'Author') or contains(@id, 'author') or contains(@class, 'autor')]"
)


@dataclass(frozen=True, slots=True)
class Metadata:
    """Candidates as found, best source first; nothing is checked yet."""

    titles: tuple[tuple[str, str], ...]
    """(source, text), the sources being those of `titles.WEIGHTS`."""
    declared_authors: tuple[str, ...]
    """The authors that the JSON-LD names."""
    bylines: tuple[tuple[str, ...], ...]
    """What other places say of the authors, a tuple a place, best place first."""
    tags: tuple[str, ...]
    declared_at: tuple[datetime, ...]
    """When the JSON-LD and the meta elements say it was published."""
    instants: tuple[datetime, ...]
    """The same by other elements of the page, which may be those of other articles."""
    section: str | None
    language: str | None
    site: str | None
    descriptions: tuple[str, ...]
    body: str
    """The longest `articleBody` of the JSON-LD, which may hold markup; empty when there is none."""
    urls: tuple[str, ...]
    images: tuple[tuple[str, str], ...]
    """(address as written, caption), the lead picture first."""


def metadata_of(tree: HtmlElement) -> Metadata:
    """The page's own metadata."""
    nodes = list(_json_ld(tree))
    article = next((node for node in nodes if _is_article(node)), {})
    meta = _metas(tree)
    declared = _names(article.get("author"))
    return Metadata(
        titles=(
            *(("h1", text) for text in _texts(tree, "//h1", 3)),
            *(("og", text) for text in meta.get("og:title", ())),
            *(("json-ld", text) for text in _strings(article.get("headline"))),
            *(("twitter", text) for text in meta.get("twitter:title", ())),
            *(("title", text) for text in _texts(tree, "//head/title", 1)),
        ),
        declared_authors=declared,
        # Looking for bylines takes a walk for each place: only where nobody is declared.
        bylines=() if authors_of(declared, (), ()) else _bylines(tree, meta),
        tags=(*meta.get("article:tag", ()), *_strings(article.get("keywords"))),
        declared_at=tuple(_read((*_strings(article.get("datePublished")), *meta.get("article:published_time", ())))),
        instants=tuple(_read(value for path in _TIMES for value in _attributes(tree, path))),
        section=next(iter((*meta.get("article:section", ()), *_strings(article.get("articleSection")))), None),
        language=next(iter(_attributes(tree, "/html/@lang")), None),
        site=next(iter((*meta.get("og:site_name", ()), *meta.get("application-name", ()))), None),
        descriptions=(*meta.get("description", ()), *meta.get("og:description", ())),
        body=max((text for node in nodes for text in _strings(node.get("articleBody"))), key=len, default=""),
        urls=(*_attributes(tree, "//link[@rel='canonical']/@href"), *meta.get("og:url", ())),
        images=tuple(_images(tree, meta)),
    )


def _metas(tree: HtmlElement) -> dict[str, list[str]]:
    """All meta elements by their lower-case name: one walk instead of one for every name."""
    found: dict[str, list[str]] = {}
    for element in tree.iter("meta"):
        content = (element.get("content") or "")[:2_000].strip()
        for name in {element.get("property"), element.get("name")}:
            if name and content and len(found.setdefault(name.lower(), [])) < _MAX_VALUES:
                found[name.lower()].append(content)
    return found


def _read(texts: Iterable[str]) -> Iterator[datetime]:
    return (instant for text in texts if (instant := _instant(text)) is not None)


def _bylines(tree: HtmlElement, meta: dict[str, list[str]]) -> tuple[tuple[str, ...], ...]:
    linked = dict.fromkeys(_short_texts(tree, _AUTHOR_LINKS))
    return (
        *(tuple(meta[name]) for name in _AUTHOR_METAS if name in meta),
        _short_texts(tree, "//*[@itemprop='author']//*[@itemprop='name']"),
        _short_texts(tree, "//*[@itemprop='author'][not(.//*[@itemprop='name'])]"),
        _short_texts(tree, "//a[@rel='author']"),
        tuple(text for text in _short_texts(tree, _BYLINES) if starts_byline(text))[:2],
        # Links to several authors are a list of other articles.
        tuple(linked) if len(linked) == 1 else (),
    )


def _short_texts(tree: HtmlElement, path: str) -> tuple[str, ...]:
    found = (" ".join(element.text_content()[:2_000].split()) for element in tree.xpath(path)[:_MAX_BYLINES])
    return tuple(text for text in found if 0 < len(text) <= _MAX_BYLINE)


def _images(tree: HtmlElement, meta: dict[str, list[str]]) -> Iterator[tuple[str, str]]:
    captions: dict[str, str] = {}
    for figure in tree.xpath("//figure[.//img][.//figcaption]")[:_MAX_IMAGES]:
        address = next((a for image in figure.iter("img") if (a := image.get("src") or image.get("data-src"))), "")
        caption = next(figure.iter("figcaption")).text_content()[:2_000]
        captions.setdefault(address.strip(), " ".join(caption.split()))
    for address in meta.get("og:image", ())[:1]:
        yield address, captions.pop(address, "")
    yield from ((address, caption) for address, caption in captions.items() if address)


def _texts(tree: HtmlElement, path: str, limit: int) -> list[str]:
    found = (element.text_content()[:2_000].strip() for element in tree.xpath(path)[:limit])
    return [text for text in found if text]


def _attributes(tree: HtmlElement, path: str) -> list[str]:
    return [text for value in tree.xpath(path)[:_MAX_VALUES] if (text := str(value)[:2_000].strip())]


def _instant(text: str) -> datetime | None:
    found = dates.parse(text)
    return found[0].astimezone(UTC) if found else None


def _is_article(node: dict[str, Any]) -> bool:
    return any("Article" in kind or kind in {"BlogPosting", "LiveBlogPosting"} for kind in _strings(node.get("@type")))


def _json_ld(tree: HtmlElement) -> Iterator[dict[str, Any]]:
    for script in tree.xpath("//script[contains(@type, 'ld+json')]")[:_MAX_SCRIPTS]:
        text = (script.text or "").strip()
        if not text or len(text) > _MAX_SCRIPT:
            continue
        try:
            value = orjson.loads(text.encode("utf-8", "replace"))
        except orjson.JSONDecodeError:
            value = _with_raw_controls(text)
        yield from _nodes(value)


def _with_raw_controls(text: str) -> Any:
    """JSON whose strings hold raw line ends, as many pages write their article body; None when it is broken."""
    try:
        return json.loads(text, strict=False)
    except (ValueError, RecursionError):
        return None  # broken JSON-LD is common, and the page has other sources


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
