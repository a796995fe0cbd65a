"""Values passed between pipeline steps: the raw page and the reading extracted from it."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Final

from shared.articles import Image, InputKind, RemovedSpan, Submission, Teaser


@dataclass(frozen=True, slots=True)
class RawPage:
    """A stored original with its submitted fields. `media_type` may carry a charset."""

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
    """Fields extracted from one page. Texts are plain text; `removed` holds every span that is in no field."""

    title: str = ""
    title_derived: bool = False
    """Whether the title was taken from the body because the page has none."""
    dek: str = ""
    paragraphs: tuple[str, ...] = ()
    tags: tuple[str, ...] = ()
    authors: tuple[str, ...] = ()
    section: str | None = None
    site: str | None = None
    language: str | None = None
    url: str | None = None
    published_at: datetime | None = None
    """At the offset that the page writes, so that its day is the page's own; the article has it in UTC."""
    recommended: tuple[Teaser, ...] = ()
    images: tuple[Image, ...] = ()
    """Image references, lead image first."""
    removed: tuple[RemovedSpan, ...] = ()
    note: str = ""


UNREAD: Final = Reading()
"""Value before the first step."""
