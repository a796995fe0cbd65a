"""Editorial changes that leave the state of an article alone: a removed correction note, a move to another source."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from shared.articles import Article
from shared.events import ArticleReceived


@dataclass(frozen=True, slots=True)
class NoteRemoval:
    """Removal of the correction note of revision `note_rev`. `article` is the article as read by the caller."""

    article_id: str
    source: str
    """The article's source as the caller checked it; empty for none."""
    note_rev: int
    by: str
    article: Article | None
    event: ArticleReceived
    """With a placeholder revision; the commit fills in the real one."""


@dataclass(frozen=True, slots=True)
class NoteRemovalOutcome:
    """`accepted`: the note is removed. `unknown`, `no-note`, `wrong-state` (retracted): nothing was done.

    `moved`: the article has another source; look again.
    """

    status: Literal["accepted", "unknown", "no-note", "wrong-state", "moved"]
    rev: int


@dataclass(frozen=True, slots=True)
class SourceMove:
    """An article to be given to `new_source`, as the caller read it: `source`, `rev` and its original."""

    article_id: str
    source: str
    rev: int
    new_source: str
    original: tuple[bytes, bytes]
    """The original under the new source, packed, and its SHA-256."""
    content_digest: str
    by: str
    reason: str
    event: ArticleReceived
    """With a placeholder revision; the commit fills in the real one."""
    owner: str
    idempotency_key: str
    fingerprint: str
    keep_seconds: int


@dataclass(frozen=True, slots=True)
class MoveOutcome:
    """`accepted`, `replayed`, `key-reused`, `wrong-state` (removed) as `ChangeOutcome`. `moved`: look again."""

    status: Literal["accepted", "replayed", "key-reused", "wrong-state", "moved"]
    rev: int
