"""Metadata of an HTML page: meta elements, JSON-LD, `h1`, `title`, `time`."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from itertools import islice
from typing import Any, Final

from lxml.etree import XPath  # type: ignore[import-untyped]
from lxml.html import HtmlElement  # type: ignore[import-untyped]

from services.enrich.domain import dates
from services.enrich.domain.authors.bylines import names_in
from services.enrich.domain.authors.claims import Claim, told_claims
from services.enrich.domain.markup.json_ld import JsonLd, names_of, parsely_page, read_json_ld, strings
from services.enrich.domain.markup.page_parts import page_parts
from services.enrich.domain.sections import canonical

_MAX_VALUES: Final = 200
_MAX_IMAGES: Final = 50
_MAX_CRUMBS: Final = 10
# An XPath that starts at attributes is twice as fast as reading the attributes of every element.
_DATED: Final = XPath("//@itemprop[. = 'datePublished']/parent::*")
_DATES: Final = (
    "date", "dc.date.issued", "dc.date.created", "dc.date", "dcterms.issued", "dcterms.created", "dcterms.date",
    "datepublished", "article:published", "og:published_time", "og:article:published_time", "pubdate", "publishdate",
    "publish-date", "publish_date", "publication_date", "date_published", "published_date", "publishedtime",
    "parsely-pub-date", "sailthru.date", "cxenseparse:recs:publishtime", "citation_publication_date", "citation_date",
    "originalpublicationdate", "prism.publicationdate", "rnews:datepublished", "lp.article:published",
)  # fmt: skip
"""Meta elements for the instant of publication; less reliable than `article:published_time`."""
_PUBLISHED: Final = re.compile(r"(?:^|[\s_-])(?:published|entry-date|post-date|pub-?date)(?:$|[\s_-])", re.IGNORECASE)
_EPOCH: Final = re.compile(r"(1\d{9})(?:\d{3})?")
_CARDS: Final = ("twitter:data1", "twitter:data2", "og:site_name")
_SITES: Final = frozenset(["WebSite", "Organization", "NewsMediaOrganization"])
_MAX_HEADINGS: Final = 3
_LANGUAGE: Final = XPath("/html/@lang")


@dataclass(frozen=True, slots=True)
class Metadata:
    """Unvalidated candidates, best source first."""

    titles: tuple[tuple[str, str], ...]
    """(source, text); sources as in `titles.WEIGHTS`."""
    declared: tuple[str, ...]
    """Authors declared in JSON-LD."""
    referred: tuple[str, ...]
    """Names of nodes that the JSON-LD references as author."""
    told: tuple[Claim, ...]
    """Other author metadata."""
    site_names: tuple[str, ...]
    """Names of the site and its publisher."""
    cards: tuple[str, ...]
    """Link preview texts (Open Graph, Twitter)."""
    tags: tuple[str, ...]
    declared_at: tuple[datetime, ...]
    """When the JSON-LD and the meta elements say it was published, at the offset that they write."""
    printed_at: tuple[datetime, ...]
    """The same and days in words, as templates print them: often the day of the last build."""
    noted_at: tuple[datetime, ...]
    """The same by other meta elements, which often say when the page was built."""
    instants: tuple[datetime, ...]
    """The same by elements, which may be of other articles: looked for only where those say nothing."""
    section: str | None
    sections: tuple[str, ...]
    """Names of the page's sections."""
    language: str | None
    site: str | None
    descriptions: tuple[str, ...]
    body: str
    """The longest `articleBody` of the JSON-LD, possibly with markup; empty if there is none."""
    urls: tuple[str, ...]
    base: str
    """The `href` of the `base` element, by which relative addresses are read; may be empty."""
    images: tuple[tuple[str, str], ...]
    """(URL as written, caption), lead image first."""


def metadata_of(tree: HtmlElement, markup: str) -> Metadata:
    """Extract the metadata; `markup` is the source of `tree`."""
    found = page_parts(tree)
    json_ld = read_json_ld(found["script"])
    nodes = json_ld.nodes
    article = next((node for node in nodes if _is_article(node)), None) or next(filter(_is_dated_page, nodes), {})
    author = article.get("author") or article.get("creator")
    if not _is_article(article) and not all(map(names_in, names_of(author))):
        author = None  # of a page that is no article: the site, or who keeps it
    meta = _metas(found["meta"])
    meta |= {name: values for name, values in parsely_page(meta).items() if name not in meta}
    sections = tuple(_sections(meta, article, nodes))[:_MAX_CRUMBS]
    named = (*meta.get("og:site_name", ()), *meta.get("application-name", ()))
    said_at = (*strings(article.get("datePublished"), numbers=True), *meta.get("article:published_time", ()))
    declared_at = tuple(_read(filter(_is_machine_date, said_at)))
    return Metadata(
        titles=(
            *(("h1", text) for text in _texts(found["h1"][:_MAX_HEADINGS])),
            *(("og", text) for text in meta.get("og:title", ())),
            *(("json-ld", text) for text in strings(article.get("headline"))),
            *(("twitter", text) for text in meta.get("twitter:title", ())),
            *(("title", text) for text in _texts([next(filter(_in_head, found["title"]), None)])),
        ),
        declared=names_of(author),
        referred=json_ld.referred_names(author),
        told=tuple(told_claims(article, nodes, meta)),
        site_names=(*named, *_publishers(json_ld)),
        cards=tuple(text for name in _CARDS for text in meta.get(name, ())),
        tags=(*meta.get("article:tag", ()), *strings(article.get("keywords"))),
        declared_at=declared_at,
        printed_at=tuple(_read(said_at)),
        noted_at=() if declared_at else tuple(_read(_values(meta, _DATES))),
        instants=() if declared_at else tuple(_read(_times(tree, markup, found["time"]))),
        section=next(iter(sections), None),
        sections=sections,
        language=next(iter(_attributes(tree, _LANGUAGE)), None),
        site=next(iter(named), None),
        descriptions=(*meta.get("description", ()), *meta.get("og:description", ())),
        body=max((text for node in nodes for text in strings(node.get("articleBody"))), key=len, default=""),
        urls=(*_canonical(found["link"]), *meta.get("og:url", ())),
        base=next(((base.get("href") or "").strip() for base in found["base"]), ""),
        images=tuple(_images(found["figure"], meta)),
    )


def _times(tree: HtmlElement, markup: str, times: Sequence[HtmlElement]) -> Iterator[str]:
    """Times in elements, those marked as publication time first."""
    dated = _DATED(tree) if "datePublished" in markup else ()
    inside = [time for time in times if _is_marked(time) or next(time.iterancestors("article"), None) is not None]
    for elements, attribute in ((dated, "content"), (dated, "datetime"), (inside, "datetime")):
        values = [value for element in elements if (value := element.get(attribute)) is not None]
        yield from (text for value in values[:_MAX_VALUES] if (text := value[:2_000].strip()))


def _is_marked(time: HtmlElement) -> bool:
    """Whether the element says that it is the date of publication."""
    return time.get("pubdate") is not None or _PUBLISHED.search((time.get("class") or "")[:200]) is not None


def _in_head(element: HtmlElement) -> bool:
    above = element.getparent()
    return above is not None and above.tag == "head"


def _canonical(links: Sequence[HtmlElement]) -> list[str]:
    found = (link.get("href") for link in links if "canonical" in (link.get("rel") or "").lower().split())
    return [text for value in found if (text := (value or "")[:2_000].strip())][:_MAX_VALUES]


def _publishers(json_ld: JsonLd) -> Iterator[str]:
    for node in json_ld.nodes:
        yield from (*names_of(node.get("publisher")), *json_ld.referred_names(node.get("publisher")))
        if _SITES.intersection(strings(node.get("@type"))):
            yield from strings(node.get("name"))


def _sections(meta: dict[str, list[str]], article: dict[str, Any], nodes: Sequence[dict[str, Any]]) -> Iterator[str]:
    yield from meta.get("article:section", ())
    yield from strings(article.get("articleSection"))
    crumbs = (crumb for node in nodes if "BreadcrumbList" in strings(node.get("@type")) for crumb in _crumbs(node))
    yield from (name for name in crumbs if canonical(name))


def _crumbs(breadcrumbs: dict[str, Any]) -> Iterator[str]:
    """The names in the breadcrumb."""
    steps = breadcrumbs.get("itemListElement")
    for step in steps[:_MAX_CRUMBS] if isinstance(steps, list) else ():
        item = step.get("item") if isinstance(step, dict) else None
        yield from strings(step.get("name") if isinstance(step, dict) else None)
        yield from strings(item.get("name") if isinstance(item, dict) else None)


def _metas(elements: Sequence[HtmlElement]) -> dict[str, list[str]]:
    """All meta elements by their lower-case name."""
    found: dict[str, list[str]] = {}
    for element in elements:
        content = (element.get("content") or "")[:2_000].strip()
        names = {element.get("property"), element.get("name")}
        if element.get("itemprop") == "author":
            names.add("itemprop:author")
        for name in names:
            if name and content and len(found.setdefault(name.lower(), [])) < _MAX_VALUES:
                found[name.lower()].append(content)
    return found


def _values(meta: dict[str, list[str]], names: Sequence[str]) -> Iterator[str]:
    for name in names:
        yield from meta.get(name, ())


def _read(texts: Iterable[str]) -> Iterator[datetime]:
    return (instant for text in texts if (instant := _instant(text)) is not None)


def _images(figures: Sequence[HtmlElement], meta: dict[str, list[str]]) -> Iterator[tuple[str, str]]:
    captions: dict[str, str] = {}
    whole = ((list(figure.iter("img")), next(figure.iter("figcaption"), None)) for figure in figures)
    for pictures, legend in islice(((some, text) for some, text in whole if some and text is not None), _MAX_IMAGES):
        address = next((a for picture in pictures if (a := picture.get("src") or picture.get("data-src"))), "")
        captions.setdefault(address.strip(), " ".join(legend.text_content()[:2_000].split()))
    for address in meta.get("og:image", ())[:1]:
        yield address, captions.pop(address, "")
    yield from ((address, caption) for address, caption in captions.items() if address)


def _texts(elements: Iterable[HtmlElement | None]) -> list[str]:
    found = (element.text_content()[:2_000].strip() for element in elements if element is not None)
    return [text for text in found if text]


def _attributes(tree: HtmlElement, path: XPath) -> list[str]:
    return [text for value in path(tree)[:_MAX_VALUES] if (text := str(value)[:2_000].strip())]


def _is_machine_date(text: str) -> bool:
    """Whether it is ISO 8601 or has a time."""
    return text[:4].isdigit() or ":" in text


def _instant(text: str) -> datetime | None:
    if match := _EPOCH.fullmatch(text):
        return datetime.fromtimestamp(int(match[1]), UTC)
    found = dates.parse(text)
    return found[0] if found else None


def _is_article(node: dict[str, Any]) -> bool:
    return any("Article" in kind or kind in {"BlogPosting", "LiveBlogPosting"} for kind in strings(node.get("@type")))


def _is_dated_page(node: dict[str, Any]) -> bool:
    """Whether it is a page with an author or a date: some sites describe their articles so."""
    kinds = strings(node.get("@type"))
    return any("WebPage" in kind for kind in kinds) and bool(node.get("author") or node.get("datePublished"))
