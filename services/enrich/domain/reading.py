"""The values that pass through the pipeline: the page that came in, and what a reader made of it."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Final

from shared.articles import Cut, Image, InputKind, Submission, Teaser


@dataclass(frozen=True, slots=True)
class RawPage:
    """One stored original and what its producer said about it; `media_type` may carry a charset."""

    article_id: str
    rev: int
    kind: InputKind
    media_type: str
    data: bytes
    submission: Submission
    received_at: datetime
    first_received_at: datetime


@dataclass(frozen=True, slots=True)
class Reading:
    """What a reader found on a page. Texts are plain; every span that is in no field is in `cuts`."""

    title: str = ""
    title_derived: bool = False
    """Whether the title repeats words that also stand in the body, because the page has no title of its own."""
    dek: str = ""
    paragraphs: tuple[str, ...] = ()
    tags: tuple[str, ...] = ()
    authors: tuple[str, ...] = ()
    section: str | None = None
    site: str | None = None
    language: str | None = None
    url: str | None = None
    published_at: datetime | None = None
    recommended: tuple[Teaser, ...] = ()
    images: tuple[Image, ...] = ()
    """References to the page's pictures, the lead picture first."""
    cuts: tuple[Cut, ...] = ()
    note: str = ""


UNREAD: Final = Reading()
"""Before the first step."""
