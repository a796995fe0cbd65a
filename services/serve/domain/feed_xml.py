"""RSS 2.0 and Atom (RFC 4287) formats, with tombstones (RFC 6721) and paging (RFC 5005)."""

from __future__ import annotations

import re
from datetime import datetime
from email.utils import format_datetime
from html import escape, unescape
from typing import Final
from xml.etree.ElementTree import Element, SubElement, register_namespace, tostring

from services.serve.domain.feed import Feed, FeedEntry, FeedTombstone, Picture

ATOM: Final = "http://www.w3.org/2005/Atom"
TOMBSTONES: Final = "http://purl.org/atompub/tombstones/1.0"
_DC: Final = "http://purl.org/dc/elements/1.1/"
_MEDIA: Final = "http://search.yahoo.com/mrss/"
_LANG: Final = "{http://www.w3.org/XML/1998/namespace}lang"
_GENERATOR: Final = "Broadsheet"
_MARKUP: Final = re.compile(r"<[A-Za-z/!?]")

# usual prefixes, expected by simple parsers; the library has one global table
for _prefix, _uri in {"atom": ATOM, "at": TOMBSTONES, "dc": _DC, "media": _MEDIA}.items():
    register_namespace(_prefix, _uri)


def document(root: Element) -> bytes:
    """The element as a UTF-8 document."""
    written: bytes = tostring(root, encoding="utf-8", xml_declaration=True)
    return written


def child(parent: Element, name: str, text: str | None = None, **attributes: str) -> Element:
    """A new child; `name` may be `{namespace}local`. Markup is written by the library only."""
    made = SubElement(parent, name, attributes)
    made.text = text
    return made


# --- Atom -----------------------------------------------------------------------------------------------------------


def atom(feed: Feed) -> bytes:
    """The feed as `application/atom+xml`."""
    root = Element("feed", xmlns=ATOM)  # the library supports default namespaces only if every attribute has one
    if feed.language:
        root.set(_LANG, feed.language)
    child(root, "id", feed.id)
    child(root, "title", feed.title)
    child(root, "subtitle", feed.about)
    child(root, "updated", _iso(feed.updated))
    child(child(root, "author"), "name", feed.site)
    child(root, "generator", _GENERATOR)
    child(root, "link", rel="self", type="application/atom+xml", href=feed.self_url)
    child(root, "link", rel="alternate", type="text/html", href=feed.home)
    if feed.hub:
        child(root, "link", rel="hub", href=feed.hub)
    for rel, url in feed.pages.items():
        child(root, "link", rel=rel, type="application/atom+xml", href=url)
    for gone in feed.gone:
        _deleted(root, gone, feed.site)
    for entry in feed.entries:
        _atom_entry(root, entry)
    return document(root)


def _iso(instant: datetime) -> str:
    return instant.isoformat(timespec="milliseconds").replace("+00:00", "Z")


def _deleted(root: Element, gone: FeedTombstone, by: str) -> None:
    made = child(root, f"{{{TOMBSTONES}}}deleted-entry", ref=gone.id, when=_iso(gone.at))
    child(child(made, f"{{{TOMBSTONES}}}by"), "name", by)
    if gone.reason:
        child(made, f"{{{TOMBSTONES}}}comment", gone.reason)


def _atom_entry(root: Element, entry: FeedEntry) -> None:
    made = child(root, "entry")
    if entry.language:
        made.set(_LANG, entry.language)
    child(made, "id", entry.id)
    child(made, "title", entry.title, type="text")
    child(made, "updated", _iso(entry.updated))
    child(made, "published", _iso(entry.published))
    for name in entry.authors:
        child(child(made, "author"), "name", name)
    child(made, "link", rel="alternate", type="text/html", href=entry.url)
    if entry.origin:
        child(made, "link", rel="via", href=entry.origin)
    if entry.story:
        child(made, "link", rel="related", type="text/html", href=entry.story)
    if entry.picture:
        _atom_picture(made, entry.picture)
    for tag in entry.tags:
        child(made, "category", term=tag.slug, label=tag.label)
    child(made, "summary", entry.dek or entry.summary or entry.title, type="text")
    child(made, "content", entry.html, type="html")


def _atom_picture(entry: Element, picture: Picture) -> None:
    made = child(entry, "link", rel="enclosure", href=picture.url)
    if picture.type:
        made.set("type", picture.type)
    if picture.caption:
        made.set("title", picture.caption)


# --- RSS ------------------------------------------------------------------------------------------------------------


def rss(feed: Feed) -> bytes:
    """The feed as `application/rss+xml`. RSS has no tombstones: removed articles are absent."""
    root = Element("rss", version="2.0")
    channel = child(root, "channel")
    child(channel, "title", _rss_text(feed.title))
    child(channel, "link", feed.home)
    child(channel, "description", _rss_text(feed.about))
    if feed.language:
        child(channel, "language", feed.language)
    child(channel, "lastBuildDate", _rfc822(feed.updated))
    child(channel, "generator", _GENERATOR)
    child(channel, _a("link"), rel="self", type="application/rss+xml", href=feed.self_url)
    if feed.hub:
        child(channel, _a("link"), rel="hub", href=feed.hub)
    for rel, url in feed.pages.items():
        child(channel, _a("link"), rel=rel, type="application/rss+xml", href=url)
    for entry in feed.entries:
        _rss_item(channel, entry)
    return document(root)


def _rss_text(text: str) -> str:
    """Text for readers that take it as HTML, which RSS leaves open: escaped once more where that would change it."""
    return escape(text, quote=False) if _MARKUP.search(text) or unescape(text) != text else text


def _a(name: str) -> str:
    return f"{{{ATOM}}}{name}"


def _rfc822(instant: datetime) -> str:
    return format_datetime(instant, usegmt=True)


def _rss_item(channel: Element, entry: FeedEntry) -> None:
    made = child(channel, "item")
    child(made, "title", _rss_text(entry.title))
    child(made, "link", entry.url)
    child(made, "description", entry.html)
    child(made, "guid", entry.id, isPermaLink="false")
    child(made, "pubDate", _rfc822(entry.published))
    child(made, _a("updated"), _iso(entry.updated))
    for name in entry.authors:
        child(made, f"{{{_DC}}}creator", name)
    if entry.language:
        child(made, f"{{{_DC}}}language", entry.language)
    for tag in entry.tags:
        child(made, "category", tag.label)
    if picture := entry.picture:
        if picture.type:  # length 0: unknown, since the image is never fetched
            child(made, "enclosure", url=picture.url, length="0", type=picture.type)
        content = child(made, f"{{{_MEDIA}}}content", url=picture.url, medium="image")
        if picture.caption:
            child(content, f"{{{_MEDIA}}}description", picture.caption, type="plain")
