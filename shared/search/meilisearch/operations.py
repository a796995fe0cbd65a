"""State of a batch in flight: its tasks, rejected documents, and parts still to be sent."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Final

from shared.search.meilisearch.documents import Change
from shared.search.port import WriteOutcome, WriteReceipt

BATCH_DOCUMENTS: Final = 2_000
BATCH_BYTES: Final = 8_000_000
_INTERNAL_FAILURES: Final = 2


@dataclass(frozen=True, slots=True)
class KnownRevision:
    """A revision that is stored, or sent by an operation."""

    rev: int
    dead: bool
    sent_by: str = ""

    def is_superseded_by(self, change: Change) -> bool:
        """Whether the change replaces this."""
        return change.rev > self.rev or (change.rev == self.rev and (change.dead or not self.dead))


@dataclass
class Operation:
    """A batch in flight: the changes of each unfinished task (unknown after a restart of this process)."""

    token: str
    op_id: str
    tasks: dict[int, tuple[Change, ...]] = field(default_factory=dict)
    rejected: dict[str, str] = field(default_factory=dict)
    waiting: list[tuple[Change, ...]] = field(default_factory=list)
    """Parts of a failed batch, sent one by one: Meilisearch merges tasks, and one can fail the others."""
    created_at: str = ""
    visible: list[str] = field(default_factory=list)
    alone: bool = False
    lost: bool = False
    resends: int = 0
    steps: int = 0

    @property
    def is_bisecting(self) -> bool:
        """Whether its parts are being sent one by one."""
        return bool(self.waiting) or (self.alone and bool(self.tasks))


def outcome_of(receipt: WriteReceipt, operation: Operation) -> WriteOutcome:
    """Outcome of a batch with no tasks left."""
    if operation.lost:
        return WriteOutcome(receipt, "lost", "the engine does not know this batch, or its index, any more")
    if not operation.rejected:
        return WriteOutcome(receipt, "visible")
    reason = "; ".join(dict.fromkeys(operation.rejected.values()))[:500]
    ids = tuple(map(_printable, operation.rejected))
    return WriteOutcome(receipt, "rejected", reason, ids, tuple(operation.rejected.values()))


def _printable(doc_id: str) -> str:
    return doc_id.encode("utf-8", "replace").decode()


def batches(changes: Sequence[Change]) -> Iterator[tuple[Change, ...]]:
    """The changes in requests of at most BATCH_DOCUMENTS documents and about BATCH_BYTES bytes."""
    chunk: list[Change] = []
    size = 0
    for change in changes:
        if chunk and (len(chunk) >= BATCH_DOCUMENTS or size + len(change.line) > BATCH_BYTES):
            yield tuple(chunk)
            chunk, size = [], 0
        chunk.append(change)
        size += len(change.line) + 1
    if chunk:
        yield tuple(chunk)


def fails_repeatedly(operation: Operation, error: Mapping[str, Any]) -> bool:
    """Whether the server failed internally repeatedly, which some documents cause."""
    return error.get("code") == "internal" and operation.resends >= _INTERNAL_FAILURES


def blames_a_document(error: Mapping[str, Any]) -> bool:
    """Whether the error of a task is caused by a document, not by the server."""
    return error.get("type") == "invalid_request" and not str(error.get("code", "")).startswith("index_")
