"""Commits a withdrawal, retraction or restore with optimistic concurrency: the article is read for the tombstone,
and the commit is retried if the article changed in between.
"""

from __future__ import annotations

import secrets
from dataclasses import dataclass
from typing import Final

import structlog

from services.ingest.domain.rejections import reject
from shared.articles import Article
from shared.clock import now
from shared.errors import StoreUnavailable
from shared.events import ArticleReceived, ArticleRef
from shared.observability import log_events
from shared.observability.trace_context import current_traceparent
from shared.store import ArticleStore
from shared.store.articles.lifecycle import ChangeOutcome, NoteRemoval, NoteRemovalOutcome, StateChange, Verb
from shared.store.articles.port import Credential, readable_article

_ATTEMPTS: Final = 5
KEEP_SECONDS: Final = 86_400
OWN_KEY_SECONDS: Final = 60

log = structlog.get_logger(__name__)


@dataclass(frozen=True, slots=True)
class StateChangeRequest:
    """One editorial request. `idempotency_key` is None when the client sent none."""

    article_id: str
    verb: Verb
    reason: str
    idempotency_key: str | None
    fingerprint: str


async def apply_state_change(store: ArticleStore, credential: Credential, request: StateChangeRequest) -> ChangeOutcome:
    """Commit the change. Raises InputRejected for a source the key may not write, and StoreUnavailable."""
    own = f"own:{secrets.token_hex(16)}"
    for _ in range(_ATTEMPTS):
        (record,) = await store.records([request.article_id])
        if record is None:
            return ChangeOutcome("unknown", 0, None)
        article = await _writable_article(store, credential, request.article_id)
        ref = ArticleRef(article_id=request.article_id, rev=1, kind=record.kind)
        meta = ArticleReceived.meta_for(producer="ingest", now=now(), traceparent=current_traceparent())
        event = ArticleReceived(meta=meta, article=ref)
        outcome = await store.lifecycle.change(
            StateChange(
                article_id=request.article_id,
                verb=request.verb,
                by=credential.name,
                reason=request.reason,
                article=article,
                doc_rev=record.doc_rev if article is None else article.rev,
                event=event,
                owner=credential.key_id,
                idempotency_key=f"sent:{request.idempotency_key}" if request.idempotency_key is not None else own,
                fingerprint=request.fingerprint,
                keep_seconds=KEEP_SECONDS if request.idempotency_key is not None else OWN_KEY_SECONDS,
            )
        )
        if outcome.status == "replayed" and request.idempotency_key is None:
            outcome = ChangeOutcome("accepted", outcome.rev, outcome.state)  # our own retry after a lost reply
        if outcome.status == "accepted":
            keys = event.log_keys() | {"rev": outcome.rev}
            log.info(log_events.ARTICLE_CHANGE_ACCEPTED, **keys, verb=request.verb.value, reason=request.reason)
        if outcome.status != "moved":
            return outcome
    raise StoreUnavailable("the article is being changed concurrently", retry_after=1.0)


async def remove_correction(
    store: ArticleStore, credential: Credential, article_id: str, note_rev: int
) -> NoteRemovalOutcome:
    """Remove the note of a revision. Raises InputRejected for a source the key may not write, and StoreUnavailable."""
    (record,) = await store.records([article_id])
    if record is None:
        return NoteRemovalOutcome("unknown", 0)
    article = await _writable_article(store, credential, article_id)
    ref = ArticleRef(article_id=article_id, rev=1, kind=record.kind)
    event = ArticleReceived(meta=ArticleReceived.meta_for(producer="ingest", now=now()), article=ref)
    return await store.lifecycle.remove_correction(
        NoteRemoval(article_id=article_id, note_rev=note_rev, by=credential.name, article=article, event=event)
    )


async def _writable_article(store: ArticleStore, credential: Credential, article_id: str) -> Article | None:
    article = await readable_article(store, article_id)
    if credential.sources and (article is None or article.source not in credential.sources):
        raise reject("source", "is not one this key may write", rule="wrong-source")
    return article
