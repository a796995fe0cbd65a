"""What an HTML page says about itself: meta elements, JSON-LD, `h1`, `title`, `time`."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, Final

import orjson
from lxml.etree import XPath  # type: ignore[import-untyped]
from lxml.html import HtmlElement  # type: ignore[import-untyped]

from services.enrich.domain import dates
from services.enrich.domain.authors import authors_of, names_in, starts_byline
from services.enrich.domain.sections import canonical
from services.enrich.domain.shown import shown

_MAX_SCRIPTS: Final = 20
_MAX_SCRIPT: Final = 512 * 1024
_MAX_NODES: Final = 500
_MAX_VALUES: Final = 200
_MAX_BYLINES: Final = 8
_MAX_BYLINE: Final = 160
_MAX_IMAGES: Final = 50
_MAX_CRUMBS: Final = 10
# Paths that start at attributes: asking every element of a page for its attributes takes twice as long.
_TIMES: Final = tuple(
    XPath(path)
    for path in (
        "//@itemprop[. = 'datePublished']/parent::*/@content",
        "//@itemprop[. = 'datePublished']/parent::*/@datetime",
        "//article//time/@datetime",
    )
)
_AUTHOR_METAS: Final = (
    "author", "article:author", "parsely-author", "sailthru.author", "byl", "dc.creator", "citation_author",
    "article:author_name", "og:article:author",
)  # fmt: skip
_AUTHOR_LINKS: Final = XPath(
    "//a/@href[contains(., '/aut') or contains(., '/by/') or contains(., '/profile/') or contains(., '/people/')]"
    "[contains(., '/author/') or contains(., '/authors/') or contains(., '/autor/') or contains(., '/autoren/') or "
    "contains(., '/auteur') or contains(., '/by/') or contains(., '/profile/') or contains(., '/people/')]/parent::*"
)
_BYLINES: Final = XPath(
    "//@class[contains(., 'yline') or contains(., 'uthor') or contains(., 'autor')][contains(., 'byline') or "
    "contains(., 'author') or contains(., 'Byline') or contains(., 'Author') or contains(., 'autor')]/parent::* | "
    "//@id[contains(., 'author')]/parent::*"
)
_HEADINGS: Final = XPath("//h1")
_TITLE: Final = XPath("//head/title")
_LANGUAGE: Final = XPath("/html/@lang")
_CANONICAL: Final = XPath("//link[@rel='canonical']/@href")
_SCRIPTS: Final = XPath("//script[contains(@type, 'ld+json')]")
_FIGURES: Final = XPath("//figure[.//img][.//figcaption]")
_NAMED_AUTHORS: Final = XPath("//@itemprop[. = 'author']/parent::*//*[@itemprop='name']")
_AUTHORS: Final = XPath("//@itemprop[. = 'author']/parent::*[not(.//*[@itemprop='name'])]")
_RELATED_AUTHORS: Final = XPath("//a[@rel='author']")


@dataclass(frozen=True, slots=True)
class Metadata:
    """Candidates as found, best source first; nothing is checked yet."""

    titles: tuple[tuple[str, str], ...]
    """(source, text), the sources being those of `titles.WEIGHTS`."""
    authors: tuple[str, ...]
    """Names, checked: those of the JSON-LD, else those of the best other place that has any."""
    tags: tuple[str, ...]
    declared_at: tuple[datetime, ...]
    """When the JSON-LD and the meta elements say it was published."""
    instants: tuple[datetime, ...]
    """The same by other elements, which may be those of other articles: looked for only where those say nothing."""
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
    site = next(iter((*meta.get("og:site_name", ()), *meta.get("application-name", ()))), None)
    declared_at = tuple(_read((*_strings(article.get("datePublished")), *meta.get("article:published_time", ()))))
    cards = _cards(meta)
    declared = _believed(_names(article.get("author")), tree, cards)
    return Metadata(
        titles=(
            *(("h1", text) for text in _texts(tree, _HEADINGS, 3)),
            *(("og", text) for text in meta.get("og:title", ())),
            *(("json-ld", text) for text in _strings(article.get("headline"))),
            *(("twitter", text) for text in meta.get("twitter:title", ())),
            *(("title", text) for text in _texts(tree, _TITLE, 1)),
        ),
        authors=authors_of(declared, _bylines(tree, meta, cards), filter(None, (site,))),
        tags=(*meta.get("article:tag", ()), *_strings(article.get("keywords"))),
        declared_at=declared_at,
        instants=() if declared_at else tuple(_read(value for path in _TIMES for value in _attributes(tree, path))),
        section=next(_sections(meta, article, nodes), None),
        language=next(iter(_attributes(tree, _LANGUAGE)), None),
        site=site,
        descriptions=(*meta.get("description", ()), *meta.get("og:description", ())),
        body=max((text for node in nodes for text in _strings(node.get("articleBody"))), key=len, default=""),
        urls=(*_attributes(tree, _CANONICAL), *meta.get("og:url", ())),
        images=tuple(_images(tree, meta)),
    )


def _sections(meta: dict[str, list[str]], article: dict[str, Any], nodes: Sequence[dict[str, Any]]) -> Iterator[str]:
    yield from meta.get("article:section", ())
    yield from _strings(article.get("articleSection"))
    crumbs = (crumb for node in nodes if "BreadcrumbList" in _strings(node.get("@type")) for crumb in _crumbs(node))
    yield from (name for name in crumbs if canonical(name))


def _crumbs(breadcrumbs: dict[str, Any]) -> Iterator[str]:
    """The names on the way from the front page to the article."""
    steps = breadcrumbs.get("itemListElement")
    for step in steps[:_MAX_CRUMBS] if isinstance(steps, list) else ():
        item = step.get("item") if isinstance(step, dict) else None
        yield from _strings(step.get("name") if isinstance(step, dict) else None)
        yield from _strings(item.get("name") if isinstance(item, dict) else None)


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


def _bylines(tree: HtmlElement, meta: dict[str, list[str]], cards: Sequence[str]) -> Iterator[tuple[str, ...]]:
    """What the places say of the authors, best place first. Each is a walk: made only when it is asked for."""
    yield from (tuple(meta[name]) for name in _AUTHOR_METAS if name in meta and shown(meta[name], tree, cards))
    yield from (_short_texts(tree, path) for path in (_NAMED_AUTHORS, _AUTHORS, _RELATED_AUTHORS))
    yield tuple(text for text in _short_texts(tree, _BYLINES) if starts_byline(text))[:2]
    linked = dict.fromkeys(_short_texts(tree, _AUTHOR_LINKS))
    # Links to several authors are a list of other articles.
    yield tuple(linked) if len(linked) == 1 else ()


def _believed(names: tuple[str, ...], tree: HtmlElement, cards: Sequence[str]) -> tuple[str, ...]:
    """The declared authors, unless all are persons of whom the page shows its readers nothing."""
    persons = bool(names) and all(" " in name and names_in(name) for name in names)
    return () if persons and not shown(names, tree, cards) else names


def _cards(meta: dict[str, list[str]]) -> list[str]:
    """What readers see in place of the page where somebody links to it, and the name of the site."""
    return [text for name in ("twitter:data1", "twitter:data2", "og:site_name") for text in meta.get(name, ())]


def _short_texts(tree: HtmlElement, path: XPath) -> tuple[str, ...]:
    found = (" ".join(element.text_content()[:2_000].split()) for element in path(tree)[:_MAX_BYLINES])
    return tuple(text for text in found if 0 < len(text) <= _MAX_BYLINE)


def _images(tree: HtmlElement, meta: dict[str, list[str]]) -> Iterator[tuple[str, str]]:
    captions: dict[str, str] = {}
    for figure in _FIGURES(tree)[:_MAX_IMAGES]:
        address = next((a for image in figure.iter("img") if (a := image.get("src") or image.get("data-src"))), "")
        caption = next(figure.iter("figcaption")).text_content()[:2_000]
        captions.setdefault(address.strip(), " ".join(caption.split()))
    for address in meta.get("og:image", ())[:1]:
        yield address, captions.pop(address, "")
    yield from ((address, caption) for address, caption in captions.items() if address)


def _texts(tree: HtmlElement, path: XPath, limit: int) -> list[str]:
    found = (element.text_content()[:2_000].strip() for element in path(tree)[:limit])
    return [text for text in found if text]


def _attributes(tree: HtmlElement, path: XPath) -> list[str]:
    return [text for value in path(tree)[:_MAX_VALUES] if (text := str(value)[:2_000].strip())]


def _instant(text: str) -> datetime | None:
    found = dates.parse(text)
    return found[0].astimezone(UTC) if found else None


def _is_article(node: dict[str, Any]) -> bool:
    return any("Article" in kind or kind in {"BlogPosting", "LiveBlogPosting"} for kind in _strings(node.get("@type")))


def _json_ld(tree: HtmlElement) -> Iterator[dict[str, Any]]:
    for script in _SCRIPTS(tree)[:_MAX_SCRIPTS]:
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
