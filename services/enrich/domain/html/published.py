"""Date of an HTML page: the instant it declares, else the date line below its headline, else what htmldate finds."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from typing import Final

from htmldate import find_date
from lxml.etree import XPath  # type: ignore[import-untyped]
from lxml.html import HtmlElement  # type: ignore[import-untyped]

from services.enrich.domain import dates
from services.enrich.domain.html.metadata import Metadata
from services.enrich.domain.markup.blocks import HINTS, HtmlBlock
from services.enrich.domain.text.meta_lines import byline_of

_WRITTEN: Final = XPath(
    "//text()[not(parent::style or parent::noscript)] | //@datetime | //@title | //@content | //@data-date",
    smart_strings=False,
)
_NEAR: Final = timedelta(hours=36)
_BELOW_HEADLINE: Final = 5
"""Blocks below the headline that may be its date line."""
_MAX_LINE: Final = 120
_OTHERS: Final = sum(1 << HINTS.index(name) for name in ("related", "comment"))


def published_at(
    metadata: Metadata, blocks: Sequence[HtmlBlock], tree: HtmlElement, url: str | None
) -> datetime | None:
    """The instant of publication at the offset that the page writes; a day without a time is its midnight in UTC.

    Of several candidate instants, the one near the day that the page shows. htmldate is the most expensive field
    reader and runs only where nothing is declared or shown.
    """
    if metadata.declared_at:
        return metadata.declared_at[0]
    if len({instant.date() for instant in metadata.instants}) == 1:
        return metadata.instants[0]
    day = _shown(blocks) or _found(tree, url) or next(iter(metadata.printed_at), None)
    for instant in (*metadata.noted_at, *metadata.instants):
        if day is None or abs(instant - day) <= _NEAR:
            return instant
    return day


def _shown(blocks: Sequence[HtmlBlock]) -> datetime | None:
    """The date of publication in the lines right below the headline; a date of an update only is none."""
    start = next((number + 1 for number, block in enumerate(blocks) if block.place.tag == "h1"), len(blocks))
    for block in blocks[start : start + _BELOW_HEADLINE]:
        has_digit = any(map(str.isdigit, block.text[:_MAX_LINE]))
        if not has_digit or block.place.inside("figure") or block.place.hints & _OTHERS:
            continue
        line = byline_of(block.text)
        if line is not None and line.published_at is not None:
            return line.published_at
    return None


def _found(tree: HtmlElement, url: str | None) -> datetime | None:
    """The day that htmldate finds, at midnight UTC.

    Its extensive search runs only if the quick one finds nothing and the page names a day: for a page without one it
    returns the first of January of the copyright year.
    """
    written = find_date(tree, extensive_search=False, original_date=True, url=url)
    if not written and dates.names_day("\n".join(_WRITTEN(tree))):
        written = find_date(tree, extensive_search=True, original_date=True, url=url)
    try:
        return datetime.fromisoformat(written).replace(tzinfo=UTC) if written else None
    except ValueError:
        return None  # a date such as 2024-02-30 does not exist
