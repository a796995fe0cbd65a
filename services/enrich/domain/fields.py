"""Article fields: submitted values take precedence over extracted ones."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Final

from services.enrich.domain.decoding import one_line
from services.enrich.domain.reading import RawPage, Reading
from services.enrich.domain.similar_text import same_text
from services.enrich.domain.titles import MAX_TITLE, derived_title
from shared.articles import RemovedSpan
from shared.urls import canonical

_MAX_DEK: Final = 1_000
_MAX_SHORT: Final = 120
_MAX_AUTHORS: Final = 50
_MAX_URL: Final = 2_048
_EDITIONS: Final = frozenset(("amp-cache", "amp-path", "amp-parameter", "device-host"))
"""Rules of `shared.urls` that a URL of another edition of the same page matches."""
_AHEAD: Final = timedelta(days=1)
"""How far a date on a page may lie after its receipt: clocks differ, and a day begins earlier in the east."""
_FIELDS: Final = ("title", "dek", "section", "language", "authors", "tags", "published_at")


def merge_fields(page: RawPage, reading: Reading) -> tuple[Reading, str]:
    """Return the reading with submitted fields merged in, texts cleaned and bounded, and a note for the trace.

    An extracted title or dek that a submitted one replaces is kept as a removed span unless both say the same.
    """
    given = page.submission
    title = one_line(given.title or "", MAX_TITLE)
    dek = one_line(given.dek or "", _MAX_DEK)
    removed = list(reading.removed)
    if title and reading.title and not reading.title_derived and not same_text(title, reading.title):
        removed.append(RemovedSpan(rule="title-overridden", text=reading.title))
    if dek and reading.dek and not same_text(dek, reading.dek):
        removed.append(RemovedSpan(rule="dek-overridden", text=reading.dek))
    # A page that is received is public: a later date on it is that of an event, or an error. Without a date the article
    # counts from its receipt, instead of standing first in every list until that day.
    found_at, latest = _utc(reading.published_at), page.received_at + _AHEAD
    is_later = found_at is not None and found_at > latest
    merged = Reading(
        title=title or one_line(reading.title, MAX_TITLE) or derived_title(reading.paragraphs[0]),
        title_derived=reading.title_derived and not title,
        dek=dek or one_line(reading.dek, _MAX_DEK),
        paragraphs=reading.paragraphs,
        tags=given.tags or reading.tags,
        authors=_authors(given.authors or reading.authors),
        section=_short(given.section) or _short(reading.section),
        site=_short(given.source) or reading.site,
        language=given.language or reading.language,
        url=_own_address(given.url, reading.url),
        published_at=_utc(given.published_at) or (None if is_later else found_at),
        recommended=reading.recommended,
        images=reading.images,
        removed=tuple(removed),
        note=reading.note,
    )
    names = [name for name in _FIELDS if getattr(given, name)]
    late = " date after the receipt left out;" if is_later and not given.published_at else ""
    derived = " title derived from the body;" if merged.title_derived else ""
    return merged, f"{derived}{late} given: {', '.join(names) or 'nothing'}".strip()


def _authors(names: tuple[str, ...]) -> tuple[str, ...]:
    cleaned = (one_line(name, _MAX_SHORT) for name in names[: _MAX_AUTHORS * 4])
    return tuple(dict.fromkeys(name for name in cleaned if name))[:_MAX_AUTHORS]


def _short(text: str | None) -> str | None:
    return one_line(text, _MAX_SHORT) or None if text else None


def _own_address(given: str | None, found: str | None) -> str | None:
    """The submitted address, or the one that the page declares if the submitted is AMP, mobile or has tracking."""
    submitted, declared = _address(given), _address(found)
    if not submitted or not declared:
        return submitted or declared
    try:
        edition = canonical(submitted)
        is_declared = bool(_EDITIONS.intersection(edition.rules)) or edition.url == canonical(declared).url
    except ValueError:
        is_declared = False
    return declared if is_declared else submitted


def _address(url: str | None) -> str | None:
    # Readers follow this link: only http and https, never truncated.
    if not url or len(url) > _MAX_URL or not url.lower().startswith(("http://", "https://")):
        return None
    return None if any(char.isspace() or not char.isprintable() for char in url) else url


def _utc(instant: datetime | None) -> datetime | None:
    if instant is None:
        return None
    try:
        return instant.replace(tzinfo=UTC) if instant.tzinfo is None else instant.astimezone(UTC)
    except OverflowError:
        return None  # year 1 or 9999 overflows when converted to UTC
