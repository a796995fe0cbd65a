"""The answer of a trace as a model."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from pydantic import BaseModel

from shared.articles import ArticleState, Duplicate, InputKind, Provenance
from shared.store.articles.lifecycle import Verb
from shared.store.articles.port import Record


class TimelineEntry(BaseModel):
    """One thing that happened to an article, at `at`, to revision `rev`."""

    at: datetime | None
    stage: str
    rev: int
    note: str = ""


class TraceGroups(BaseModel):
    """What was decided of copies and stories.

    `why` says with how many articles it was compared, how likely the nearest story was, the share of word triples of a
    copy, and the stories merged.
    """

    rev: int
    story_id: str | None
    duplicate_of: Duplicate | None
    why: dict[str, Any]


class TraceBody(BaseModel):
    """Where an article stands and how it came to be. `provenance` is null until the article is enriched, `groups` until
    it is indexed."""

    status: str = "ok"
    id: str
    state: ArticleState
    rev: int
    kind: InputKind
    reason: str | None
    publication_id: str | None
    timeline: tuple[TimelineEntry, ...]
    provenance: Provenance | None
    groups: TraceGroups | None


class TraceResponse(BaseModel):
    """The envelope of `/v1/articles/{id}/trace`."""

    response: TraceBody


_STAGES = {
    Verb.WITHDRAW: "withdrawn",
    Verb.RETRACT: "retracted",
    Verb.RESTORE: "restored",
    Verb.MOVE: "moved",
    Verb.ORIGINAL: "declared-original",
    Verb.NOT_A_COPY: "declared-no-copy",
}


def timeline_of(record: Record) -> tuple[TimelineEntry, ...]:
    """What happened to an article, oldest first; a rejection has no time of its own and stands last."""
    events = [TimelineEntry(at=record.first_received_at, stage="received", rev=1)]
    if record.rev > 1:
        events.append(TimelineEntry(at=record.received_at, stage="received", rev=record.rev))
    if record.enriched_at is not None:
        events.append(TimelineEntry(at=record.enriched_at, stage="enriched", rev=record.doc_rev))
    if record.published_at is not None:
        events.append(
            TimelineEntry(
                at=record.published_at, stage="published", rev=record.published_rev, note=record.publication_id or ""
            )
        )
    events += [
        TimelineEntry(
            at=act.at,
            stage=_STAGES[act.verb],
            rev=act.rev,
            note=": ".join(filter(None, (act.by, act.note, act.reason))),
        )
        for act in record.acts
    ]
    events.sort(key=lambda entry: entry.at or record.received_at)
    if record.rejected_rev:
        events.append(TimelineEntry(at=None, stage="rejected", rev=record.rejected_rev, note=record.reason or ""))
    return tuple(events)
