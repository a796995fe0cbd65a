"""Pending documents and batches in flight, with the futures that their writers await."""

from __future__ import annotations

import asyncio
import hashlib
import time
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from typing import Self

from shared.search.port import IndexDoc, WriteReceipt
from shared.store.index_jobs.pending_writes import SubmittedBatch


@dataclass(frozen=True, slots=True)
class DocumentRejection:
    """A document that the engine will never accept."""

    reason: str


Result = DocumentRejection | Exception | None
"""Result of a write: a rejection, an error to retry (or a defect), or None once the document is searchable."""


def _future() -> asyncio.Future[Result]:
    return asyncio.get_running_loop().create_future()


@dataclass(eq=False)
class PendingDocument:
    """A document to be sent; `future` is shared by every writer of this or an older revision of it."""

    doc: IndexDoc
    digest: str
    size: int
    future: asyncio.Future[Result] = field(default_factory=_future)

    def resolve(self, result: Result) -> None:
        """Set the result, unless it is set."""
        if not self.future.done():
            self.future.set_result(result)

    def resolve_like(self, newer: asyncio.Future[Result]) -> None:
        """Take over the result of a newer revision."""
        self.resolve(newer.result())


class PendingDocuments:
    """Queue of documents to be sent: one per id, its newest revision, in order of arrival."""

    def __init__(self) -> None:
        self._items: dict[str, PendingDocument] = {}
        self._split_batches: list[list[PendingDocument]] = []
        self.size = 0
        self.opened_at = 0.0

    def __len__(self) -> int:
        return len(self._items) + sum(map(len, self._split_batches))

    @property
    def has_split_batches(self) -> bool:
        """Whether parts of a rejected batch are queued, each to be sent alone."""
        return bool(self._split_batches)

    def add(self, doc: IndexDoc, digest: str) -> asyncio.Future[Result]:
        """Queue the document and return its future; a newer revision replaces an older one."""
        if not self._items:
            self.opened_at = time.monotonic()
        item = self._items.get(doc.id)
        if item is None:
            item = self._items[doc.id] = PendingDocument(doc, digest, _size(doc))
            self.size += item.size
        elif doc.rev >= item.doc.rev:
            self.size += _size(doc) - item.size
            item.doc, item.digest, item.size = doc, digest, _size(doc)
        return item.future

    def take(self, documents: int, size: int) -> list[PendingDocument]:
        """Remove and return one batch: at least one item, at most this many documents and bytes."""
        if self._split_batches:
            return self._split_batches.pop()
        batch: list[PendingDocument] = []
        room = size
        for item in list(self._items.values())[:documents]:
            if batch and item.size > room:
                break
            room -= item.size
            batch.append(self._items.pop(item.doc.id))
        self.size -= size - room
        self.opened_at = time.monotonic()
        return batch

    def put_back(self, items: Sequence[PendingDocument]) -> None:
        """Put items back at the front; one that a newer revision superseded takes over the result of that."""
        newer = self._items
        self._items = {}
        for item in items:
            later = newer.get(item.doc.id)
            if later is None:
                self._items[item.doc.id] = item
                self.size += item.size
            else:
                later.future.add_done_callback(item.resolve_like)
        self._items |= newer

    def split(self, items: Sequence[PendingDocument], reason: str) -> None:
        """Bisect a batch that was rejected without naming a document: its halves are sent alone."""
        if len(items) == 1:
            items[0].resolve(DocumentRejection(reason or "the search engine refused it"))
            return
        middle = len(items) // 2
        self._split_batches += [list(items[middle:]), list(items[:middle])]

    def fail_all(self, result: Result) -> None:
        """Resolve every queued document with this result."""
        for item in (*self._items.values(), *(item for part in self._split_batches for item in part)):
            item.resolve(result)
        self._items, self._split_batches, self.size = {}, [], 0


@dataclass(eq=False)
class InFlightBatch:
    """A batch that the engine accepted. One sent by an earlier process has no items, only its record."""

    receipt: WriteReceipt
    batch: SubmittedBatch
    items: tuple[PendingDocument, ...] = ()
    at: float = field(default_factory=time.monotonic)
    steps: int = 0
    """Decisions about parts of it that the engine reported."""

    def __post_init__(self) -> None:
        self._known = {ident: (rev, digest) for ident, rev, digest in self.batch.documents}
        self._futures = {item.doc.id: item.future for item in self.items} or {ident: _future() for ident in self._known}

    @classmethod
    def of(cls, receipt: WriteReceipt, items: Sequence[PendingDocument]) -> Self:
        """The batch of these items, sent now."""
        documents = tuple((item.doc.id, item.doc.rev, item.digest) for item in items)
        return cls(receipt, SubmittedBatch(receipt.op_id, receipt.token, documents, time.time()), tuple(items))

    @property
    def ids(self) -> Iterable[str]:
        """Ids of its documents."""
        return self._known.keys()

    def covers(self, doc: IndexDoc, digest: str) -> bool:
        """Whether the result of this batch covers the document: it holds the same, or a newer revision."""
        rev, sent = self._known.get(doc.id, (-1, ""))
        if rev < doc.rev or (rev == doc.rev and sent != digest):
            return False
        future = self._futures[doc.id]
        return not (future.done() and isinstance(future.result(), Exception))

    def result_of(self, ident: str) -> asyncio.Future[Result]:
        """Future of one of its documents."""
        return self._futures[ident]

    def resolve(self, ids: Iterable[str], result: Result) -> None:
        """Set the result of these documents."""
        for ident in ids:
            if (future := self._futures.get(ident)) is not None and not future.done():
                future.set_result(result)

    def resolve_rest(self, result: Result) -> None:
        """Set the result of every document that has none."""
        self.resolve(self._futures, result)


def operation_id(docs: Sequence[IndexDoc]) -> str:
    """Idempotent operation id: equal when the same revisions are written again."""
    revisions = " ".join(sorted(f"{doc.id}:{doc.rev}" for doc in docs))
    return hashlib.blake2b(revisions.encode("utf-8", "replace"), digest_size=12).hexdigest()


def _size(doc: IndexDoc) -> int:
    """Estimated bytes on the wire: texts, twice what the card repeats, and features."""
    texts = len(doc.title) + len(doc.dek) + len(doc.summary)
    return 2_000 + 2 * texts + len(doc.body) + 30 * len(doc.signature) + 8 * len(doc.vector or ())
