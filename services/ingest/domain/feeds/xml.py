"""RSS and Atom by feedparser, into the model. What feedparser adds of its own is taken out again, rule by rule."""

from __future__ import annotations

import io
import re
from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any, Final
from xml.sax.saxutils import escape

import feedparser  # type: ignore[import-untyped]  # has no stubs
from lxml import etree  # type: ignore[import-untyped]  # has no stubs

from services.ingest.domain.feeds.model import MAX_ITEMS, Enclosure, FeedDocument, FeedItem, Person
from shared.errors import Permanent
from shared.urls import parse_url

_WRAPPER: Final = re.compile(r"^\s*<div(?:\s[^>]*)?>(.*)</div>\s*$", re.DOTALL)
_IMAGE: Final = re.compile(r"<img\s[^>]{0,2000}?src\s*=\s*[\"']([^\"'<>]{1,2000})[\"']", re.IGNORECASE)
_PERSON: Final = re.compile(r"^\s*(?P<one>[^()<>]{1,200}?)\s*[(<](?P<two>[^()<>]{1,200})[)>]\s*$")
_ROOT: Final = re.compile(r"<(?:[\w.-]{1,40}:)?(?:rss|rdf|feed)[\s>]", re.IGNORECASE)
_HEAD: Final = 4_000
_RSS: Final = re.compile(r"<(?:rss|(?:[\w.-]{1,40}:)?RDF)[\s>]")
_NAKED: Final = re.compile(
    r"(?P<open><(?P<name>category|author|managingEditor|webMaster)(?:\s[^<>]{0,300})?>)"
    r"(?P<text>[^<]{0,300}<(?!!\[CDATA\[|/(?P=name)>)[^\0]{0,500}?)(?P<close></(?P=name)>)"
)
_RDF: Final = frozenset({"rss090", "rss10"})
_MAX_LINKS: Final = 20


def read_xml(text: str, url: str) -> FeedDocument:
    """A feed in XML; `url` is where it came from. Raises Permanent (`feed-not-a-feed`)."""
    found = _parsed(_naked_escaped(text))
    if found["bozo"] and not found["entries"]:
        mended = _parsed(_mended(text))
        found = mended if mended["entries"] or not found["feed"] else found
    if not (found.get("version") or found["entries"] or found["feed"] or _ROOT.search(text[:_HEAD])):
        raise Permanent("this is not RSS, Atom or JSON Feed", rule="feed-not-a-feed")
    return _document(found, url)


def _parsed(text: str) -> Any:
    # A stream: feedparser takes a bare string for a URL or the name of a file, and opens it. No base: it would also
    # make URLs of identities, which then change when the feed moves.
    return feedparser.parse(
        io.BytesIO(text.encode("utf-8", "replace")),
        response_headers={"content-type": "application/xml; charset=utf-8"},
        sanitize_html=False,  # the same cleaning as for every page comes later, in enrich
        resolve_relative_uris="xml:base" in text,  # it writes markup anew, which is worth it only for a declared base
    )


def _naked_escaped(text: str) -> str:
    """RSS with markup inside elements that hold text: feedparser would take it for elements of the feed."""
    if not _RSS.search(text[:_HEAD]):
        return text
    return _NAKED.sub(lambda found: found["open"] + escape(found["text"]) + found["close"], text)


def _mended(text: str) -> str:
    """The XML as libxml2 reads it when it forgives wrong tags. No DOCTYPE is left by now, and no network is used."""
    parser = etree.XMLParser(recover=True, resolve_entities=False, no_network=True, huge_tree=False)
    root = etree.fromstring(text.encode("utf-8", "replace"), parser)
    return str(etree.tostring(root, encoding="unicode")) if root is not None else ""


def _document(found: Mapping[str, Any], url: str) -> FeedDocument:
    feed = found["feed"]
    version = str(found.get("version", ""))
    published, updated = _instant(feed, "published"), _instant(feed, "updated")
    description = _own_text(feed, "subtitle")
    image = _text(_mapping(feed.get("image")), "href") or _text(feed, "logo") or _text(feed, "icon")
    links = _links(feed, url)
    return FeedDocument(
        format="atom" if version.startswith("atom") else "rss",
        title=_own_text(feed, "title"),
        link=links[-1] if links else "",
        links=links,
        description=description,
        language=_text(feed, "language"),
        rights=_own_text(feed, "rights"),
        authors=_people(feed) or _publisher(feed),
        categories=_categories(feed),
        published=published,
        updated=updated,
        image=_absolute(image, url) or _first_image(description, url),
        hubs=_related(feed, "hub", url),
        self_url=next(iter(_related(feed, "self", url)), ""),
        ttl_seconds=_minutes(_text(feed, "ttl")),
        items=tuple(_item(entry, url, rdf=version in _RDF) for entry in found["entries"][:MAX_ITEMS]),
        truncated=len(found["entries"]) > MAX_ITEMS,
    )


def _item(entry: Mapping[str, Any], url: str, *, rdf: bool) -> FeedItem:
    identity = _text(entry, "id")
    content = _content(entry)
    summary = _own_text(entry, "summary") if "summary_detail" in entry else ""
    links = _links(entry, url)
    return FeedItem(
        guid="" if rdf else identity,
        about=identity if rdf else "",
        link=links[-1] if links else "",
        links=links,
        title=_own_text(entry, "title"),
        summary=summary,
        content=content,
        authors=_people(entry),
        categories=_categories(entry),
        published=_instant(entry, "published"),
        updated=_instant(entry, "updated"),
        language=_language(entry),
        image=_absolute(_item_image(entry), url) or _first_image(content, url) or _first_image(summary, url),
        enclosures=_enclosures(entry, url),
    )


def _content(entry: Mapping[str, Any]) -> str:
    """The longest content: feeds send several forms of one text."""
    values = [_unwrapped(part) for part in entry.get("content", ()) if part.get("value")]
    return max(values, key=len, default="")


def _own_text(source: Mapping[str, Any], name: str) -> str:
    detail = source.get(f"{name}_detail")
    return _unwrapped(detail) if isinstance(detail, Mapping) else _text(source, name)


def _unwrapped(detail: Mapping[str, Any]) -> str:
    """The text of a construct; in XHTML the one `div` around it belongs to the format, not to the text."""
    value = str(detail.get("value") or "").strip()
    if detail.get("type") == "application/xhtml+xml" and (inner := _WRAPPER.match(value)):
        return inner[1].strip()
    return value


def _people(source: Mapping[str, Any]) -> tuple[Person, ...]:
    authors = [author for author in source.get("authors", ()) if author]
    if len(authors) == 1 and (raw := _text(source, "author")):
        authors = [{"name": raw}]  # feedparser cuts addresses whose last label is longer than four letters
    people = map(_person, authors)
    return tuple(dict.fromkeys(person for person in people if person.name or person.email))


def _publisher(feed: Mapping[str, Any]) -> tuple[Person, ...]:
    """RSS names a webmaster where nobody else is named."""
    person = _person({"name": _text(feed, "publisher")})
    return (person,) if person.name or person.email else ()


def _person(detail: Mapping[str, Any]) -> Person:
    name, email = _text(detail, "name"), _text(detail, "email")
    if not email and (match := _PERSON.match(name)):
        one, two = match["one"].strip(), match["two"].strip()
        name, email = (two, one) if "@" in one else (one, two if "@" in two else "")
    if not email and "@" in name and " " not in name:
        name, email = "", name
    return Person(name, email)


def _categories(source: Mapping[str, Any]) -> tuple[str, ...]:
    names = (_text(tag, "term") or _text(tag, "label") for tag in source.get("tags", ()))
    return tuple(dict.fromkeys(name for name in names if name))


def _links(source: Mapping[str, Any], url: str) -> tuple[str, ...]:
    found = [_text(link, "href") for link in source.get("links", ()) if link.get("rel", "alternate") == "alternate"]
    if not found and (other := _mapping(source.get("atom_link"))).get("rel", "alternate") == "alternate":
        found = [_text(other, "href")]
    return tuple(link for href in found[:_MAX_LINKS] if (link := _absolute(href, url)))


def _related(source: Mapping[str, Any], relation: str, url: str) -> tuple[str, ...]:
    found = (_text(link, "href") for link in source.get("links", ()) if link.get("rel") == relation)
    return tuple(dict.fromkeys(link for href in found if (link := _absolute(href, url))))[:_MAX_LINKS]


def _enclosures(entry: Mapping[str, Any], url: str = "") -> tuple[Enclosure, ...]:
    found = (
        Enclosure(_absolute(_text(link, "href"), url), _text(link, "type"), _text(link, "length"))
        for link in entry.get("links", ())
        if link.get("rel") == "enclosure"
    )
    return tuple(item for item in found if item.url)[:_MAX_LINKS]


def _item_image(entry: Mapping[str, Any]) -> str:
    if image := _text(_mapping(entry.get("image")), "href"):
        return image
    for media in (*entry.get("media_content", ()), *entry.get("media_thumbnail", ())):
        kind = _text(media, "medium") or _text(media, "type")
        if kind.startswith("image") or (not kind and media in entry.get("media_thumbnail", ())):
            return _text(media, "url")
    return next((item.url for item in _enclosures(entry) if item.media_type.startswith("image/")), "")


def _first_image(html: str, url: str) -> str:
    found = _IMAGE.search(html)
    return _absolute(found[1], url) if found else ""


def _absolute(href: str, url: str) -> str:
    """The link seen from where the feed came from; as it is when nobody knows, nothing when it is no URL."""
    if not href or not url:
        return href
    try:
        return parse_url(href, url).href
    except ValueError:
        return ""


def _language(entry: Mapping[str, Any]) -> str:
    details = [entry.get("title_detail"), entry.get("summary_detail"), *entry.get("content", ())]
    return next((str(part["language"]) for part in details if isinstance(part, Mapping) and part.get("language")), "")


def _instant(source: Mapping[str, Any], name: str) -> datetime | None:
    """The date feedparser understood, in UTC. `get` of its dictionary would pass one date off as the other."""
    parsed = dict.get(source, f"{name}_parsed") if isinstance(source, dict) else None
    if parsed is None:
        return None
    try:
        year, month, day, hour, minute, second = parsed[:6]
        return datetime(year, month, day, hour, minute, second, tzinfo=UTC)
    except ValueError:
        return None


def _minutes(text: str) -> int:
    return int(text) * 60 if text.isascii() and text.isdigit() and len(text) < 6 else 0


def _mapping(value: Any) -> Mapping[str, Any]:
    return value if isinstance(value, Mapping) else {}


def _text(source: Mapping[str, Any], name: str) -> str:
    value = source.get(name)
    return value.strip() if isinstance(value, str) else ""
