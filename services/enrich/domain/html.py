"""The reader of HTML pages: body, title, dek, authors, date and pictures; the result is plain text, never markup."""

from __future__ import annotations

import re
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from html import unescape
from typing import Final
from urllib.parse import urljoin

from htmldate import find_date
from lxml.etree import LxmlError  # type: ignore[import-untyped]
from lxml.html import HtmlElement, document_fromstring  # type: ignore[import-untyped]
from trafilatura.metadata import extract_catstags
from trafilatura.utils import load_html

from services.enrich.domain.authors import authors_of
from services.enrich.domain.decoding import decode, one_line
from services.enrich.domain.html_body import body_of
from services.enrich.domain.html_metadata import Metadata, metadata_of
from services.enrich.domain.plain_text import cut_furniture
from services.enrich.domain.reading import Reading
from services.enrich.domain.similar_text import plain_words, same_text
from services.enrich.domain.titles import derived_title, vote
from shared.articles import Cut, Image
from shared.errors import Permanent
from shared.urls import canonical

_MAX_DEK: Final = 600
_LISTS: Final = re.compile(r"\s*[,;|]\s*")
_MARKUP: Final = re.compile(
    rb"<\s*(?:!doctype|html|head|body|article|main|div|p|h1|section|br|span|table)\b", re.IGNORECASE
)
_XML_DECLARATION: Final = re.compile(r"^\s*<\?xml[^>]{0,200}\?>")
"""An encoding in it would contradict text that is decoded already."""
_NEAR: Final = timedelta(hours=36)
_MAX_CAPTION: Final = 600
_MAX_ADDRESS: Final = 2_048
_MAX_IMAGES: Final = 20


def read(data: bytes, media_type: str, url: str | None) -> Reading:
    """Read an HTML page. Raises Permanent with rule `not-text`, `not-html` or `no-body`."""
    text = decode(data, media_type)
    if not _MARKUP.search(data.replace(b"\x00", b"")):
        raise Permanent("the page has no HTML elements", rule="not-html")
    markup, tree, metadata = parsed(text)
    found = body_of(tree, markup, next((text for source, text in metadata.titles if source == "h1"), ""), metadata.body)
    title = vote(metadata.titles)
    body, cuts = _body(list(found.paragraphs), title)
    if not body:
        raise Permanent("no article text was found on the page", rule="no-body")
    return Reading(
        title=title or derived_title(body[0]),
        title_derived=not title,
        dek=_dek(metadata.descriptions, body, title),
        paragraphs=body,
        tags=_tags(metadata, tree),
        authors=authors_of(metadata.declared_authors, metadata.bylines, filter(None, (metadata.site,))),
        section=metadata.section,
        site=one_line(metadata.site, 120) if metadata.site else None,
        language=metadata.language,
        url=_address(metadata.urls, url),
        published_at=_published(metadata, tree, url),
        images=_images(metadata, url),
        cuts=(*found.cuts, *cuts),
        note=found.note,
    )


def parsed(text: str) -> tuple[str, HtmlElement, Metadata]:
    """The markup without what no parser should see, its tree, and its metadata. Raises Permanent(rule="not-html")."""
    markup = _XML_DECLARATION.sub("", text.replace("\x00", ""))
    tree = _tree(markup)
    return markup, tree, metadata_of(tree)


def _tree(markup: str) -> HtmlElement:
    tree = load_html(markup)
    if tree is not None:
        return tree
    try:  # trafilatura refuses fragments such as one short paragraph; a producer may well send one
        return document_fromstring(f"<html><body>{markup}</body></html>")
    except (LxmlError, ValueError) as error:
        raise Permanent("the page does not parse as HTML", rule="not-html") from error


def _body(paragraphs: list[str], title: str) -> tuple[tuple[str, ...], tuple[Cut, ...]]:
    repeated: list[Cut] = []
    while len(paragraphs) > 1 and title and same_text(paragraphs[0], title):
        repeated.append(Cut(rule="title-repeated", text=paragraphs[0]))
        paragraphs = paragraphs[1:]
    kept, cuts = cut_furniture(paragraphs)
    return kept, (*repeated, *cuts)


def _dek(descriptions: Sequence[str], body: Sequence[str], title: str) -> str:
    text = next((text for raw in descriptions if (text := one_line(unescape(raw), _MAX_DEK))), "")
    words = plain_words(text)
    # Many pages describe themselves with the start of their body, often cut short, or with their title.
    repeats = words[:-1] == plain_words(" ".join(body[:3]))[: len(words) - 1] or same_text(text, title)
    return "" if not words or repeats else text


def _tags(metadata: Metadata, tree: HtmlElement) -> tuple[str, ...]:
    found = metadata.tags or extract_catstags("tag", tree)
    return tuple(label for text in found for label in _LISTS.split(str(text)[:4_000]) if label)


def _images(metadata: Metadata, url: str | None) -> tuple[Image, ...]:
    """References to the page's pictures, as absolute addresses, each once."""
    found: dict[str, Image] = {}
    for written, caption in metadata.images:
        address = _absolute(written, url)
        if address and (address not in found or not found[address].caption):
            found[address] = Image(url=address, caption=one_line(caption, _MAX_CAPTION))
    return tuple(found.values())[:_MAX_IMAGES]


def _address(written: Sequence[str], url: str | None) -> str | None:
    """The address that the page gives itself, without tracking and AMP; else the one it was found at."""
    for text in written:
        try:
            found = canonical(urljoin(url or "", text)).url
        except ValueError:
            continue
        if found.startswith(("http://", "https://")):
            return found
    return url


def _absolute(written: str, url: str | None) -> str:
    try:
        address = urljoin(url or "", written.strip())
    except ValueError:
        return ""  # such as http://[ without an end
    plain = address.startswith(("http://", "https://")) and len(address) <= _MAX_ADDRESS and address.isprintable()
    return address if plain and not any(map(str.isspace, address)) else ""


def _published(metadata: Metadata, tree: HtmlElement, url: str | None) -> datetime | None:
    """The instant that the page declares; else an instant near the day that htmldate finds, else that day in UTC."""
    if metadata.declared_at:
        return metadata.declared_at[0]
    day = None
    written = find_date(tree, url=url, original_date=True, extensive_search=True, outputformat="%Y-%m-%d")
    if written:
        try:
            day = datetime.fromisoformat(written).replace(tzinfo=UTC)
        except ValueError:
            day = None  # a date such as 2024-02-30 does not exist
    for instant in metadata.instants:
        if day is None or abs(instant - day) <= _NEAR:
            return instant
    return day
