"""One Meilisearch index that is written: ordered by revision, each batch followed until its tasks are decided.

Meilisearch has no compare-and-set, so the one writer asks what is stored before it sends, and remembers what it has
sent and not seen yet. A failed task fails every document in it: such a batch is halved until the bad one stands alone.
"""

from __future__ import annotations

import secrets
from collections import OrderedDict
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Final

import orjson

from shared.search.errors import SearchUnavailable
from shared.search.meilisearch.client import WRITE_SECONDS, MeiliClient, Refused
from shared.search.meilisearch.documents import Change
from shared.search.port import WriteOutcome, WriteReceipt

CHUNK_DOCUMENTS: Final = 500
CHUNK_BYTES: Final = 8_000_000
_LOOKED_UP: Final = 500  # ids in one question
_RESENDS: Final = 5
_REMEMBERED: Final = 1_000  # decided batches


@dataclass(frozen=True, slots=True)
class _State:
    """A revision that is stored, or sent by an operation."""

    rev: int
    dead: bool
    sent_by: str = ""

    def yields_to(self, change: Change) -> bool:
        """Whether the change replaces this."""
        return change.rev > self.rev or (change.rev == self.rev and (change.dead or not self.dead))


@dataclass
class _Operation:
    """One batch on its way: what each unfinished task carries (nothing known after a restart of this process)."""

    token: str
    op_id: str
    tasks: dict[int, tuple[Change, ...]] = field(default_factory=dict)
    rejected: dict[str, str] = field(default_factory=dict)
    waiting: list[tuple[Change, ...]] = field(default_factory=list)
    """Parts of a failed batch, sent one after the other: Meilisearch joins tasks, and one can fail its neighbours."""
    alone: bool = False
    fault: str = ""
    resends: int = 0


class GenerationWriter:
    """Use from one process, one write at a time."""

    def __init__(self, client: MeiliClient, uid: str) -> None:
        self.uid = uid
        self._client = client
        self._flight: dict[str, _State] = {}
        self._operations: dict[str, _Operation] = {}
        self._decided: OrderedDict[str, WriteOutcome] = OrderedDict()

    async def write(self, changes: Sequence[Change], op_id: str, rejected: Mapping[str, str]) -> str:
        """Send those that are newer than what is stored or sent; the token to ask `outcomes` with.

        Raises SearchUnavailable, QueueFull or IndexMissing; part of the batch may have been taken then.
        """
        newest: dict[str, Change] = {}
        for change in changes:
            if change.id not in newest or change.rev >= newest[change.id].rev:
                newest[change.id] = change
        stored = await self._stored(list(newest)) | {
            doc_id: self._flight[doc_id] for doc_id in newest if doc_id in self._flight
        }
        operation = _Operation(secrets.token_hex(8), op_id, rejected=dict(rejected))
        wanted = [
            change for change in newest.values() if change.id not in stored or stored[change.id].yields_to(change)
        ]
        for chunk in _chunks(wanted):
            self._flight |= {change.id: _State(change.rev, change.dead, operation.token) for change in chunk}
            await self._send(operation, chunk)
        # The receipt says enough to be asked about after a restart.
        token = orjson.dumps([operation.token, list(operation.tasks), list(operation.rejected)]).decode()
        self._operations[operation.token] = operation
        return token

    async def outcomes(self, receipts: Sequence[WriteReceipt]) -> list[WriteOutcome]:
        """One question for all of them; failed tasks are halved and cancelled ones sent again on the way."""
        known = [self._operation(receipt) for receipt in receipts]
        tasks = await self._tasks({uid for operation in known for uid in operation.tasks})
        found = []
        for receipt, operation in zip(receipts, known, strict=True):
            if (decided := self._decided.get(operation.token)) is not None:
                found.append(decided)
                continue
            for uid in list(operation.tasks):
                if uid in operation.tasks:
                    await self._follow(operation, uid, tasks.get(uid, {}))
            while operation.waiting and not operation.tasks:
                operation.alone = True
                await self._send(operation, self._still_ours(operation, operation.waiting.pop()))
            found.append(self._outcome(receipt, operation))
        return found

    @property
    def undecided(self) -> int:
        """Batches that were sent and not yet seen decided."""
        return len(self._operations)

    async def decide_all(self) -> None:
        """Follow the batches that nobody asked about, so that they are not remembered for ever."""
        rows = [(operation, list(operation.tasks)) for operation in self._operations.values()]
        tokens = [orjson.dumps([operation.token, tasks, []]).decode() for operation, tasks in rows]
        await self.outcomes([WriteReceipt(row[0].op_id, (), token) for row, token in zip(rows, tokens, strict=True)])

    # --- inside -----------------------------------------------------------------------------------------------------

    def _operation(self, receipt: WriteReceipt) -> _Operation:
        token, tasks, rejected = orjson.loads(receipt.token)
        if token in self._operations:
            return self._operations[token]
        if token in self._decided:
            return _Operation(token, receipt.op_id)
        reason = "the document cannot be indexed"
        return _Operation(token, receipt.op_id, dict.fromkeys(tasks, ()), dict.fromkeys(rejected, reason))

    def _outcome(self, receipt: WriteReceipt, operation: _Operation) -> WriteOutcome:
        if operation.tasks or operation.waiting:
            return WriteOutcome(receipt, "pending")
        self._operations.pop(operation.token, None)
        mine = [doc_id for doc_id, state in self._flight.items() if state.sent_by == operation.token]
        for doc_id in mine:
            del self._flight[doc_id]
        outcome = WriteOutcome(receipt, "visible")
        if operation.rejected or operation.fault:
            reasons = [operation.fault, *dict.fromkeys(operation.rejected.values())]
            reason = "; ".join(reason for reason in reasons if reason)[:500]
            outcome = WriteOutcome(receipt, "rejected", reason, tuple(map(_printable, operation.rejected)))
        self._decided[operation.token] = outcome
        while len(self._decided) > _REMEMBERED:
            self._decided.popitem(last=False)
        return outcome

    async def _tasks(self, uids: set[int]) -> dict[int, dict[str, Any]]:
        found: dict[int, dict[str, Any]] = {}
        ordered = sorted(uids)
        for start in range(0, len(ordered), 200):
            part = ordered[start : start + 200]
            answer = await self._client.get("/tasks", uids=",".join(map(str, part)), limit=len(part))
            found |= {int(task["uid"]): task for task in answer["results"]}
        return found

    async def _follow(self, operation: _Operation, uid: int, task: dict[str, Any]) -> None:
        status = task.get("status", "unknown")
        if status in ("enqueued", "processing"):
            return
        if status == "succeeded":
            del operation.tasks[uid]
            return
        error = task.get("error") or {}
        if status == "failed" and _blames_a_document(error):
            self._take_apart(operation, uid, str(error.get("message", "refused"))[:400])
            return
        await self._again(operation, uid, f"task {uid} is {status}: {error.get('message', '')}")

    def _take_apart(self, operation: _Operation, uid: int, reason: str) -> None:
        changes = operation.tasks.pop(uid)
        if not changes:  # sent by an earlier process: the caller has the documents
            operation.fault = reason
        elif len(changes) > 1:
            middle = len(changes) // 2
            operation.waiting += [changes[middle:], changes[:middle]]
        elif operation.alone:
            operation.rejected[changes[0].id] = reason
        else:  # its neighbours in the server's batch may be to blame
            operation.waiting.append(changes)

    async def _halves(self, operation: _Operation, changes: tuple[Change, ...], reason: str) -> None:
        if len(changes) == 1:
            operation.rejected[changes[0].id] = reason
            return
        middle = len(changes) // 2
        for half in (changes[:middle], changes[middle:]):
            await self._send(operation, half)

    async def _again(self, operation: _Operation, uid: int, why: str) -> None:
        changes = operation.tasks[uid]
        operation.resends += 1
        if not changes or operation.resends > _RESENDS:
            raise SearchUnavailable(f"Meilisearch did not finish a batch: {why}"[:500])
        await self._send(operation, self._still_ours(operation, changes))
        operation.tasks.pop(uid, None)

    def _still_ours(self, operation: _Operation, changes: tuple[Change, ...]) -> tuple[Change, ...]:
        """Those that no later operation has overtaken: sending them again must not undo a newer revision."""
        mine = operation.token
        return tuple(
            change for change in changes if change.id in self._flight and self._flight[change.id].sent_by == mine
        )

    async def _send(self, operation: _Operation, changes: tuple[Change, ...]) -> None:
        if not changes:
            return
        try:
            answer = await self._client.send(
                "POST",
                f"/indexes/{self.uid}/documents",
                body=b"\n".join(change.line for change in changes),
                kind="application/x-ndjson",
                params={"primaryKey": "id", "customMetadata": operation.op_id},
                within=WRITE_SECONDS,
            )
        except Refused as error:  # too large, or a document that is refused at the door
            await self._halves(operation, changes, str(error))
            return
        operation.tasks[int(answer["taskUid"])] = changes

    async def _stored(self, ids: Sequence[str]) -> dict[str, _State]:
        found: dict[str, _State] = {}
        for start in range(0, len(ids), _LOOKED_UP):
            part = ids[start : start + _LOOKED_UP]
            body = {"ids": part, "fields": ["id", "rev", "kind"], "limit": len(part)}
            answer = await self._client.post(f"/indexes/{self.uid}/documents/fetch", body, within=WRITE_SECONDS)
            for row in answer["results"]:
                found[row["id"]] = _State(int(row["rev"]), row["kind"] == "gone")
        return found


def _chunks(changes: Sequence[Change]) -> Iterator[tuple[Change, ...]]:
    chunk: list[Change] = []
    size = 0
    for change in changes:
        if chunk and (len(chunk) >= CHUNK_DOCUMENTS or size + len(change.line) > CHUNK_BYTES):
            yield tuple(chunk)
            chunk, size = [], 0
        chunk.append(change)
        size += len(change.line) + 1
    if chunk:
        yield tuple(chunk)


def _blames_a_document(error: Mapping[str, Any]) -> bool:
    return error.get("type") == "invalid_request" and not str(error.get("code", "")).startswith("index_")


def _printable(doc_id: str) -> str:
    return doc_id.encode("utf-8", "replace").decode()
