"""A feed as one model, whatever it was written in. Texts are as sent, HTML included; links absolute where possible."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Literal

FeedFormat = Literal["rss", "atom", "json", "sitemap", "news-sitemap", "sitemap-index"]


@dataclass(frozen=True, slots=True)
class Person:
    """An author as the feed names one; either part may be empty."""

    name: str = ""
    email: str = ""


@dataclass(frozen=True, slots=True)
class Enclosure:
    """A file that belongs to an item. `length` is as sent: feeds lie about it."""

    url: str
    media_type: str = ""
    length: str = ""


@dataclass(frozen=True, slots=True)
class FeedItem:
    """One entry. `guid` is what the feed declares as its identity, `about` the RDF subject, `link` where it leads."""

    guid: str = ""
    about: str = ""
    link: str = ""
    links: tuple[str, ...] = ()
    title: str = ""
    summary: str = ""
    content: str = ""
    authors: tuple[Person, ...] = ()
    categories: tuple[str, ...] = ()
    published: datetime | None = None
    updated: datetime | None = None
    language: str = ""
    image: str = ""
    enclosures: tuple[Enclosure, ...] = ()

    @property
    def date(self) -> datetime | None:
        """When it was published; many feeds give only a date of change."""
        return self.published or self.updated

    @property
    def identity(self) -> str:
        """What tells this item from others of its feed; empty when it says nothing about itself."""
        return self.guid or self.about or self.link


@dataclass(frozen=True, slots=True)
class FeedDocument:
    """A whole feed, at most `MAX_ITEMS` items. `hubs` and `self_url` are WebSub's."""

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
    """How long the feed asks to be left alone."""
    items: tuple[FeedItem, ...] = ()
    truncated: bool = False
    """Whether items were left out because there were too many."""


MAX_ITEMS = 1_000
"""Items of a feed that are read; the newest stand first."""
MAX_FEED_BYTES = 5 * 1024 * 1024
