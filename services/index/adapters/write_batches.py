"""Documents that wait to be sent, and batches that were: who waits for which of them."""

from __future__ import annotations

import asyncio
import hashlib
import time
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from typing import Self

from shared.search.port import IndexDoc, WriteReceipt
from shared.store.index_jobs.pending_writes import TakenBatch


@dataclass(frozen=True, slots=True)
class Rejection:
    """Why the engine will never have a document."""

    reason: str


Result = Rejection | Exception | None
"""What became of a document: refused, undecidable for now (or a defect), or None: a search finds it."""


def _future() -> asyncio.Future[Result]:
    return asyncio.get_running_loop().create_future()


@dataclass(eq=False)
class PendingDocument:
    """A document to be sent; `future` is shared by all who wait for this revision of it or an older one."""

    doc: IndexDoc
    digest: str
    size: int
    future: asyncio.Future[Result] = field(default_factory=_future)

    def resolve(self, result: Result) -> None:
        """Tell everybody, unless they were told."""
        if not self.future.done():
            self.future.set_result(result)

    def resolve_like(self, newer: asyncio.Future[Result]) -> None:
        """What became of a newer revision holds for this one."""
        self.resolve(newer.result())


class PendingDocuments:
    """Documents that wait to be sent, each id once with its newest revision, in order of arrival."""

    def __init__(self) -> None:
        self._items: dict[str, PendingDocument] = {}
        self._split_batches: list[list[PendingDocument]] = []
        self.size = 0
        self.opened_at = 0.0

    def __len__(self) -> int:
        return len(self._items) + sum(map(len, self._split_batches))

    @property
    def has_split_batches(self) -> bool:
        """Whether parts of a refused batch wait to be sent by themselves."""
        return bool(self._split_batches)

    def add(self, doc: IndexDoc, digest: str) -> asyncio.Future[Result]:
        """The future of the document; a newer revision takes the place of an older one."""
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
        """Remove what goes into one batch: at least one item, at most so many documents and bytes."""
        if self._split_batches:
            return self._split_batches.pop()
        taken: list[PendingDocument] = []
        room = size
        for item in list(self._items.values())[:documents]:
            if taken and item.size > room:
                break
            room -= item.size
            taken.append(self._items.pop(item.doc.id))
        self.size -= size - room
        self.opened_at = time.monotonic()
        return taken

    def put_back(self, items: Sequence[PendingDocument]) -> None:
        """Put items back in front; one that was overtaken meanwhile is answered by what overtook it."""
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
        """A batch was refused and the engine does not say for which document: its halves are sent by themselves."""
        if len(items) == 1:
            items[0].resolve(Rejection(reason or "the search engine refused it"))
            return
        middle = len(items) // 2
        self._split_batches += [list(items[middle:]), list(items[:middle])]

    def fail_all(self, result: Result) -> None:
        """Answer everybody who waits."""
        for item in (*self._items.values(), *(item for part in self._split_batches for item in part)):
            item.resolve(result)
        self._items, self._split_batches, self.size = {}, [], 0


@dataclass(eq=False)
class InFlightBatch:
    """A batch that the engine took. One that an earlier process sent has no items, only what its record says."""

    receipt: WriteReceipt
    batch: TakenBatch
    items: tuple[PendingDocument, ...] = ()
    at: float = field(default_factory=time.monotonic)
    steps: int = 0
    """Decisions about parts of it that the engine has told of."""

    def __post_init__(self) -> None:
        self._known = {ident: (rev, digest) for ident, rev, digest in self.batch.documents}
        self._futures = {item.doc.id: item.future for item in self.items} or {ident: _future() for ident in self._known}

    @classmethod
    def of(cls, receipt: WriteReceipt, items: Sequence[PendingDocument]) -> Self:
        """The batch of these items, sent now."""
        documents = tuple((item.doc.id, item.doc.rev, item.digest) for item in items)
        return cls(receipt, TakenBatch(receipt.op_id, receipt.token, documents, time.time()), tuple(items))

    @property
    def ids(self) -> Iterable[str]:
        """Of its documents."""
        return self._known.keys()

    def covers(self, doc: IndexDoc, digest: str) -> bool:
        """Whether what became of this batch answers for the document too: the same, or a newer revision of it."""
        rev, sent = self._known.get(doc.id, (-1, ""))
        if rev < doc.rev or (rev == doc.rev and sent != digest):
            return False
        future = self._futures[doc.id]
        return not (future.done() and isinstance(future.result(), Exception))

    def result_of(self, ident: str) -> asyncio.Future[Result]:
        """The future of one of its documents."""
        return self._futures[ident]

    def resolve(self, ids: Iterable[str], result: Result) -> None:
        """Tell who waits for these."""
        for ident in ids:
            if (future := self._futures.get(ident)) is not None and not future.done():
                future.set_result(result)

    def resolve_rest(self, result: Result) -> None:
        """Tell everybody who was not told."""
        self.resolve(self._futures, result)


def operation_id(docs: Sequence[IndexDoc]) -> str:
    """A name for this write that is the same when the same revisions are written again."""
    revisions = " ".join(sorted(f"{doc.id}:{doc.rev}" for doc in docs))
    return hashlib.blake2b(revisions.encode("utf-8", "replace"), digest_size=12).hexdigest()


def _size(doc: IndexDoc) -> int:
    """About how many bytes it is sent as: its texts, twice what the card repeats, and its features."""
    texts = len(doc.title) + len(doc.dek) + len(doc.summary)
    return 2_000 + 2 * texts + len(doc.body) + 30 * len(doc.signature) + 8 * len(doc.vector or ())
