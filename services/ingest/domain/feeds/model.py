"""Format-independent feed model. Texts are as sent, including markup; links are absolute where possible."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Literal

FeedFormat = Literal["rss", "atom", "json", "sitemap", "news-sitemap", "sitemap-index"]
TextKind = Literal["", "text", "html"]
"""What a text is declared to be; RSS declares nothing."""


@dataclass(frozen=True, slots=True)
class Person:
    """An author; either field may be empty."""

    name: str = ""
    email: str = ""


@dataclass(frozen=True, slots=True)
class Enclosure:
    """A file of an item. `length` is as sent and often wrong."""

    url: str
    media_type: str = ""
    length: str = ""


@dataclass(frozen=True, slots=True)
class FeedItem:
    """One entry. `guid` is the identity that the feed declares, `about` the RDF subject, `link` the page."""

    guid: str = ""
    about: str = ""
    link: str = ""
    links: tuple[str, ...] = ()
    title: str = ""
    title_kind: TextKind = ""
    summary: str = ""
    summary_kind: TextKind = ""
    content: str = ""
    content_kind: TextKind = ""
    authors: tuple[Person, ...] = ()
    categories: tuple[str, ...] = ()
    published: datetime | None = None
    updated: datetime | None = None
    language: str = ""
    image: str = ""
    image_alt: str = ""
    enclosures: tuple[Enclosure, ...] = ()

    @property
    def date(self) -> datetime | None:
        """Date of publication, else of the last change: many feeds give only that."""
        return self.published or self.updated


@dataclass(frozen=True, slots=True)
class FeedDocument:
    """A feed with at most `MAX_ITEMS` items. `hubs` and `self_url` are the WebSub links."""

    format: FeedFormat
    title: str = ""
    link: str = ""
    links: tuple[str, ...] = ()
    description: str = ""
    language: str = ""
    rights: str = ""
    authors: tuple[Person, ...] = ()
    categories: tuple[str, ...] = ()
    published: datetime | None = None
    updated: datetime | None = None
    image: str = ""
    hubs: tuple[str, ...] = ()
    self_url: str = ""
    ttl_seconds: int = 0
    """Minimum time between polls that the feed requests."""
    items: tuple[FeedItem, ...] = ()
    truncated: bool = False
    """Whether items beyond `MAX_ITEMS` were left out."""


MAX_ITEMS = 1_000
"""Number of items read from a feed; feeds list the newest first."""
MAX_FEED_BYTES = 5 * 1024 * 1024
