"""Stored correction notes: one JSON list per article, kept across updates; removed notes are marked.

`[{"text", "at", "rev"[, "removed_at", "removed_by"]}, ...]`, oldest first. Documents of older versions contain one note
of their own revision instead.
"""

from __future__ import annotations

import json
from typing import Any, Final

from shared.articles import Article, CorrectionNote
from shared.errors import CorruptRecord

MOST_NOTES: Final = 100
"""Maximum notes per article; the oldest is dropped."""


def with_corrections(article: Article, packed: bytes | None) -> Article:
    """The article with its notes up to its own revision, without removed ones. Raises CorruptRecord."""
    notes = article.correction_notes if packed is None else _notes_until(packed, article.rev)
    newest = notes[-1].text if notes else ""
    if (notes, newest) == (article.corrections, article.correction):
        return article
    return article.model_copy(update={"corrections": notes, "correction": newest})


def earlier_note(article: Article | None) -> str:
    """The note of an article without a stored list, as a list item; empty if there is none."""
    notes = article.correction_notes if article else ()
    return notes[0].model_dump_json() if notes else ""


def lists_notes_of(packed: bytes | None, rev: int) -> bool:
    """Whether the list covers this revision. Raises CorruptRecord."""
    return packed is not None and any(int(row["rev"]) <= rev for row in _rows(packed))


def _notes_until(packed: bytes, rev: int) -> tuple[CorrectionNote, ...]:
    try:
        rows = _rows(packed)
        return tuple(CorrectionNote(**row) for row in rows if "removed_at" not in row and row["rev"] <= rev)
    except (ValueError, TypeError, KeyError) as error:
        raise CorruptRecord("the correction notes of a record do not parse") from error


def _rows(packed: bytes) -> list[dict[str, Any]]:
    try:
        rows: list[dict[str, Any]] = json.loads(packed)
    except ValueError as error:
        raise CorruptRecord("the correction notes of a record do not parse") from error
    return rows
