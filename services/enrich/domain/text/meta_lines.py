"""Metadata lines of plain text: tags, bylines, dates."""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import datetime
from typing import Final

from services.enrich.domain import dates
from services.enrich.domain.authors.bylines import PARTICLES
from services.enrich.domain.terms.vocabulary import NO_NAMES

_TAG_HEADER: Final = (
    r"(?:tags?|tagged(?: (?:as|with|in))?|topics?|related topics|filed (?:under|in|to)|categor(?:y|ies)|keywords?|"
    r"labels?|"
    r"posted in|more about|in this (?:story|article)|schlagw[öo]rter|themen|mots[- ]cl[ée]s|etiquetas|temas)"
)
_TAG_LINE: Final = re.compile(rf"{_TAG_HEADER}\s*[:：]\s*(?P<labels>\S.*)", re.IGNORECASE)
_TAG_ALONE: Final = re.compile(rf"{_TAG_HEADER}\s*[:：]?", re.IGNORECASE)
_HASHTAGS: Final = re.compile(r"(?:#[\w-]{1,60}[\s,;|]*)+")
_HASHED: Final = re.compile(r"#\s*([^#,;|]{1,80})")
_SEPARATORS: Final = re.compile(r"\s*[,;|•·]\s*|\s+[/–—-]\s+")
_MAX_LINE: Final = 2_000
_MAX_LABEL_WORDS: Final = 6

_BY: Final = re.compile(r"(?:(?:words|written|story|text|reported|reporting|posted|published|article)\s+)?(?:by|von|par|por|di|door|author|autor)\s*:?\s+(?P<names>\S.*)", re.IGNORECASE)  # fmt: skip  # noqa: E501
_NAME: Final = re.compile(r"(?:[^\W\d_][\w'’.-]*\s+|(?:de|van|von|der|den|da|di|la|le|al|bin|ter|dos)\s+){0,4}[^\W\d_][\w'’.-]*")  # fmt: skip  # noqa: E501
_BETWEEN_NAMES: Final = re.compile(r"\s*(?:,|&|;|\band\b|\bund\b|\bet\b|\by\b)\s*")
_PARTS: Final = re.compile(r"\s*[|•·]\s*|\s+[–—-]\s+")
_MAX_BYLINE: Final = 140
_READ_TIME: Final = re.compile(r"\d{1,3} min(?:ute)?s?(?: read)?|\d{1,2}[:.]\d{2}(?:\s?[ap]\.?m\.?)?(?: [A-Z]{2,4})?", re.IGNORECASE)  # fmt: skip  # noqa: E501
_ROLES: Final = re.compile(r"\b(?:editor|correspondent|reporter|writer|staff|columnist|contributor|producer|desk|bureau|chief)\b", re.IGNORECASE)  # fmt: skip  # noqa: E501


@dataclass(frozen=True, slots=True)
class Byline:
    """Authors and date on one line; `updated` marks the date of an update."""

    authors: tuple[str, ...] = ()
    published_at: datetime | None = None
    updated: bool = False


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
    if "#" not in line and (line.endswith(".") or any(len(label.split()) > _MAX_LABEL_WORDS for label in labels)):
        return None
    return labels or None


def is_tag_header(line: str) -> bool:
    """Whether the line is the header of a tag list on the next lines, such as `Tags` or `Filed under:`."""
    return len(line) <= 40 and _TAG_ALONE.fullmatch(line) is not None


def is_label(line: str) -> bool:
    """Whether a line under a tag header can be one or several labels."""
    if line.startswith("#"):
        return _HASHTAGS.fullmatch(line) is not None or len(line) <= 60
    short = all(len(part.split()) <= 4 for part in _SEPARATORS.split(line))
    return short and len(line) <= 120 and line[-1] not in ".!?:…"


def split_labels(line: str) -> tuple[str, ...]:
    """The labels on a line under a tag header."""
    return _split(line)


def _split(text: str) -> tuple[str, ...]:
    parts = _HASHED.findall(text) if "#" in text else _SEPARATORS.split(text)
    # Hash signs were removed above; tag normalisation splits `WorldNews`.
    return tuple(label for part in parts if (label := part.strip(" .,;|")))


def byline_of(line: str) -> Byline | None:
    """Authors and date of a line that holds nothing else, such as `By Jane Doe | 3 March 2024`; else None."""
    if len(line) > _MAX_BYLINE:
        return None
    whole = dates.parse(line)
    if whole is not None:
        return Byline(published_at=whole[0], updated=whole[1])
    authors: tuple[str, ...] = ()
    date: tuple[datetime, bool] | None = None
    certain = False
    for part in filter(None, _PARTS.split(line)):
        found = dates.parse(part)
        by = _BY.fullmatch(part)
        names = _names(by["names"] if by else part)
        if found is not None:
            date, certain = date or found, True
        elif names:
            authors, certain = authors + names, certain or by is not None
        elif not _READ_TIME.fullmatch(part) and not _ROLES.search(part):
            return None
    if not certain:
        return None
    return Byline(authors, date[0] if date else None, date[1] if date else False)


def names_of(line: str) -> tuple[str, ...]:
    """Names on a line of names only, such as `Jane Doe and John Roe`; empty if it holds anything else."""
    return _names(line) if len(line) <= _MAX_BYLINE else ()


def _names(text: str) -> tuple[str, ...]:
    found: list[str] = []
    for part in _BETWEEN_NAMES.split(text):
        if not part or (found and _ROLES.search(part)):
            continue
        words = part.split()
        capitals = sum(1 for word in words if word[0].isupper() or not word[0].isascii() or word in PARTICLES)
        if not _NAME.fullmatch(part) or capitals * 2 <= len(words) or words[0].lower() in NO_NAMES:
            return ()
        found.append(_cased(part))
    return tuple(found)


def _cased(name: str) -> str:
    return name.title() if name.isupper() and len(name) > 4 else name
