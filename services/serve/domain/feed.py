"""Feeds independent of format: entries, tombstones and page links.

The id of an entry is its article's URL without the slug, so that it does not change with the title.
"""

from __future__ import annotations

import mimetypes
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from html import escape
from typing import Final
from urllib.parse import urlsplit

from services.serve.domain import links
from services.serve.domain.markup import web_url
from shared.articles import Card, CorrectionNote, Image, Tag
from shared.events import Tombstone
from shared.identity.languages import UNKNOWN, canonical_language
from shared.urls import parse_url

MAX_TITLE: Final = 300
MAX_TEXT: Final = 1_500
MAX_NAMES: Final = 20
MAX_NOTES: Final = 20
"""Limits of one entry in characters and names: 50 entries are below 250 kB."""
_FORBIDDEN: Final = re.compile("[^\t\n\r\u0020-\u007e\u00a0-\ud7ff\ue000-\ufdcf\ufdf0-\ufffd\U00010000-\U0010ffff]")
"""Characters that XML 1.0 forbids or discourages, even escaped."""
_UNSAFE: Final = re.compile(r"[\[\]\\^`{|}\"<>]|%(?![0-9A-Fa-f]{2})")
"""ASCII characters that browsers do not escape after the host, but that URIs must not contain."""


@dataclass(frozen=True, slots=True)
class Picture:
    """An image by URL; `type` is None if the URL does not reveal it."""

    url: str
    type: str | None
    caption: str


@dataclass(frozen=True, slots=True)
class FeedEntry:
    """One article. Texts are plain, bounded and valid in XML; URLs are absolute."""

    id: str
    url: str
    title: str
    dek: str
    summary: str
    published: datetime
    updated: datetime
    """Last correction time. Minor revisions do not change it."""
    touched: datetime
    """When this revision was received."""
    rev: int
    tags: tuple[Tag, ...] = ()
    authors: tuple[str, ...] = ()
    source: str = ""
    language: str | None = None
    origin: str | None = None
    """The URL of the original page."""
    story: str | None = None
    """The URL of the page of its story."""
    picture: Picture | None = None
    corrections: tuple[CorrectionNote, ...] = ()
    """Oldest first."""

    @property
    def text(self) -> str:
        """The content as plain text; never empty."""
        parts = [*dict.fromkeys((self.dek, self.summary)), *map(self._note, self.corrections)]
        return "\n\n".join(filter(None, parts)) or self.title

    def _note(self, note: CorrectionNote) -> str:
        """The correction notes; with their times if there are several."""
        at = f" ({note.at:%Y-%m-%d %H:%M} UTC)" if len(self.corrections) > 1 else ""
        return f"Correction: {note.text}{at}"

    @property
    def html(self) -> str:
        """The same as HTML: paragraphs, everything escaped."""
        return "".join(f"<p>{escape(part, quote=False)}</p>" for part in self.text.split("\n\n"))


@dataclass(frozen=True, slots=True)
class FeedTombstone:
    """A removed entry."""

    id: str
    at: datetime
    reason: str


@dataclass(frozen=True, slots=True)
class Feed:
    """One page of a feed. `pages` maps first, previous, next and last to absolute URLs."""

    id: str
    title: str
    about: str
    home: str
    self_url: str
    site: str
    updated: datetime
    entries: tuple[FeedEntry, ...]
    gone: tuple[FeedTombstone, ...] = ()
    language: str | None = None
    hub: str | None = None
    pages: Mapping[str, str] = field(default_factory=dict)


def one_line(text: str, limit: int = MAX_TITLE) -> str:
    """Text on one line, valid in XML, truncated at `limit`."""
    plain = " ".join(_FORBIDDEN.sub(" ", text).split())
    return plain if len(plain) <= limit else f"{plain[: limit - 1].rstrip()}…"


def language_of(language: str) -> str | None:
    """The language if feeds can say it; `und` is none."""
    return canonical_language(language) if language != UNKNOWN else None


def entry_id(base: str, article_id: str) -> str:
    """The permanent id of an article in feeds."""
    return f"{base}{links.article_page(article_id, None)}"


def entry_of(card: Card, base: str, *, corrected_at: datetime | None = None) -> FeedEntry:
    """The entry of an article; `base` is the public URL of this server, `corrected_at` its last correction time."""
    notes = card.correction_notes
    corrected = corrected_at or (notes[-1].at if notes else None)
    dated = card.dated_at.astimezone(UTC)
    return FeedEntry(
        id=entry_id(base, card.id),
        url=f"{base}{links.article_page(card.id, card.slug)}",
        title=one_line(card.title) or "Untitled",
        dek=one_line(card.dek, MAX_TEXT),
        summary=one_line(card.summary, MAX_TEXT),
        published=dated,
        updated=max(dated, corrected.astimezone(UTC)) if corrected else dated,
        touched=card.received_at.astimezone(UTC),
        rev=card.rev,
        tags=tuple(Tag(slug=tag.slug, label=one_line(tag.label, 120) or tag.slug) for tag in card.tags[:MAX_NAMES]),
        authors=tuple(name for author in card.authors[:MAX_NAMES] if (name := one_line(author, 120))),
        source=one_line(card.source or "", 120),
        language=language_of(card.language),
        origin=plain_url(card.url),
        story=f"{base}{links.story_page(card.story_id)}" if card.story_id else None,
        picture=_picture(card.image),
        corrections=tuple(
            CorrectionNote(text=one_line(note.text, MAX_TEXT), at=note.at.astimezone(UTC), rev=note.rev)
            for note in notes[-MAX_NOTES:]
        ),
    )


def tombstone_of(tombstone: Tombstone, base: str) -> FeedTombstone:
    """The tombstone of an article in feeds."""
    return FeedTombstone(
        entry_id(base, tombstone.id), tombstone.at.astimezone(UTC), one_line(tombstone.reason, MAX_TEXT)
    )


def last_change(entries: Sequence[FeedEntry], gone: Sequence[FeedTombstone]) -> datetime:
    """Last change of a feed with these entries, in whole seconds as in HTTP dates; the epoch if empty."""
    instants = [max(entry.updated, entry.touched) for entry in entries] + [one.at for one in gone]
    return max(instants, default=datetime.fromtimestamp(0, UTC)).replace(microsecond=0)


def plain_url(url: str | None) -> str | None:
    """The URL in RFC 3986 form (stricter than browsers), if it is a safe web URL; else None."""
    if web_url(url) is None or url is None:
        return None
    try:
        read = parse_url(url)
    except ValueError:
        return None
    port = f":{read.port}" if read.port else ""
    query = f"?{read.query}" if read.query else ""
    fragment = f"#{read.fragment.replace('#', '%23')}" if read.fragment else ""
    return f"{read.scheme}://{read.host}{port}{_UNSAFE.sub(_percent, f'{read.path}{query}{fragment}')}"


def _percent(found: re.Match[str]) -> str:
    return f"%{ord(found[0]):02X}"


def _picture(image: Image | None) -> Picture | None:
    url = plain_url(image.url) if image else None
    if image is None or url is None:
        return None
    kind, _ = mimetypes.guess_type(urlsplit(url).path)
    return Picture(url, kind if kind and kind.startswith("image/") else None, one_line(image.caption))
