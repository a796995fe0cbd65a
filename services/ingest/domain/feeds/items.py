"""Maps feed items to the JSON that a producer would POST, and finds the identity of each item."""

from __future__ import annotations

import hashlib
from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any, Final

import orjson

from services.ingest.domain.feeds.model import FeedDocument, FeedItem
from services.ingest.domain.urls import accept_url
from shared.urls import page_key

MAX_EXTERNAL_ID: Final = 512
_MAX_TAGS: Final = 100
_MAX_AUTHORS: Final = 50
Known = Mapping[str, tuple[str, str]]


@dataclass(frozen=True, slots=True)
class Candidate:
    """An item that may become an article. `mark` is a digest of its page, `digest` one of its content."""

    item: FeedItem
    external_id: str
    url: str
    mark: str
    digest: str


def candidates(document: FeedDocument, known: Known) -> Iterator[Candidate]:
    """The items that have an identity, oldest first (feeds list the newest first); duplicates are skipped.

    An item whose link is known under another identity keeps that one: some feeds generate a new guid for each poll.
    """
    marks = Counter(_mark(item) for item in document.items)
    identities = {external_id for external_id, _ in known.values()}
    found: dict[str, Candidate] = {}
    for item in document.items:
        mark, external_id = _mark(item), _external_id(item)
        if not external_id:
            continue
        if external_id not in identities and marks[mark] == 1 and mark in known:
            external_id = known[mark][0]
        digest = hashlib.sha256(repr(item).encode("utf-8", "replace")).hexdigest()[:16]
        found.setdefault(external_id, Candidate(item, external_id, _url_of(item), mark, digest))
    yield from reversed(found.values())


def article_of(source: str, candidate: Candidate, language: str = "") -> bytes:
    """The JSON article of an item, as `POST /v1/articles` takes it."""
    item = candidate.item
    fields = submission_fields(source, candidate, language)
    html = item.content or item.summary or item.title
    if item.content and item.summary and item.summary != item.content and "<" not in item.summary:
        fields["dek"] = item.summary[:2_000]
    return orjson.dumps(fields | {"html": html})


def submission_fields(source: str, candidate: Candidate, language: str = "") -> dict[str, Any]:
    """The submission fields of an item; empty ones are left out."""
    item = candidate.item
    people = (person.name or person.email.partition("@")[0] for person in item.authors)
    fields: dict[str, Any] = {
        "source": source,
        "external_id": candidate.external_id,
        "url": candidate.url,
        "title": item.title[:1_000] if "<" not in item.title else "",
        "language": item.language or language,
        "authors": list(dict.fromkeys(person[:200] for person in people if person.strip()))[:_MAX_AUTHORS],
        "tags": [tag[:120] for tag in item.categories if tag.strip()][:_MAX_TAGS],
        "published_at": item.date.isoformat() if item.date else "",
    }
    return {name: value for name, value in fields.items() if value}


def _external_id(item: FeedItem) -> str:
    """The identity, or a digest of one that is too long to be an id."""
    identity = " ".join(item.identity.split())
    if len(identity.encode("utf-8", "replace")) <= MAX_EXTERNAL_ID:
        return identity
    return f"sha256:{hashlib.sha256(identity.encode('utf-8', 'replace')).hexdigest()}"


def _url_of(item: FeedItem) -> str:
    """The page of an item: its link, or a guid that is a URL."""
    for text in (item.link, item.guid, item.about):
        try:
            return accept_url(text)
        except ValueError:
            continue
    return ""


def _mark(item: FeedItem) -> str:
    url = _url_of(item)
    return hashlib.sha256((page_key(url) if url else item.identity).encode("utf-8", "replace")).hexdigest()[:16]
