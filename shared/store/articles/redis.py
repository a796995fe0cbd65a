"""Redis adapter of the article store: one hash per article, written only by Lua scripts."""

from __future__ import annotations

import hashlib
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import suppress
from datetime import datetime
from typing import Final

import structlog
from pydantic import ValidationError
from redis.asyncio import Redis

from shared.articles import Article, ArticleState, InputKind, Provenance
from shared.clock import now
from shared.envelope import encode_event, split_at_rev
from shared.errors import CorruptRecord
from shared.observability import log_events
from shared.store import keys
from shared.store.articles import blobs
from shared.store.articles.article_sources import ArticleSources, own_article_id
from shared.store.articles.corrections import MOST_NOTES, earlier_note, lists_notes_of, with_corrections
from shared.store.articles.groups import ArticleGroups, with_group
from shared.store.articles.lifecycle import REMOVED_STATES, Lifecycle, acts_of
from shared.store.articles.port import (
    Acceptance,
    AcceptOutcome,
    Announcement,
    CorruptArticle,
    CorruptOriginal,
    Enrichment,
    Entry,
    Original,
    Record,
    RemovedOriginal,
)
from shared.store.articles.scripts import AcceptOriginal, CommitEnrichment, CommitPublication
from shared.store.connection import RedisClient, unavailable_when_down
from shared.store.scripts import Scripts
from shared.topology import ARTICLE_ENRICHED, ARTICLE_RECEIVED, PUBLICATIONS, Stream

_ORIGINAL_FIELDS: Final = ("rev", "kind", "raw", "raw_sha256", "received_at", "first_received_at", "state", "owner")
_ARTICLE_FIELDS: Final = ("doc", "doc_sha256", "story", "dup", "corrections")
_RECORD_FIELDS: Final = (
    "rev",
    "state",
    "kind",
    "doc_rev",
    "pub_rev",
    "received_at",
    "first_received_at",
    "enriched_at",
    "published_at",
    "pub_id",
    "rejected_rev",
    "reason",
    "acts",
    "told",
)

log = structlog.get_logger(__name__)


class RedisArticleStore:
    """`ArticleStore` in one Redis database; see `port.py` for the contract of each method."""

    def __init__(self, client: Redis) -> None:
        self._client: RedisClient = client
        self._scripts = Scripts(client)
        self.groups = ArticleGroups(client)
        self.lifecycle = Lifecycle(client)
        self.sources = ArticleSources(client)

    async def accept(self, acceptances: Sequence[Acceptance]) -> list[AcceptOutcome]:
        received_at = now().isoformat()
        calls = [_accept_original(item, received_at) for item in acceptances]
        answers = await self._scripts.run_all(calls)
        if unnamed := [at for at, answer in enumerate(answers) if answer[0] == b"no-source"]:
            await self.sources.adopt([answers[at][2].decode() for at in unnamed])
            again = await self._scripts.run_all([calls[at] for at in unnamed])
            for at, answer in zip(unnamed, again, strict=True):
                answers[at] = answer
        return [AcceptOutcome(answer[0].decode(), answer[2].decode(), int(answer[1])) for answer in answers]

    async def originals(self, article_ids: Sequence[str]) -> list[Original | CorruptOriginal | RemovedOriginal | None]:
        rows = await self._fields(article_ids, _ORIGINAL_FIELDS)
        return [_original(article_id, row) for article_id, row in zip(article_ids, rows, strict=True)]

    async def commit_enriched(self, items: Sequence[Enrichment]) -> list[bool]:
        replaced = await self._replaced([item.article.id for item in items if item.article.rev > 1])
        answers = await self._scripts.run_all([_commit_enrichment(item, replaced) for item in items])
        return [answer == 1 for answer in answers]

    async def acknowledge(self, stream: Stream, entries: Sequence[Entry]) -> int:
        async with unavailable_when_down(), self._client.pipeline(transaction=False) as pipe:
            for entry in entries:
                pipe.xack(stream.key, entry.group, entry.entry_id)
            return sum(await pipe.execute()) if entries else 0

    async def articles(self, article_ids: Sequence[str]) -> list[Article | CorruptArticle | None]:
        rows = await self._fields(article_ids, _ARTICLE_FIELDS)
        return [_article(article_id, row) for article_id, row in zip(article_ids, rows, strict=True)]

    async def provenance(self, article_id: str) -> Provenance | None:
        ((blob,),) = await self._fields([article_id], ("provenance",))
        if blob is None:
            return None
        digest, packed = blob[:32], blob[32:]
        return Provenance.model_validate_json(blobs.unpack(packed, digest))

    async def records(self, article_ids: Sequence[str]) -> list[Record | None]:
        rows = await self._fields(article_ids, _RECORD_FIELDS)
        return [_record(article_id, row) for article_id, row in zip(article_ids, rows, strict=True)]

    async def commit_published(self, items: Sequence[Announcement]) -> list[str | None]:
        published_at = now().isoformat()
        answers = await self._scripts.run_all([_commit_publication(item, published_at) for item in items])
        return [answer.decode() if answer else None for answer in answers]

    async def scan(self, *, batch: int = 200) -> AsyncIterator[list[Article]]:
        cursor = 0
        while True:
            async with unavailable_when_down():
                cursor, names = await self._client.scan(cursor, match=f"{keys.ARTICLE_PREFIX}*", count=batch)
            ids = [key.decode().removeprefix(keys.ARTICLE_PREFIX) for key in names]
            if ids:
                found = await self.articles(ids)
                for one in found:
                    if isinstance(one, CorruptArticle):
                        log.warning(log_events.RECORD_CORRUPT, article_id=one.article_id, reason=one.reason)
                yield [one for one in found if isinstance(one, Article)]
            if cursor == 0:
                return

    async def ping(self) -> None:
        async with unavailable_when_down(deadline=2.0):
            await self._client.set(keys.lock("write-probe"), b"1", px=1000)

    async def aclose(self) -> None:
        await self._client.aclose()

    async def _replaced(self, article_ids: Sequence[str]) -> dict[str, Article]:
        """The replaced documents of articles with notes that are not in the list yet."""
        if not article_ids:
            return {}
        rows = await self._fields(article_ids, ("doc", "doc_sha256", "doc_rev", "corrections"))
        found: dict[str, Article] = {}
        for article_id, (doc, sha256, rev, corrections) in zip(article_ids, rows, strict=True):
            if doc is None or sha256 is None:
                continue
            with suppress(CorruptRecord, ValidationError):  # the notes of a damaged document are lost
                if not lists_notes_of(corrections, int(rev or 0)):
                    found[article_id] = Article.model_validate_json(blobs.unpack(doc, sha256))
        return found

    async def _fields(self, article_ids: Sequence[str], fields: Sequence[str]) -> list[list[bytes | None]]:
        if not article_ids:
            return []
        async with unavailable_when_down(), self._client.pipeline(transaction=False) as pipe:
            for article_id in article_ids:
                pipe.hmget(keys.article(article_id), list(fields))
            rows: list[list[bytes | None]] = await pipe.execute()
        return rows


def _accept_original(item: Acceptance, received_at: str) -> AcceptOriginal:
    raw, sha256 = blobs.pack_original(item.media_type, item.submission, item.data)
    head, tail = split_at_rev(item.event)
    version, source = item.submission.version, item.submission.source
    own_id = own_article_id(item.article_id, source)
    return AcceptOriginal(
        article=keys.article(item.article_id),
        own_article=keys.article(own_id),
        article_id=item.article_id,
        own_id=own_id,
        source=source or "",
        stream=ARTICLE_RECEIVED.key,
        idempotency=keys.idempotency(item.owner, item.idempotency_key),
        fingerprint=item.fingerprint,
        keep_seconds=item.keep_seconds,
        content_digest=item.content_digest,
        producer_version="" if version is None else version,
        received_at=received_at,
        kind=item.kind.value,
        raw=raw,
        raw_sha256=sha256,
        correction=item.submission.correction or "",
        most_notes=MOST_NOTES,
        owner=item.owner,
        poll=f"{keys.source_counts(item.poll.source_id)} {item.poll.number}" if item.poll else "",
        envelope_head=head,
        envelope_tail=tail,
    )


def _commit_enrichment(item: Enrichment, replaced: Mapping[str, Article]) -> CommitEnrichment:
    doc, doc_sha256 = blobs.pack(item.article.model_dump_json().encode())
    provenance, provenance_sha256 = blobs.pack(item.provenance.model_dump_json().encode())
    return CommitEnrichment(
        article=keys.article(item.article.id),
        in_stream=ARTICLE_RECEIVED.key,
        out_stream=ARTICLE_ENRICHED.key,
        group=item.entry.group,
        entry=item.entry.entry_id,
        rev=item.article.rev,
        doc=doc,
        doc_sha256=doc_sha256,
        provenance=provenance_sha256 + provenance,
        enriched_at=now().isoformat(),
        envelope=encode_event(item.event),
        earlier_note=earlier_note(replaced.get(item.article.id)),
    )


def _commit_publication(item: Announcement, published_at: str) -> CommitPublication:
    return CommitPublication(
        article=keys.article(item.article_id),
        in_stream=ARTICLE_ENRICHED.key,
        publications=PUBLICATIONS.key,
        story=keys.story(item.story.story.id) if item.story else keys.article(item.article_id),
        group=item.entries[0].group if item.entries else "index",
        rev=item.rev,
        is_first=item.first,
        published_at=published_at,
        envelope=encode_event(item.event) if item.event else b"",
        story_envelope=encode_event(item.story) if item.event and item.story else b"",
        is_story_known=item.story_known,
        entries=[entry.entry_id for entry in item.entries],
    )


def _original(article_id: str, row: Sequence[bytes | None]) -> Original | CorruptOriginal | RemovedOriginal | None:
    rev, kind, raw, sha256, received_at, first_received_at, state, owner = row
    if rev is not None and (state or b"").decode() in REMOVED_STATES:
        return RemovedOriginal(article_id, int(rev))
    if rev is None or raw is None or sha256 is None:
        return None
    try:
        media_type, submission, data = blobs.unpack_original(raw, sha256)
        return Original(
            article_id=article_id,
            rev=int(rev),
            kind=InputKind((kind or b"").decode()),
            media_type=media_type,
            data=data,
            sha256=hashlib.sha256(data).hexdigest(),
            submission=submission,
            received_at=_instant(received_at),
            first_received_at=_instant(first_received_at),
            owner=(owner or b"").decode(),
        )
    except (CorruptRecord, ValueError) as error:
        return CorruptOriginal(
            article_id=article_id, reason=str(error), owner=(owner or b"").decode("utf-8", "replace")
        )


def _article(article_id: str, row: Sequence[bytes | None]) -> Article | CorruptArticle | None:
    doc, sha256, story, duplicate, corrections = row
    if doc is None or sha256 is None:
        return None
    try:
        article = Article.model_validate_json(blobs.unpack(doc, sha256))
        return with_corrections(with_group(article, story, duplicate), corrections)
    except ValidationError as error:
        return CorruptArticle(article_id, f"it does not parse: {error.error_count()} errors")
    except CorruptRecord as error:
        return CorruptArticle(article_id, str(error))


def _record(article_id: str, row: Sequence[bytes | None]) -> Record | None:
    value = dict(zip(_RECORD_FIELDS, (item.decode() if item is not None else "" for item in row), strict=True))
    if not value["rev"]:
        return None
    return Record(
        article_id=article_id,
        rev=int(value["rev"]),
        state=ArticleState(value["state"] or "received"),
        kind=InputKind(value["kind"]),
        doc_rev=int(value["doc_rev"] or 0),
        published_rev=int(value["pub_rev"] or 0),
        received_at=datetime.fromisoformat(value["received_at"]),
        first_received_at=datetime.fromisoformat(value["first_received_at"]),
        enriched_at=datetime.fromisoformat(value["enriched_at"]) if value["enriched_at"] else None,
        published_at=datetime.fromisoformat(value["published_at"]) if value["published_at"] else None,
        publication_id=value["pub_id"] or None,
        rejected_rev=int(value["rejected_rev"] or 0),
        reason=value["reason"] or None,
        acts=acts_of(value["acts"]),
        announced_state=ArticleState(value["told"]) if value["told"] else None,
    )


def _instant(text: bytes | None) -> datetime:
    if text is None:
        raise CorruptRecord("the record lacks an instant")
    return datetime.fromisoformat(text.decode())
