"""A search engine in memory that can be slow to show documents, refuse some of them, or be away."""

from __future__ import annotations

from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from typing import Any

from shared.articles import Card
from shared.search.errors import Rejected, SearchUnavailable
from shared.search.filters import In
from shared.search.port import (
    Cap,
    EnsureResult,
    IndexDoc,
    IndexSpec,
    IndexStats,
    SearchHit,
    SearchPage,
    SearchQuery,
    Total,
    WriteOutcome,
    WriteReceipt,
)


class FakeIndex:
    """The write side of `SearchIndex`. `visible` maps ids to documents that a search would find."""

    capabilities: frozenset[Cap] = frozenset()

    def __init__(self) -> None:
        self.visible: dict[str, IndexDoc] = {}
        self.deleted: dict[str, int] = {}
        self.writes: list[tuple[str, tuple[str, ...]]] = []
        self.polls_until_visible = 0
        self.tells_steps = False
        self.refuse: set[str] = set()
        self.names_the_refused = True
        self.raises_at_once = False
        self.refuses_staged_late = False
        self.refuse_writes: Exception | None = None
        self.lose = 0
        self.away = False
        self.calls_while_away = 0
        self.ensured = EnsureResult.UNCHANGED
        self.lose_while_staging = 0
        self.change_while_staging: dict[str, str] = {}
        self.generation = 0
        self._pending: dict[str, tuple[list[IndexDoc], int]] = {}
        self._staged: dict[str, IndexDoc] | None = None
        self._told_late: list[str] = []

    def finish(self) -> None:
        """Show everything at the next question."""
        self.polls_until_visible = 0
        self._pending = {op_id: (docs, 0) for op_id, (docs, _) in self._pending.items()}

    def _answer(self) -> None:
        if self.away:
            self.calls_while_away += 1
            raise SearchUnavailable("away", retry_after=1.0)

    async def ensure(self, spec: IndexSpec) -> EnsureResult:
        self._answer()
        return self.ensured

    async def upsert(self, docs: Sequence[IndexDoc], *, op_id: str) -> WriteReceipt:
        self._answer()
        if self.refuse_writes is not None:
            raise self.refuse_writes
        refused = [doc.id for doc in docs if doc.id in self.refuse]
        if refused and self.raises_at_once:
            raise Rejected("will not have it", refused)
        self.writes.append((op_id, tuple(doc.id for doc in docs)))
        self._pending[op_id] = (list(docs), self.polls_until_visible)
        return WriteReceipt(op_id, tuple(doc.id for doc in docs))

    async def delete(self, ids: Sequence[tuple[str, int]], *, op_id: str) -> WriteReceipt:
        """At once; a later write of the same or an older revision does not bring it back."""
        self._answer()
        for ident, rev in ids:
            self.deleted[ident] = max(rev, self.deleted.get(ident, 0))
            if (known := self.visible.get(ident)) is not None and known.rev <= rev:
                del self.visible[ident]
        self._pending[op_id] = ([], self.polls_until_visible)
        return WriteReceipt(op_id, tuple(ident for ident, _ in ids))

    async def outcomes(self, receipts: Sequence[WriteReceipt]) -> Sequence[WriteOutcome]:
        return [self._outcome(receipt) for receipt in receipts]

    def _outcome(self, receipt: WriteReceipt) -> WriteOutcome:
        if self.lose:
            self.lose -= 1
            return WriteOutcome(receipt, "lost", "it was forgotten")
        docs, left = self._pending[receipt.op_id]
        if left > 0:
            self._pending[receipt.op_id] = (docs, left - 1)
            steps = self.polls_until_visible - left + 1
            return WriteOutcome(receipt, "pending", steps=steps if self.tells_steps else 0)
        refused = tuple(doc.id for doc in docs if doc.id in self.refuse)
        if refused:
            return WriteOutcome(receipt, "rejected", "will not have it", refused if self.names_the_refused else ())
        for target in [self.visible] if self._staged is None else [self.visible, self._staged]:
            for doc in docs:
                newest = max(target[doc.id].rev if doc.id in target else 0, self.deleted.get(doc.id, -1) + 1)
                if newest <= doc.rev:
                    target[doc.id] = doc
        return WriteOutcome(receipt, "visible")

    @asynccontextmanager
    async def reindex(self, spec: IndexSpec) -> AsyncIterator[Any]:
        self._staged = {}
        try:
            yield self
        finally:
            self._staged = None

    async def write(self, docs: Sequence[IndexDoc]) -> None:
        assert self._staged is not None
        for doc in docs:
            if doc.id not in self.refuse:
                self._staged.setdefault(doc.id, doc)
        refused = [doc.id for doc in docs if doc.id in self.refuse]
        if self.refuses_staged_late:
            self._told_late += refused
        elif refused:
            raise Rejected("will not have it", refused)

    async def count(self) -> int:
        assert self._staged is not None
        refused, self._told_late = self._told_late, []
        if refused:
            raise Rejected("will not have it", refused)
        return len(self._staged) - self.lose_while_staging

    def reader(self) -> FakeReader:
        assert self._staged is not None
        return FakeReader(self._staged, self.change_while_staging)

    async def prune(self, *, older_than: float) -> int:
        return 0

    async def promote(self) -> None:
        assert self._staged is not None
        self.visible = dict(self._staged)
        self.generation += 1

    async def stats(self) -> IndexStats:
        self._answer()
        return IndexStats(len(self.visible), 0, str(len(self.writes)), str(self.generation), "fake")


class FakeReader:
    """Reads a dict of documents, live; `changed` shows other titles than were written."""

    def __init__(self, docs: dict[str, IndexDoc], changed: dict[str, str]) -> None:
        self._docs = docs
        self._changed = changed

    async def documents(self) -> AsyncIterator[tuple[str, int]]:
        for doc in list(self._docs.values()):
            yield doc.id, doc.rev

    async def search(self, query: SearchQuery) -> SearchPage:
        assert isinstance(query.filter, In)
        found = [self._docs[str(ident)] for ident in query.filter.values if ident in self._docs]
        hits = tuple(SearchHit(self._shown(doc), 1.0) for doc in found)
        return SearchPage(hits, Total(len(hits), exact=True))

    def _shown(self, doc: IndexDoc) -> Card:
        return doc.card.model_copy(update={"title": self._changed.get(doc.id, doc.card.title)})

    async def aclose(self) -> None:
        pass
