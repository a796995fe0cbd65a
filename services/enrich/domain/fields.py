"""The fields of an article: what the producer said goes before what the page says."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Final

from services.enrich.domain.decoding import one_line
from services.enrich.domain.reading import RawPage, Reading
from services.enrich.domain.similar_text import same_text
from services.enrich.domain.titles import MAX_TITLE, derived_title
from shared.articles import Cut

_MAX_DEK: Final = 1_000
_MAX_SHORT: Final = 120
_MAX_AUTHORS: Final = 50
_MAX_URL: Final = 2_048
_FIELDS: Final = ("title", "dek", "section", "language", "authors", "tags", "published_at")


def settle(page: RawPage, reading: Reading) -> tuple[Reading, str]:
    """The reading with the producer's fields in place, all texts cleaned and bounded, and a note on what was given.

    A title or dek of the page that the producer's replaces is kept as a cut, unless both say the same.
    """
    given = page.submission
    title = one_line(given.title or "", MAX_TITLE)
    dek = one_line(given.dek or "", _MAX_DEK)
    cuts = list(reading.cuts)
    if title and reading.title and not reading.title_derived and not same_text(title, reading.title):
        cuts.append(Cut(rule="title-overridden", text=reading.title))
    if dek and reading.dek and not same_text(dek, reading.dek):
        cuts.append(Cut(rule="dek-overridden", text=reading.dek))
    settled = Reading(
        title=title or one_line(reading.title, MAX_TITLE) or derived_title(reading.paragraphs[0]),
        title_derived=reading.title_derived and not title,
        dek=dek or one_line(reading.dek, _MAX_DEK),
        paragraphs=reading.paragraphs,
        tags=given.tags or reading.tags,
        authors=_authors(given.authors or reading.authors),
        section=_short(given.section) or _short(reading.section),
        site=_short(given.source) or reading.site,
        language=given.language or reading.language,
        url=_address(given.url) or _address(reading.url),
        published_at=_utc(given.published_at or reading.published_at),
        recommended=reading.recommended,
        images=reading.images,
        cuts=tuple(cuts),
        note=reading.note,
    )
    names = [name for name in _FIELDS if getattr(given, name)]
    derived = " title derived from the body;" if settled.title_derived else ""
    return settled, f"{derived} given: {', '.join(names) or 'nothing'}".strip()


def _authors(names: tuple[str, ...]) -> tuple[str, ...]:
    cleaned = (one_line(name, _MAX_SHORT) for name in names[: _MAX_AUTHORS * 4])
    return tuple(dict.fromkeys(name for name in cleaned if name))[:_MAX_AUTHORS]


def _short(text: str | None) -> str | None:
    return one_line(text, _MAX_SHORT) or None if text else None


def _address(url: str | None) -> str | None:
    # A link is shown to readers: nothing but http and https, and nothing that is cut.
    if not url or len(url) > _MAX_URL or not url.lower().startswith(("http://", "https://")):
        return None
    return None if any(char.isspace() or not char.isprintable() for char in url) else url


def _utc(instant: datetime | None) -> datetime | None:
    if instant is None:
        return None
    try:
        return instant.replace(tzinfo=UTC) if instant.tzinfo is None else instant.astimezone(UTC)
    except OverflowError:
        return None  # year 1 or 9999 at the wrong side of its zone
