"""Metadata lines of plain text: tags, bylines, dates."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
from functools import lru_cache
from typing import Final, NamedTuple

from services.enrich.domain import dates
from services.enrich.domain.phrases import alternatives, exact, fold
from services.enrich.domain.text.byline_names import (
    CONTACT,
    MAX_BYLINE,
    PARTS,
    is_cased,
    is_outlet_name,
    is_place,
    is_role,
    names_of,
    signed_names,
    suffixed_names,
)

_TAG_LINE: Final = re.compile(rf"(?:{alternatives('tags')})\s*[:：]\s*(?P<labels>\S.*)", re.IGNORECASE)
_HASHTAGS: Final = re.compile(r"(?:[#＃][^\s#＃,;|]{1,60}[\s,;|、،]*)+")
_HASHED: Final = re.compile(r"[#＃]\s*([^#＃,;|、،]{1,80})")
_SEPARATORS: Final = re.compile(r"\s*[,;|•·、，；،؛]\s*|\s+[/–—-]\s+")
_UNSPACED_LABELS: Final = re.compile(
    r"[\u3040-\u30ff\u3400-\u9fff]{2,12}(?:[ \u3000]+[\u3040-\u30ff\u3400-\u9fff]{2,12})+"
)
_MAX_LINE: Final = 2_000
_MAX_LABEL_WORDS: Final = 6
_MAX_LABELS_LINE: Final = 120

_AFTER_BY: Final = r"(?:\s*[:：=＝／/|]\s*|\s+[–—-]\s+|\s+)"
_BY: Final = re.compile(rf"(?:{alternatives('by')}){_AFTER_BY}(?P<names>\S.*)", re.IGNORECASE)
_BY_ALONE: Final = re.compile(rf"(?:{alternatives('by')})\s*[:：]?", re.IGNORECASE)
_SOURCE: Final = re.compile(rf"(?:{alternatives('source')})\s*[:：]\s*\S.{{0,80}}", re.IGNORECASE)
_LABELLED: Final = re.compile(rf"\s+(?=(?:{alternatives('source')}|{alternatives('by')})\s*[:：])", re.IGNORECASE)
_DATED_BY: Final = re.compile(r"(\d[\d:,.\s]*(?:[ap]\.?m\.?)?)\s+(by\s+\S)", re.IGNORECASE)
"""`Posted on 19 November 2026 by Ada Corlett`."""
_DATE_START: Final = re.compile(r"\s+\d")
_BEFORE_DATE: Final = re.compile(r"[\s,]+(?:(?:le|am|on|em|el|il|op|den|в|dnia|w dniu)\s*)?$")
_MIN_WEEKDAY: Final = 5
_WORDS_OF_DATE: Final = 3  # a weekday, an article or the name of the month may precede the first number


@dataclass(frozen=True, slots=True)
class Byline:
    """Authors and dates on one line; a source, role or relative time has neither."""

    authors: tuple[str, ...] = ()
    published_at: datetime | None = None
    updated_at: datetime | None = None
    is_date: bool = False
    """Whether the line holds dates, relative or reading times only."""


def labels_of(line: str) -> tuple[str, ...] | None:
    """Labels of a tag line (`Tags: #Politics #WorldNews`, `Topics: Trade, Fish`, `#one #two`), else None."""
    if len(line) > _MAX_LINE:
        return None
    if _HASHTAGS.fullmatch(line):
        return _split(line)
    match = _TAG_LINE.fullmatch(line)
    if match is None:
        return None
    labels = _split(match["labels"])
    # A sentence can start with "Topics: "; a list of labels has short items and no final full stop.
    is_list = "#" in line or "＃" in line
    if not is_list and (
        line.endswith((".", "。", "।")) or any(len(label.split()) > _MAX_LABEL_WORDS for label in labels)
    ):
        return None
    return labels or None


def is_tag_header(line: str) -> bool:
    """Whether the line is the header of a tag list on the next lines, such as `Tags` or `Filed under:`."""
    return len(line) <= 40 and fold(line) in exact("tags")


def is_label(line: str) -> bool:
    """Whether a line under a tag header can be one or several labels."""
    if line.startswith("#"):
        return _HASHTAGS.fullmatch(line) is not None or len(line) <= 60
    short = all(len(part.split()) <= 4 for part in _SEPARATORS.split(line))
    return short and len(line) <= _MAX_LABELS_LINE and line[-1] not in ".!?:…。！？।"


def split_labels(line: str) -> tuple[str, ...]:
    """The labels on a line under a tag header."""
    return _split(line)


def _split(text: str) -> tuple[str, ...]:
    parts = _HASHED.findall(text) if "#" in text or "＃" in text else _SEPARATORS.split(text)
    if len(parts) == 1 and _UNSPACED_LABELS.fullmatch(text.strip()):
        parts = text.split()  # where words have no spaces between them, a space stands between labels
    return tuple(label for part in parts if (label := part.strip(" .,;|、，。।")))


@lru_cache(maxsize=2_048)
def byline_of(line: str, day_first: bool | None = None) -> Byline | None:
    """Authors and dates of a line that holds nothing else, such as `By Jane Doe | 3 March 2024`; else None."""
    if len(line) > MAX_BYLINE:
        return None
    line = line.strip("()（）[]【】 ")
    found = dates.read_line(line, day_first=day_first)
    if found is not None:
        return Byline(published_at=found.published, updated_at=found.updated, is_date=True)
    parts = [_part(text, is_signed, day_first) for text, is_signed in _signed_pieces(line)]
    known = [part for part in parts if part is not None]
    if len(known) < len(parts) or not any(part.is_certain for part in known):
        return None
    authors: tuple[str, ...] = ()
    is_signed = any(part.is_signed for part in known)
    for part in known:
        # Beside a name with a by-word, what looks like a name is a place or the site.
        authors += part.authors if part.is_signed or not is_signed else ()
    is_dated = any(part.published or part.updated for part in known)
    if not is_signed:
        authors = tuple(name for name in authors if " " in name or not is_cased(name))  # one word is a place
    return Byline(
        authors,
        next((part.published for part in known if part.published), None),
        next((part.updated for part in known if part.updated), None),
        is_date=is_dated and not authors,
    )


class _LinePart(NamedTuple):
    authors: tuple[str, ...] = ()
    published: datetime | None = None
    updated: datetime | None = None
    is_certain: bool = False
    """Whether it makes the line a byline: a date, a source, or a name with a by-word."""
    is_signed: bool = False


def _part(text: str, is_signed: bool, day_first: bool | None) -> _LinePart | None:
    """What one part of a line says; None for text that belongs to no byline."""
    if (found := dates.read_line(text, day_first=day_first)) is not None:
        return _LinePart(published=found.published, updated=found.updated, is_certain=True)
    match = _BY.fullmatch(text)
    if authors := signed_names(match["names"] if match else text) if match or is_signed else suffixed_names(text):
        return _LinePart(authors, is_certain=True, is_signed=True)
    if _SOURCE.fullmatch(text):
        return _LinePart(is_certain=True)
    if names := names_of(text):
        return _LinePart(names)
    is_detail = is_role(text) or is_place(text) or dates.is_reading_time(text) or is_outlet_name(text)
    return _LinePart() if is_detail else None


def _signed_pieces(line: str) -> Iterator[tuple[str, bool]]:
    """The parts of a line, and whether a part of its own before it is a by-word."""
    is_signed = False
    for piece in _pieces(line):
        if is_by_alone(piece):
            is_signed = True
            continue
        yield piece, is_signed
        is_signed = False


def _pieces(line: str) -> Iterator[str]:
    """The parts of a line between separators, before labels, and before a date that follows a name."""
    for part in filter(None, PARTS.split(_DATED_BY.sub(r"\1 | \2", line))):
        for piece in _LABELLED.split(part) if ":" in part or "：" in part else [part]:
            if dates.read_line(piece) is not None:
                yield piece
                continue
            label = dates.label_start(piece) if any(map(str.isdigit, piece)) else 0
            if start := _date_start(piece):
                yield _BEFORE_DATE.sub("", piece[:start])
                yield piece[start:].strip(" ,")
            elif label and dates.read_line(piece[label:]) is not None:
                yield piece[:label].strip(" ,")
                yield piece[label:]
            elif stripped := CONTACT.sub(" ", piece).strip(" ,"):
                yield stripped


def _date_start(piece: str) -> int:
    """Where a date at the end of a piece begins, with its weekday; 0 for none or for a piece that is all date."""
    first = _DATE_START.search(piece)
    if first is None:
        return 0
    starts = [match.start() for match in re.finditer(r"(?<=[\s,])\S", piece[: first.end()])][-_WORDS_OF_DATE:]
    # A short word such as `Doe` is a weekday somewhere: only a long one, or one with a mark, may belong to the date.
    marked = [
        at for at in starts[:-1] if len(word := piece[at:].split(maxsplit=1)[0]) >= _MIN_WEEKDAY or word[-1] in ".,"
    ]
    return next((at for at in (*marked, *starts[-1:], *starts[-2:-1]) if dates.read_line(piece[at:]) is not None), 0)


def is_by_alone(line: str) -> bool:
    """Whether the line is only the word before a name, such as `By`."""
    return len(line) <= 30 and _BY_ALONE.fullmatch(line) is not None


def is_contact(line: str) -> bool:
    """Whether the line is an address or a handle of an author."""
    return "://" not in line and CONTACT.fullmatch(line) is not None
