"""Committing an editor's verb: what the tombstone needs is read first, and the commit fails if it changed meanwhile."""

from __future__ import annotations

import secrets
from dataclasses import dataclass
from typing import Final

from services.ingest.domain.refusals import refuse
from shared.clock import now
from shared.errors import StoreUnavailable
from shared.events import ArticleReceived, ArticleRef
from shared.store import ArticleStore
from shared.store.articles.lifecycle import ChangeOutcome, StateChange, Verb
from shared.store.articles.port import Credential, readable_article

_ATTEMPTS: Final = 5
KEEP_SECONDS: Final = 86_400
OWN_KEY_SECONDS: Final = 60


@dataclass(frozen=True, slots=True)
class Wish:
    """What an editor asks for. `idempotency_key` is None when the request brought none."""

    article_id: str
    verb: Verb
    reason: str
    idempotency_key: str | None
    fingerprint: str


async def carry_out(store: ArticleStore, credential: Credential, wish: Wish) -> ChangeOutcome:
    """Commit the verb. Raises Refused for an article of a source that the key may not write, and StoreUnavailable."""
    own = f"own:{secrets.token_hex(16)}"
    for _ in range(_ATTEMPTS):
        (record,) = await store.records([wish.article_id])
        if record is None:
            return ChangeOutcome("unknown", 0, None)
        article = await readable_article(store, wish.article_id)
        if credential.sources and (article is None or article.source not in credential.sources):
            raise refuse("source", "is not one this key may write", rule="wrong-source")
        ref = ArticleRef(article_id=wish.article_id, rev=1, kind=record.kind)
        outcome = await store.lifecycle.change(
            StateChange(
                article_id=wish.article_id,
                verb=wish.verb,
                by=credential.name,
                reason=wish.reason,
                article=article,
                doc_rev=record.doc_rev if article is None else article.rev,
                event=ArticleReceived(meta=ArticleReceived.meta_for(producer="ingest", now=now()), article=ref),
                owner=credential.key_id,
                idempotency_key=f"sent:{wish.idempotency_key}" if wish.idempotency_key is not None else own,
                fingerprint=wish.fingerprint,
                keep_seconds=KEEP_SECONDS if wish.idempotency_key is not None else OWN_KEY_SECONDS,
            )
        )
        if outcome.status == "replayed" and wish.idempotency_key is None:
            return ChangeOutcome("accepted", outcome.rev, outcome.state)  # our own retry after a lost answer
        if outcome.status != "moved":
            return outcome
    raise StoreUnavailable("the article changes faster than it can be taken back", retry_after=1.0)
