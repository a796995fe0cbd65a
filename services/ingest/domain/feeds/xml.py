"""RSS and Atom through feedparser. What feedparser adds of its own is removed again, rule by rule."""

from __future__ import annotations

import io
import re
from collections.abc import Mapping
from datetime import datetime
from typing import Any, Final

import feedparser  # type: ignore[import-untyped]  # has no stubs

from services.ingest.domain.dates import parse_feed_date
from services.ingest.domain.feeds.model import MAX_ITEMS, Enclosure, FeedDocument, FeedItem, Person, TextKind
from services.ingest.domain.feeds.normalize import normalize_xml
from shared.errors import Permanent
from shared.urls import parse_url

_WRAPPER: Final = re.compile(r"^\s*<div(?:\s[^>]*)?>(.*)</div>\s*$", re.DOTALL)
# Each tag is read once. A single pattern would read 2,000 characters again for every `<img` in them.
_IMAGE_TAG: Final = re.compile(r"<img\s[^>]*+", re.IGNORECASE)
_IMAGE_SOURCE: Final = re.compile(r"src\s*+=\s*+[\"']([^\"'<>]{1,2000}+)[\"']", re.IGNORECASE)
_PERSON: Final = re.compile(r"^\s*(?P<one>[^()<>]{1,200}?)\s*[(<](?P<two>[^()<>]{1,200})[)>]\s*$")
_MAX_PERSON: Final = 500
_ROOT: Final = re.compile(r"<(?:[\w.-]{1,40}:)?(?:rss|rdf|feed)[\s>]", re.IGNORECASE)
_HEAD: Final = 4_000
_CDATA: Final = ("<![CDATA[", "]]>")
_LINE_END: Final = re.compile(r"[ \t]*[\r\n]\s*")
_NO_SCHEME: Final = re.compile(r"www\.[\w-]+\.\w", re.ASCII)
_RDF: Final = frozenset({"rss090", "rss10"})
_MAX_LINKS: Final = 20
_ORIGINAL_LINKS: Final = ("feedburner_origlink", "pheedo_origlink")
"""The page itself where `link` is the address of a service that counts visits."""
_BEFORE_SOURCE: Final = re.compile(r"\s+[-–—|]\s*$")


def read_xml(text: str, url: str) -> FeedDocument:
    """A feed in XML; `url` is where it came from. Raises Permanent (`feed-not-a-feed`)."""
    found = _parsed(normalize_xml(text))
    if not (found.get("version") or found["entries"] or found["feed"] or _ROOT.search(text[:_HEAD])):
        raise Permanent("this is not RSS, Atom or JSON Feed", rule="feed-not-a-feed")
    return _document(found, url)


def _parsed(text: str) -> Any:
    # A stream, because feedparser opens a bare string as a URL or file name. No base URL, because feedparser would also
    # resolve guids against it, and identities would change when the feed moves.
    return feedparser.parse(
        io.BytesIO(text.encode("utf-8", "replace")),
        response_headers={"content-type": "application/xml; charset=utf-8"},
        sanitize_html=False,  # enrich sanitizes every page
        resolve_relative_uris="xml:base" in text,  # rewrites the markup: only for a declared base
    )


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
        items=tuple(
            _item(entry, url, rdf=version in _RDF, atom=version.startswith("atom"))
            for entry in found["entries"][:MAX_ITEMS]
        ),
        truncated=len(found["entries"]) > MAX_ITEMS,
    )


def _item(entry: Mapping[str, Any], url: str, *, rdf: bool, atom: bool) -> FeedItem:
    identity = _text(entry, "id")
    content, content_kind = _content(entry, atom=atom)
    summary = _own_text(entry, "summary" if "summary_detail" in entry else "subtitle")  # `itunes:subtitle`
    links = _links(entry, url)
    image, image_alt = _item_image(entry)
    return FeedItem(
        guid="" if rdf else identity,
        about=identity if rdf else "",
        link=links[-1] if links else "",
        links=links,
        title=_without_source(_own_text(entry, "title"), _text(_mapping(entry.get("source")), "title")),
        title_kind=_kind(entry.get("title_detail"), atom=atom),
        summary=summary,
        summary_kind=_kind(entry.get("summary_detail"), atom=atom),
        content=content,
        content_kind=content_kind,
        authors=_people(entry),
        categories=_categories(entry),
        published=_instant(entry, "published") or _instant(entry, "created"),
        updated=_instant(entry, "updated"),
        language=_language(entry),
        image=_absolute(image, url) or _first_image(content, url) or _first_image(summary, url),
        image_alt=image_alt,
        enclosures=_enclosures(entry, url),
    )


def _content(entry: Mapping[str, Any], *, atom: bool) -> tuple[str, TextKind]:
    """The longest content and its kind: feeds send several forms of one text."""
    part = max(entry.get("content", ()), key=lambda part: len(_unwrapped(part)), default=None)
    return (_unwrapped(part), _kind(part, atom=atom)) if part else ("", "")


def _kind(detail: Any, *, atom: bool) -> TextKind:
    """The declared kind. RSS declares none; what feedparser reports for it is a guess."""
    if not atom or not isinstance(detail, Mapping):
        return ""
    return "text" if detail.get("type") == "text/plain" else "html"


def _own_text(source: Mapping[str, Any], name: str) -> str:
    detail = source.get(f"{name}_detail")
    return _unwrapped(detail) if isinstance(detail, Mapping) else _text(source, name)


def _unwrapped(detail: Mapping[str, Any]) -> str:
    """The text of a construct; in XHTML the one `div` around it belongs to the format, not to the text."""
    value = str(detail.get("value") or "").strip()
    if detail.get("type") == "application/xhtml+xml" and (inner := _WRAPPER.match(value)):
        return inner[1].strip()
    return _without_cdata(value)


def _without_cdata(value: str) -> str:
    """The text of a CDATA section that a generator escaped once more."""
    is_cdata = value.startswith(_CDATA[0]) and value.endswith(_CDATA[1])
    return value[len(_CDATA[0]) : -len(_CDATA[1])].strip() if is_cdata else value


def _people(source: Mapping[str, Any]) -> tuple[Person, ...]:
    authors = [author for author in source.get("authors", ()) if author]
    if len(authors) == 1 and (raw := _text(source, "author")):
        authors = [{"name": raw}]  # feedparser cuts addresses whose last label is longer than four letters
    people = map(_person, authors)
    return tuple(dict.fromkeys(person for person in people if person.name or person.email))


def _publisher(feed: Mapping[str, Any]) -> tuple[Person, ...]:
    """The webmaster, if RSS names no other person."""
    person = _person({"name": _text(feed, "publisher")})
    return (person,) if person.name or person.email else ()


def _person(detail: Mapping[str, Any]) -> Person:
    name, email = _text(detail, "name"), _text(detail, "email")
    if not email and len(name) <= _MAX_PERSON and (match := _PERSON.match(name)):
        one, two = match["one"].strip(), match["two"].strip()
        name, email = (two, one) if "@" in one else (one, two if "@" in two else "")
    if not email and "@" in name and " " not in name:
        name, email = "", name
    return Person(name, email)


def _categories(source: Mapping[str, Any]) -> tuple[str, ...]:
    names = (_text(tag, "label") or _text(tag, "term") for tag in source.get("tags", ()))
    return tuple(dict.fromkeys(name for name in names if name))


def _without_source(title: str, source: str) -> str:
    """The title without ` - Name` of the publication that the `source` of the item names; aggregators append it."""
    if not source or not title.endswith(source):
        return title
    shorter = _BEFORE_SOURCE.sub("", title[: -len(source)])
    return shorter if shorter and shorter != title[: -len(source)] else title


def _links(source: Mapping[str, Any], url: str) -> tuple[str, ...]:
    for name in _ORIGINAL_LINKS:
        if original := _absolute(_text(source, name), url):
            return (original,)
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


def _item_image(entry: Mapping[str, Any]) -> tuple[str, str]:
    """The URL and the alternative text of the picture of an item."""
    if image := _text(_mapping(entry.get("image")), "href"):
        return image, ""
    for media in (*entry.get("media_content", ()), *entry.get("media_thumbnail", ())):
        kind = _text(media, "medium") or _text(media, "type")
        if kind.startswith("image") or (not kind and media in entry.get("media_thumbnail", ())):
            return _text(media, "url"), _text(media, "alt")
    return next((item.url for item in _enclosures(entry) if item.media_type.startswith("image/")), ""), ""


def _first_image(html: str, url: str) -> str:
    sources = (_IMAGE_SOURCE.search(tag[0]) for tag in _IMAGE_TAG.finditer(html))
    first = next(filter(None, sources), None)
    return _absolute(first[1], url) if first else ""


def _absolute(href: str, url: str) -> str:
    """The link resolved against the URL of the feed; unchanged if that is unknown, empty if it is not a URL."""
    href = _LINE_END.sub("", _without_cdata(href))
    if _NO_SCHEME.match(href):
        href = f"https://{href}"
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
    """The date in UTC. `get` of feedparser's dictionary would return `published` for `updated`."""
    written = dict.get(source, name) if isinstance(source, dict) else None
    return parse_feed_date(written) if isinstance(written, str) else None


def _minutes(text: str) -> int:
    return int(text) * 60 if text.isascii() and text.isdigit() and len(text) < 6 else 0


def _mapping(value: Any) -> Mapping[str, Any]:
    return value if isinstance(value, Mapping) else {}


def _text(source: Mapping[str, Any], name: str) -> str:
    value = source.get(name)
    return value.strip() if isinstance(value, str) else ""
