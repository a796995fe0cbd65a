"""Withdrawal, retraction and restoration: each action is one commit of state, revision, audit record and event.

State transitions: received, published or rejected -> withdrawn -> retracted; only `restore` goes back. A retraction
erases the original and the article; the data of the tombstone is read before and stored separately.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Any, Final, Literal

from redis.asyncio import Redis

from shared.articles import Article, ArticleState, Tag
from shared.claims import Ruling
from shared.clock import now
from shared.envelope import encode_event, split_at_rev
from shared.errors import CorruptRecord
from shared.events import ArticleEnriched, ArticleReceived, RemovedText, Tombstone, Withdrawal
from shared.query import removed_text
from shared.store import keys
from shared.store.articles.corrections import earlier_note
from shared.store.articles.lifecycle_records import MoveOutcome, NoteRemoval, NoteRemovalOutcome, SourceMove
from shared.store.articles.lifecycle_scripts import (
    ChangeState,
    CommitRemoval,
    ForwardEntry,
    MoveArticle,
    RemoveCorrection,
)
from shared.store.connection import RedisClient, unavailable_when_down
from shared.store.scripts import Scripts
from shared.topology import ARTICLE_ENRICHED, ARTICLE_RECEIVED, PUBLICATIONS

REMOVED_STATES: Final = frozenset({ArticleState.WITHDRAWN, ArticleState.RETRACTED})
"""States in which an article is not listed or searchable and its text is not shown."""


class Verb(StrEnum):
    """An editorial action on an article."""

    WITHDRAW = "withdraw"
    RETRACT = "retract"
    RESTORE = "restore"
    MOVE = "move"
    """To another source; the state stays."""
    ORIGINAL = "original"
    NOT_A_COPY = "not-a-copy"


_REMOVING: Final = frozenset({Verb.WITHDRAW, Verb.RETRACT})
STATE_VERBS: Final = _REMOVING | {Verb.RESTORE}


@dataclass(frozen=True, slots=True)
class Act:
    """Audit record of one action: its revision, time, key name and public reason."""

    verb: Verb
    rev: int
    at: datetime
    by: str
    reason: str
    note: str = ""
    """What was changed, where the verb does not say it: `from A to B`."""


@dataclass(frozen=True, slots=True)
class StateChange:
    """One action to commit. `article` is the article as read at `doc_rev`; None if there is none or it is damaged."""

    article_id: str
    source: str
    """The article's source as the caller checked it; empty for none."""
    verb: Verb
    by: str
    reason: str
    article: Article | None
    doc_rev: int
    event: ArticleReceived
    """With a placeholder revision; the commit fills in the real one."""
    owner: str
    idempotency_key: str
    fingerprint: str
    keep_seconds: int
    ruling: Ruling | None = None
    """What the verbs `original` and `not-a-copy` decide."""


@dataclass(frozen=True, slots=True)
class ChangeOutcome:
    """Result of an action.

    `accepted`: durable, and its event is on the stream. `replayed`: the result of an earlier identical request.
    `key-reused`, `unknown`: nothing was done. `wrong-state`: `state` does not allow the action. `moved`: another
    revision was enriched concurrently, or the source changed; read the article again and retry.
    """

    status: Literal["accepted", "replayed", "key-reused", "unknown", "wrong-state", "moved"]
    rev: int
    state: ArticleState | None


@dataclass(frozen=True, slots=True)
class Removal:
    """Publication of a removal: acknowledges `entries` and writes `event` unless it was published before."""

    article_id: str
    entries: Sequence[str]
    state: ArticleState
    event: Withdrawal | None
    """None for an article that was never published."""


class Lifecycle:
    """Editorial actions in Redis. Raises `StoreUnavailable` while Redis is unavailable."""

    def __init__(self, client: Redis) -> None:
        self._client: RedisClient = client
        self._scripts = Scripts(client)

    async def change(self, item: StateChange) -> ChangeOutcome:
        """Commit one action with its event; the outcome says why if it was not done."""
        head, tail = split_at_rev(item.event)
        call = ChangeState(
            article=keys.article(item.article_id),
            stream=ARTICLE_RECEIVED.key,
            idempotency=keys.idempotency(item.owner, item.idempotency_key),
            source=item.source,
            fingerprint=item.fingerprint,
            keep_seconds=item.keep_seconds,
            verb=item.verb.value,
            doc_rev=item.doc_rev,
            at=now().isoformat(),
            by=item.by,
            reason=item.reason,
            remains=json.dumps(_remains(item)) if item.verb in _REMOVING else "",
            ruling=item.ruling.pack() if item.ruling else "",
            envelope_head=head,
            envelope_tail=tail,
        )
        answer = await self._scripts.run(call)
        status, rev, state = answer[0].decode(), int(answer[1]), answer[2].decode()
        return ChangeOutcome(status, rev, ArticleState(state) if state else None)

    async def remove_correction(self, item: NoteRemoval) -> NoteRemovalOutcome:
        """Remove one correction note; a new revision of the same text is published without it."""
        head, tail = split_at_rev(item.event)
        call = RemoveCorrection(
            article=keys.article(item.article_id),
            stream=ARTICLE_RECEIVED.key,
            source=item.source,
            note_rev=item.note_rev,
            earlier_note=earlier_note(item.article),
            at=now().isoformat(),
            by=item.by,
            envelope_head=head,
            envelope_tail=tail,
        )
        answer = await self._scripts.run(call)
        return NoteRemovalOutcome(answer[0].decode(), int(answer[1]))

    async def move(self, item: SourceMove) -> MoveOutcome:
        """Give an article to another source, with its event, or say why not."""
        head, tail = split_at_rev(item.event)
        raw, sha256 = item.original
        call = MoveArticle(
            article=keys.article(item.article_id),
            stream=ARTICLE_RECEIVED.key,
            idempotency=keys.idempotency(item.owner, item.idempotency_key),
            fingerprint=item.fingerprint,
            keep_seconds=item.keep_seconds,
            source=item.source,
            rev=item.rev,
            new_source=item.new_source,
            content_digest=item.content_digest,
            raw=raw,
            raw_sha256=sha256,
            at=now().isoformat(),
            by=item.by,
            reason=item.reason,
            note=f"from {item.source or 'no source'} to {item.new_source}",
            envelope_head=head,
            envelope_tail=tail,
        )
        answer = await self._scripts.run(call)
        return MoveOutcome(answer[0].decode(), int(answer[1]))

    async def forward(self, group: str, items: Sequence[tuple[str, ArticleEnriched]]) -> int:
        """Acknowledge entries of `article.received` that need no parsing and append their event for the next stage.

        `items` are (entry id, event). Returns the number of entries that were pending.
        """
        calls = [
            ForwardEntry(
                in_stream=ARTICLE_RECEIVED.key,
                out_stream=ARTICLE_ENRICHED.key,
                group=group,
                entry=entry_id,
                envelope=encode_event(event),
            )
            for entry_id, event in items
        ]
        return sum(await self._scripts.run_all(calls))

    async def removals(self, article_ids: Sequence[str]) -> list[tuple[Tombstone, RemovedText | None] | None]:
        """The tombstones of removed articles with their matching data; None for ids that never became articles."""
        if not article_ids:
            return []
        async with unavailable_when_down(), self._client.pipeline(transaction=False) as pipe:
            for ident in article_ids:
                pipe.hmget(keys.article(ident), ["remains", "acts"])
            rows = await pipe.execute()
        return [_removal(ident, *row) for ident, row in zip(article_ids, rows, strict=True)]

    async def announce(self, group: str, items: Sequence[Removal]) -> list[str | None]:
        """Commit each. Returns the log id of the tombstone, or None if nothing was published."""
        calls = [
            CommitRemoval(
                article=keys.article(item.article_id),
                in_stream=ARTICLE_ENRICHED.key,
                publications=PUBLICATIONS.key,
                group=group,
                state=item.state.value,
                envelope=encode_event(item.event) if item.event else b"",
                entries=item.entries,
            )
            for item in items
        ]
        answers = await self._scripts.run_all(calls)
        return [answer.decode() if answer else None for answer in answers]


def acts_of(packed: str) -> tuple[Act, ...]:
    """Parse the audit records of a stored field, oldest first. Raises CorruptRecord."""
    try:
        rows = json.loads(packed or "[]")
        return tuple(
            Act(
                Verb(row["verb"]),
                int(row["rev"]),
                datetime.fromisoformat(row["at"]),
                row["by"],
                row["reason"],
                row.get("note", ""),
            )
            for row in rows
        )
    except (ValueError, KeyError, TypeError) as error:
        raise CorruptRecord("the acts of a record do not parse") from error


def current_removal(acts: Sequence[Act]) -> Act | None:
    """The action that removed a removed article."""
    return next((act for act in reversed(acts) if act.verb in _REMOVING), None)


def _remains(item: StateChange) -> dict[str, Any]:
    if item.article is None:
        return {"slug": item.article_id}
    kept = item.article.model_dump(mode="json", include={"tags", "section", "source", "language", "url"})
    kept["slug"] = item.article_id  # a slug repeats the headline
    kept["removed"] = removed_text(item.article).model_dump(mode="json")
    return {name: value for name, value in kept.items() if value is not None}


def _removal(article_id: str, remains: bytes | None, acts: bytes | None) -> tuple[Tombstone, RemovedText | None] | None:
    act = current_removal(acts_of((acts or b"").decode()))
    if act is None or not remains:
        return None
    kept = json.loads(remains)
    tags = tuple(Tag.model_validate(tag) for tag in kept.pop("tags", ()))
    removed = kept.pop("removed", None)
    kept["slug"] = article_id  # older records hold the slug of the headline
    tombstone = Tombstone(id=article_id, rev=act.rev, at=act.at, reason=act.reason, tags=tags, **kept)
    return tombstone, None if removed is None else RemovedText.model_validate(removed)
