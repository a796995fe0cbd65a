"""Reader of HTML pages: body, title, dek, authors, date and images, as plain text."""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from html import unescape
from itertools import islice
from typing import Final
from urllib.parse import urljoin

from lxml.etree import XPath  # type: ignore[import-untyped]
from lxml.html import HtmlElement  # type: ignore[import-untyped]
from trafilatura.metadata import extract_catstags

from services.enrich.domain import dates
from services.enrich.domain.authors.bylines import starts_byline
from services.enrich.domain.authors.choice import AuthorPage, authors_of
from services.enrich.domain.authors.claims import Claim, shown_claims
from services.enrich.domain.authors.honorifics import without_honorifics
from services.enrich.domain.decoding import decode, one_line
from services.enrich.domain.html.body import extract_body
from services.enrich.domain.html.deks import dek_of
from services.enrich.domain.html.fragment import fragment_body, is_fragment, parse_fragment
from services.enrich.domain.html.metadata import Metadata, metadata_of
from services.enrich.domain.html.published import published_at
from services.enrich.domain.markup.blocks import HtmlBlock, html_blocks
from services.enrich.domain.markup.overlays import remove_overlays
from services.enrich.domain.markup.page_parts import author_signs
from services.enrich.domain.markup.tree import parse_page
from services.enrich.domain.reading import Reading
from services.enrich.domain.similar_text import repeats_title
from services.enrich.domain.text.byline_names import is_role
from services.enrich.domain.text.closing_lines import without_closing_lines, without_closing_list
from services.enrich.domain.text.plain_text import remove_boilerplate
from services.enrich.domain.titles import derived_title, vote
from shared.articles import Image, RemovedSpan
from shared.charset.decoding import Markup
from shared.errors import Permanent
from shared.urls import canonical

_LISTS: Final = re.compile(r"\s*[,;|]\s*")
_TAG_LINKS: Final = XPath("boolean(//a/@href[contains(., '/tag')])")
_FRONT_PAGE: Final = re.compile(
    r"https?://[^/?#]+/?(?:(?:index|default|home)(?:\.\w{2,5})?|[a-z]{2}(?:-[a-z]{2})?)?/?(?:\?lang=\w{2,5})?",
    re.IGNORECASE,
)
"""Paths that some sites wrongly declare as canonical for all pages."""
_MAX_CAPTION: Final = 600
_MAX_ADDRESS: Final = 2_048
_MAX_IMAGES: Final = 20
_MAX_LINKS: Final = 50
_MAX_BYLINE: Final = 120
_MAX_TAG: Final = 100


def read(data: bytes, media_type: str, url: str | None, given_title: str | None = None) -> Reading:
    """Read an HTML page or a fragment of one. With a submitted title a fragment without text is an article, too.

    Raises Permanent with rule `not-text`, `not-html` or `no-body`.
    """
    text = decode(data, media_type, Markup.HTML)
    whole_page = not is_fragment(text)
    if whole_page:
        markup, tree = parse_page(text)
        remove_overlays(tree)
    else:
        markup, tree = parse_fragment(text)
    metadata = metadata_of(tree, markup)
    blocks = html_blocks(tree)
    tags, published = _tags(metadata, tree), published_at(metadata, blocks, tree, url)
    page, claims = author_page(tree, markup, metadata, blocks, url)
    authors = authors_of(declared_authors(metadata, page), claims, page)
    # The tree is stripped for the body: everything else must be read before.
    found = extract_body(tree, blocks, markup, metadata) if whole_page else fragment_body(tree, given_title or "")
    title = vote(metadata.titles, page.sites, metadata.sections)
    body, removed = _body(found.paragraphs, title or given_title or "", authors, whole_page)
    if not body and (whole_page or not given_title):
        raise Permanent("no article text was found on the page", rule="no-body")
    dek = dek_of(metadata.descriptions, blocks, body, title)
    return Reading(
        title=title or given_title or derived_title(body[0]),
        title_derived=not title,
        dek=dek,
        paragraphs=body,
        tags=tags,
        authors=authors,
        section=metadata.section,
        site=one_line(metadata.site, 120) if metadata.site else None,
        language=metadata.language,
        url=_address(metadata.urls, url, metadata.base),
        published_at=published,
        images=_images(metadata, url),
        removed=(*found.removed, *removed),
        note=found.note,
    )


def author_page(
    tree: HtmlElement, markup: str, metadata: Metadata, blocks: Sequence[HtmlBlock], url: str | None
) -> tuple[AuthorPage, Callable[[], list[Claim]]]:
    """Page data for author selection, and a function that collects claims by walking the tree."""
    page = AuthorPage(metadata.site_names, url or next(iter(metadata.urls), ""), blocks, metadata.cards)
    return page, lambda: [*metadata.told, *shown_claims(author_signs(tree, markup), blocks)]


def declared_authors(metadata: Metadata, page: AuthorPage) -> tuple[str, ...]:
    """Authors in structured data. On whole pages, a referenced node is more likely the posting account."""
    return metadata.declared or (() if page.whole else metadata.referred)


def _body(
    given: Sequence[str], title: str, authors: Sequence[str], whole_page: bool
) -> tuple[tuple[str, ...], tuple[RemovedSpan, ...]]:
    paragraphs = list(given)
    repeated: list[RemovedSpan] = []
    fewest = 1 if whole_page else 0
    while len(paragraphs) > fewest and (rule := _leading_rule(paragraphs, title, authors)):
        repeated.append(RemovedSpan(rule=rule, text=paragraphs[0]))
        paragraphs = paragraphs[1:]
    if not whole_page:
        return tuple(paragraphs), tuple(repeated)
    paragraphs, listed = without_closing_list(paragraphs)
    kept, boilerplate = remove_boilerplate(paragraphs)
    kept, notes = without_closing_lines(kept, authors)
    return kept, (*repeated, *boilerplate, *listed, *notes)


def _leading_rule(paragraphs: Sequence[str], title: str, authors: Sequence[str]) -> str | None:
    """Why the first text is not the first paragraph of the body; None if it is."""
    if title and repeats_title(paragraphs, title):
        return "title-repeated"
    text = paragraphs[0]
    if len(paragraphs) > 1 and len(text) <= _MAX_BYLINE and _is_dated(text):
        return "date"
    if len(paragraphs) < 2 or not authors or len(text) > _MAX_BYLINE or text[-1:] in ".!?":
        return None
    is_signed = starts_byline(text) and any(name in text for name in authors)
    return "byline" if without_honorifics(text) in authors or is_role(text) or is_signed else None


def _is_dated(text: str) -> bool:
    line = dates.read_line(text)
    return line is not None and (line.published is not None or line.updated is not None)


def _tags(metadata: Metadata, tree: HtmlElement) -> tuple[str, ...]:
    # Tag lists contain links to tags: without such links the expensive search is skipped.
    found = metadata.tags or (extract_catstags("tag", tree) if _TAG_LINKS(tree) else ()) or _linked_tags(tree)
    return tuple(label for text in found for label in _LISTS.split(unescape(str(text)[:4_000])) if label)


def _linked_tags(tree: HtmlElement) -> list[str]:
    links = islice((link for link in tree.iter("a") if (link.get("rel") or "").lower().split() == ["tag"]), _MAX_LINKS)
    return [text for link in links if (text := one_line(link.text_content()[:_MAX_TAG], _MAX_TAG))]


def _images(metadata: Metadata, url: str | None) -> tuple[Image, ...]:
    """Distinct absolute URLs of the page's images."""
    found: dict[str, Image] = {}
    for written, caption in metadata.images:
        address = _absolute(written, url)
        if address and (address not in found or not found[address].caption):
            found[address] = Image(url=address, caption=one_line(caption, _MAX_CAPTION))
    return tuple(found.values())[:_MAX_IMAGES]


def _address(written: Sequence[str], url: str | None, base: str = "") -> str | None:
    """The canonical URL declared by the page, without tracking and AMP; else the URL it was fetched from."""
    for text in written:
        try:
            found = canonical(urljoin(urljoin(url or "", base), text)).url
        except ValueError:
            continue
        if found.startswith(("http://", "https://")) and not _FRONT_PAGE.fullmatch(found):
            return found
    return url


def _absolute(written: str, url: str | None) -> str:
    try:
        address = urljoin(url or "", written.strip())
    except ValueError:
        return ""  # such as http://[ without an end
    plain = address.startswith(("http://", "https://")) and len(address) <= _MAX_ADDRESS and address.isprintable()
    return address if plain and not any(map(str.isspace, address)) else ""
