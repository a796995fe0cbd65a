"""Builds the `article.rejected` event of a dead-lettered article. It never holds text of the page."""

from __future__ import annotations

from datetime import datetime
from typing import Final

from shared.broker.failures import INVALID, MAX_DELIVERIES_EXCEEDED, PROCESS_KILLER
from shared.events import Event, RejectedArticle, Rejection
from shared.store.articles.port import CorruptOriginal, Original

INTERNAL: Final = frozenset({MAX_DELIVERIES_EXCEEDED, PROCESS_KILLER, "sandbox-crash", "index-rejected", INVALID})
"""Rules whose reason is the message of an exception, of a parser that died or of the engine: it may quote the page."""
INTERNAL_DETAIL: Final = "it could not be processed; the operator keeps it as a dead letter and can retry it"
MAX_DETAIL: Final = 300


def rejection_of(
    event: Event, original: Original | CorruptOriginal, *, stage: str, reason: str, rule: str, now: datetime
) -> Rejection | None:
    """The event to append when the entry of `event` is dead-lettered; None for an event without an article."""
    ref = event.article_ref
    if ref is None:
        return None
    submission = original.submission if isinstance(original, Original) else None
    article = RejectedArticle(
        id=ref[0],
        rev=ref[1],
        source=submission.source if submission else None,
        external_id=submission.external_id if submission else None,
        url=submission.url if submission else None,
        stage=stage,
        rule=rule,
        detail=INTERNAL_DETAIL if rule in INTERNAL else reason[:MAX_DETAIL],
        received_at=original.received_at if isinstance(original, Original) else event.meta.occurred_at,
    )
    meta = Rejection.meta_for(producer=stage, now=now, cause=event.meta)
    return Rejection(meta=meta, article=article, owner=original.owner)
