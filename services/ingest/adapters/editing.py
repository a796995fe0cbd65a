"""Commits a withdrawal, retraction, restore or move with optimistic concurrency: the article is read for the tombstone,
and the commit is retried if the article changed in between.
"""

from __future__ import annotations

import secrets
from dataclasses import dataclass
from typing import Final

import structlog

from services.ingest.domain.identity import content_digest
from services.ingest.domain.source_rights import check_source
from shared.articles import InputKind
from shared.claims import Ruling
from shared.clock import now
from shared.errors import CorruptRecord, StoreUnavailable
from shared.events import ArticleReceived, ArticleRef
from shared.observability import log_events
from shared.observability.trace_context import current_traceparent
from shared.store import ArticleStore
from shared.store.articles.blobs import pack_original
from shared.store.articles.lifecycle import ChangeOutcome, StateChange, Verb
from shared.store.articles.lifecycle_records import MoveOutcome, NoteRemoval, NoteRemovalOutcome, SourceMove
from shared.store.articles.port import CorruptOriginal, Credential, RemovedOriginal, readable_article

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
        source = await _writable_source(store, credential, request.article_id)
        article = await readable_article(store, request.article_id)
        event = _received(request.article_id, record.kind)
        outcome = await store.lifecycle.change(
            StateChange(
                article_id=request.article_id,
                source=source,
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
                ruling=_ruling(request.verb, credential),
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
    for _ in range(_ATTEMPTS):
        (record,) = await store.records([article_id])
        if record is None:
            return NoteRemovalOutcome("unknown", 0)
        source = await _writable_source(store, credential, article_id)
        article = await readable_article(store, article_id)
        event = _received(article_id, record.kind)
        removal = NoteRemoval(
            article_id=article_id, source=source, note_rev=note_rev, by=credential.name, article=article, event=event
        )
        outcome = await store.lifecycle.remove_correction(removal)
        if outcome.status != "moved":
            return outcome
    raise StoreUnavailable("the article is being changed concurrently", retry_after=1.0)


async def move_article(
    store: ArticleStore, credential: Credential, request: StateChangeRequest, new_source: str
) -> MoveOutcome | None:
    """Give an article to another source; None for an unknown one.

    Raises InputRejected unless the key writes both sources, CorruptRecord for a damaged original, StoreUnavailable.
    """
    check_source(credential.sources, new_source, credential.scopes)
    own = f"own:{secrets.token_hex(16)}"
    for _ in range(_ATTEMPTS):
        (record,) = await store.records([request.article_id])
        (original,) = await store.originals([request.article_id])
        if record is None or original is None:
            return None
        source = await _writable_source(store, credential, request.article_id)
        if isinstance(original, CorruptOriginal):
            raise CorruptRecord(f"article {request.article_id}: {original.reason}")
        if isinstance(original, RemovedOriginal):
            return MoveOutcome("wrong-state", original.rev)
        submission = original.submission.model_copy(update={"source": new_source})
        outcome = await store.lifecycle.move(
            SourceMove(
                article_id=request.article_id,
                source=source,
                rev=original.rev,
                new_source=new_source,
                original=pack_original(original.media_type, submission, original.data),
                content_digest=content_digest(original.kind, original.data, submission),
                by=credential.name,
                reason=request.reason,
                event=_received(request.article_id, record.kind),
                owner=credential.key_id,
                idempotency_key=f"sent:{request.idempotency_key}" if request.idempotency_key is not None else own,
                fingerprint=request.fingerprint,
                keep_seconds=KEEP_SECONDS if request.idempotency_key is not None else OWN_KEY_SECONDS,
            )
        )
        if outcome.status == "replayed" and request.idempotency_key is None:
            outcome = MoveOutcome("accepted", outcome.rev)  # our own retry after a lost reply
        if outcome.status != "moved":
            return outcome
    raise StoreUnavailable("the article is being changed concurrently", retry_after=1.0)


def _ruling(verb: Verb, credential: Credential) -> Ruling | None:
    if verb not in {Verb.ORIGINAL, Verb.NOT_A_COPY}:
        return None
    return Ruling(is_original=verb is Verb.ORIGINAL, sources=credential.sources)


def _received(article_id: str, kind: InputKind) -> ArticleReceived:
    meta = ArticleReceived.meta_for(producer="ingest", now=now(), traceparent=current_traceparent())
    return ArticleReceived(meta=meta, article=ArticleRef(article_id=article_id, rev=1, kind=kind))


async def _writable_source(store: ArticleStore, credential: Credential, article_id: str) -> str:
    """The source of an existing article, empty for none. Raises InputRejected when the key does not write it."""
    source = (await store.sources.of([article_id])).get(article_id, "")
    check_source(credential.sources, source or None, credential.scopes)
    return source
