"""The reader of HTML pages: trafilatura finds the body, a vote the title; the result is plain text, never markup."""

from __future__ import annotations

import re
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from typing import Any, Final

from lxml.etree import LxmlError  # type: ignore[import-untyped]
from lxml.html import HtmlElement, document_fromstring  # type: ignore[import-untyped]
from trafilatura import bare_extraction, baseline
from trafilatura.utils import load_html

from services.enrich.domain.decoding import clean, decode, one_line
from services.enrich.domain.html_metadata import Metadata, metadata_of
from services.enrich.domain.plain_text import cut_furniture
from services.enrich.domain.reading import Reading
from services.enrich.domain.similar_text import plain_words, same_text
from services.enrich.domain.titles import derived_title, vote
from shared.articles import Cut
from shared.errors import Permanent

_MAX_DEK: Final = 600
_LISTS: Final = re.compile(r"\s*[,;|]\s*")
_MARKUP: Final = re.compile(
    rb"<\s*(?:!doctype|html|head|body|article|main|div|p|h1|section|br|span|table)\b", re.IGNORECASE
)
_NEAR: Final = timedelta(hours=36)


def read(data: bytes, media_type: str, url: str | None) -> Reading:
    """Read an HTML page. Raises Permanent with rule `not-text`, `not-html` or `no-body`."""
    text = decode(data, media_type)
    if not _MARKUP.search(data.replace(b"\x00", b"")):
        raise Permanent("the page has no HTML elements", rule="not-html")
    tree = _tree(text)
    metadata = metadata_of(tree)
    document: Any = bare_extraction(tree, url=url, with_metadata=True, include_comments=False)
    paragraphs, how = _paragraphs(document, tree)
    title = vote((*metadata.titles, document.title or "" if document else ""))
    body, cuts = _body(paragraphs, title)
    if not body:
        raise Permanent("no article text was found on the page", rule="no-body")
    return Reading(
        title=title or derived_title(body[0]),
        title_derived=not title,
        dek=_dek(document, body, title),
        paragraphs=body,
        tags=_tags(metadata, document),
        authors=metadata.authors or _authors(document),
        section=metadata.section,
        site=one_line(document.sitename, 120) if document and document.sitename else None,
        language=metadata.language,
        url=document.url if document else None,
        published_at=_published(metadata, document),
        cuts=cuts,
        note=how,
    )


def _tree(text: str) -> HtmlElement:
    # An encoding in an XML declaration would contradict text that is decoded already.
    markup = re.sub(r"^\s*<\?xml[^>]{0,200}\?>", "", text.replace("\x00", ""))
    tree = load_html(markup)
    if tree is not None:
        return tree
    try:  # trafilatura refuses fragments such as one short paragraph; a producer may well send one
        return document_fromstring(f"<html><body>{markup}</body></html>")
    except (LxmlError, ValueError) as error:
        raise Permanent("the page does not parse as HTML", rule="not-html") from error


def _paragraphs(document: Any, tree: HtmlElement) -> tuple[list[str], str]:
    if document is not None and (document.text or "").strip():
        return _lines(document.text), "trafilatura"
    _, text, _ = baseline(tree)
    return _lines(text or ""), "trafilatura baseline"


def _lines(text: str) -> list[str]:
    return [line for raw in clean(text).split("\n") if (line := raw.strip().removeprefix("- "))]


def _body(paragraphs: list[str], title: str) -> tuple[tuple[str, ...], tuple[Cut, ...]]:
    repeated: list[Cut] = []
    while len(paragraphs) > 1 and title and same_text(paragraphs[0], title):
        repeated.append(Cut(rule="title-repeated", text=paragraphs[0]))
        paragraphs = paragraphs[1:]
    kept, cuts = cut_furniture(paragraphs)
    return kept, (*repeated, *cuts)


def _dek(document: Any, body: Sequence[str], title: str) -> str:
    text = one_line(document.description, _MAX_DEK) if document and document.description else ""
    words = plain_words(text)
    # Many pages describe themselves with the start of their body, often cut short, or with their title.
    repeats = words[:-1] == plain_words(" ".join(body[:3]))[: len(words) - 1] or same_text(text, title)
    return "" if not words or repeats else text


def _tags(metadata: Metadata, document: Any) -> tuple[str, ...]:
    found = [*metadata.tags, *((document.tags or []) if document else [])]
    return tuple(label for text in found for label in _LISTS.split(str(text)[:4_000]) if label)


def _authors(document: Any) -> tuple[str, ...]:
    names = (document.author or "").split(";") if document else []
    return tuple(name.strip() for name in names if name.strip())


def _published(metadata: Metadata, document: Any) -> datetime | None:
    """The page's instant where it agrees with the day that trafilatura found; else that day at midnight UTC."""
    day = None
    if document is not None and document.date:
        try:
            day = datetime.fromisoformat(document.date).replace(tzinfo=UTC)
        except ValueError:
            day = None  # a date such as 2024-02-30 does not exist
    for instant in metadata.instants:
        if day is None or abs(instant - day) <= _NEAR:
            return instant
    return day
