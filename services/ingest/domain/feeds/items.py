"""Maps feed items to the JSON that a producer would POST, and finds the identity of each item."""

from __future__ import annotations

import hashlib
from collections import Counter, defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from html import escape
from typing import Any, Final

import orjson

from services.ingest.domain.feeds.excerpts import is_excerpt
from services.ingest.domain.feeds.markup import has_text, html_of, is_html, line_of, text_of
from services.ingest.domain.feeds.model import FeedDocument, FeedItem, Person, TextKind
from services.ingest.domain.feeds.people import author_names
from services.ingest.domain.urls import accept_url
from shared.urls import page_key

MAX_EXTERNAL_ID: Final = 512
_MAX_TITLE: Final = 1_000
_MAX_DEK: Final = 1_000
_MAX_TAGS: Final = 100
_MAX_AUTHORS: Final = 50
_NO_CATEGORY: Final = frozenset(
    (
        *("uncategorized", "uncategorised", "unkategorisiert", "nicht kategorisiert", "non classé", "sin categoría"),
        *("sin categorizar", "senza categoria", "sem categoria", "geen categorie", "bez kategorii", "без рубрики"),
        *("без категорії", "okategoriserade", "ikke kategoriseret", "ukategorisert", "nezařazené", "未分类", "未分類"),
        *("غير مصنف", "미분류", "kategorilenmemiş"),
    )
)
"""The category that publishing software gives to what has none."""
_INHERITING: Final = frozenset({"atom", "json"})
Known = Mapping[str, tuple[str, str]]


@dataclass(frozen=True, slots=True)
class FeedCandidate:
    """An item that may become an article. `mark` is a digest of its page, `digest` one of its content."""

    item: FeedItem
    external_id: str
    url: str
    mark: str
    digest: str
    feed_authors: tuple[Person, ...] = ()
    """The authors of a feed whose format makes them those of its items."""


@dataclass(frozen=True, slots=True)
class Candidates:
    """The candidates of a document, oldest first, and what was left out: repeats and items without identity."""

    items: tuple[FeedCandidate, ...] = ()
    repeated: int = 0
    missing: int = 0
    missing_reason: str = ""


def candidates(document: FeedDocument, known: Known) -> Candidates:
    """The items with an identity, oldest first (feeds list the newest first).

    An item whose link is known under another identity keeps that one: some feeds generate a new guid for each poll.
    """
    identities = _identities(document)
    links = Counter(_link_key(item) for item in dict(zip(identities, document.items, strict=True)).values())
    taken = {external_id for external_id, _ in known.values()}
    found: dict[str, FeedCandidate] = {}
    feed_authors = _inherited_authors(document)
    missing: list[FeedItem] = []
    for item, identity in zip(document.items, identities, strict=True):
        if not identity:
            missing.append(item)
            continue
        link, external_id = _link_key(item), _external_id(identity)
        mark = link if link and links[link] == 1 else _short_digest(identity)
        if external_id not in taken and mark == link and mark in known:
            external_id = known[mark][0]
        digest = _short_digest(repr(item))
        found.setdefault(external_id, FeedCandidate(item, external_id, _url_of(item), mark, digest, feed_authors))
    repeated = len(document.items) - len(missing) - len(found)
    return Candidates(tuple(reversed(found.values())), repeated, len(missing), _missing_reason(missing))


def _inherited_authors(document: FeedDocument) -> tuple[Person, ...]:
    """Atom (RFC 4287 4.2.1) and JSON Feed name the authors of all items at the feed; the name of the site is none."""
    if document.format not in _INHERITING:
        return ()
    site = document.title.casefold()
    return tuple(person for person in document.authors if person.name and person.name.casefold() != site)


def _identities(document: FeedDocument) -> list[str]:
    """The identity of each item; empty for one without guid and link.

    A guid shared by several pages or titles is ignored: the link identifies the item, then title and date. Atom may
    list several revisions of one entry.
    """
    by_guid: dict[str, set[tuple[str, str]]] = defaultdict(set)
    by_link: dict[str, set[tuple[str, datetime | None]]] = defaultdict(set)
    for item in document.items:
        title = "" if document.format == "atom" else item.title
        by_guid[item.guid or item.about].add((_link_key(item), title))
        by_link[item.link].add((item.title, item.date))
    return [_identity(item, by_guid, by_link) for item in document.items]


def _identity(
    item: FeedItem,
    by_guid: Mapping[str, set[tuple[str, str]]],
    by_link: Mapping[str, set[tuple[str, datetime | None]]],
) -> str:
    guid = item.guid or item.about
    if guid and len(by_guid[guid]) == 1:
        return guid
    if item.link and len(by_link[item.link]) == 1:
        return item.link
    if not guid and not item.link:
        return ""
    return " ".join((guid or item.link, item.title, item.date.isoformat() if item.date else ""))


def _missing_reason(items: Sequence[FeedItem]) -> str:
    if not items:
        return ""
    title = line_of(items[0].title, items[0].title_kind)[:80]
    return f"item {title!r} has neither guid nor link" if title else "an item has neither guid nor link"


def article_of(source: str, candidate: FeedCandidate, language: str = "") -> bytes:
    """The JSON article of an item, as `POST /v1/articles` accepts it.

    Plain text is submitted as text, markup as `html`. An item without text becomes a stub: its title and the link.
    """
    item = candidate.item
    fields = submission_fields(source, candidate, language)
    body, kind = _body(item)
    title = fields.get("title", "")
    if not body:
        fields["html"] = "".join(html_of(text, text_kind) for text, text_kind in _texts(item) if text)  # pictures only
        fields["paragraphs"] = [] if fields["html"] or candidate.url else [title]
    elif is_html(body, kind) or (item.image and item.image not in body):
        fields["html"] = html_of(body, kind)
    elif title:
        fields["text"] = body
    else:
        fields["paragraphs"] = [" ".join(part.split()) for part in body.split("\n\n") if part.strip()]
    if item.image and fields.get("html") and item.image not in fields["html"]:
        fields["html"] += f'<figure><img src="{escape(item.image)}" alt="{escape(item.image_alt)}"></figure>'
    if dek := _dek(item, body, kind):
        fields["dek"] = dek
    return orjson.dumps({name: value for name, value in fields.items() if value})


def submission_fields(source: str, candidate: FeedCandidate, language: str = "") -> dict[str, Any]:
    """The submission fields of an item; empty ones are left out."""
    item = candidate.item
    tags = (line_of(name, "")[:120] for name in item.categories)
    tags = (tag for tag in tags if tag.casefold() not in _NO_CATEGORY)
    fields: dict[str, Any] = {
        "source": source,
        "external_id": candidate.external_id,
        "url": candidate.url,
        "title": _shortened(line_of(item.title, item.title_kind), _MAX_TITLE),
        "language": (item.language or language).replace("_", "-"),
        "authors": list(dict.fromkeys(name[:200] for name in author_names(item.authors or candidate.feed_authors)))[
            :_MAX_AUTHORS
        ],
        "tags": list(dict.fromkeys(tag for tag in tags if tag))[:_MAX_TAGS],
        "published_at": item.date.isoformat() if item.date else "",
    }
    return {name: value for name, value in fields.items() if value}


def _texts(item: FeedItem) -> tuple[tuple[str, TextKind], tuple[str, TextKind]]:
    return (item.content, item.content_kind), (item.summary, item.summary_kind)


def _body(item: FeedItem) -> tuple[str, TextKind]:
    """The fullest text of an item: its content, unless the summary is much longer; empty if there is no text."""
    content, summary = (text if has_text(*text) else ("", text[1]) for text in _texts(item))
    if content[0] and len(text_of(*summary)) <= 2 * len(text_of(*content)):
        return content
    return summary if summary[0] else content


def _dek(item: FeedItem, body: str, kind: TextKind) -> str:
    """The summary, if it says something else than the beginning of the body."""
    if not item.content or not body or body == item.summary:
        return ""
    text = text_of(item.summary, item.summary_kind)
    return "" if len(text) > _MAX_DEK or is_excerpt(text, text_of(body, kind)) else text


def _shortened(text: str, limit: int) -> str:
    return text if len(text) <= limit else f"{text[: limit - 1].rsplit(' ', 1)[0][: limit - 1]}…"


def _external_id(identity: str) -> str:
    """The identity with white space collapsed, or a digest of one that is too long to be an id."""
    text = " ".join(identity.split())
    if len(text.encode("utf-8", "replace")) <= MAX_EXTERNAL_ID:
        return text
    return f"sha256:{hashlib.sha256(text.encode('utf-8', 'replace')).hexdigest()}"


def _url_of(item: FeedItem) -> str:
    """The page of an item: its link, or a guid that is a URL."""
    for text in (item.link, item.guid, item.about):
        try:
            return accept_url(text)
        except ValueError:
            continue
    return ""


def _link_key(item: FeedItem) -> str:
    """A short digest of the page of an item; empty if it has none."""
    url = _url_of(item)
    return _short_digest(page_key(url)) if url else ""


def _short_digest(text: str) -> str:
    return hashlib.sha256(text.encode("utf-8", "replace")).hexdigest()[:16]
