"""Writer of one Meilisearch index: ordered by revision, each batch polled until its tasks are finished.

Meilisearch has no compare-and-set, so the single writer reads the stored revisions before it sends, and keeps those in
flight. A failed task fails every document in it: such a batch is bisected down to the bad document. The server merges
tasks, and one can fail its neighbours: parts are sent one by one, while nothing else is in flight.

The server recreates a deleted index with the next document, without our settings. So each index is identified by its
creation time, which a swap moves along: a batch sent to an index of another creation time was not written.
"""

from __future__ import annotations

import asyncio
import secrets
from collections import OrderedDict
from collections.abc import Mapping, Sequence
from typing import Any, Final

import orjson

from shared.search.errors import IndexMissing, QueueFull, SearchUnavailable
from shared.search.meilisearch import admin
from shared.search.meilisearch.client import LINES, WRITE_SECONDS, ConnectionBroke, MeiliClient, Refused
from shared.search.meilisearch.created_at import index_created_at
from shared.search.meilisearch.documents import NO_VECTOR, SPEC_ID, Change
from shared.search.meilisearch.operations import (
    KnownRevision,
    Operation,
    batches,
    blames_a_document,
    fails_repeatedly,
    outcome_of,
)
from shared.search.port import WriteOutcome, WriteReceipt

_LOOKED_UP: Final = 500  # ids per request
_RESENDS: Final = 5
_LARGE: Final = 1_000_000  # bytes of a body that a server may reject as too large
_BREAKS: Final = 3
_REMEMBERED: Final = 1_000  # finished batches


class GenerationWriter:
    """Use from one process, one write at a time.

    `created_at` identifies the index; `previous` are the generations that it has replaced.
    """

    def __init__(self, client: MeiliClient, uid: str, created_at: str, previous: frozenset[str] = frozenset()) -> None:
        self.uid = uid
        self.created_at = created_at
        self.previous = previous
        self._client = client
        self._in_flight: dict[str, KnownRevision] = {}
        self._operations: dict[str, Operation] = {}
        self._decided: OrderedDict[str, WriteOutcome] = OrderedDict()

    async def write(self, changes: Sequence[Change], op_id: str, rejected: Mapping[str, str]) -> str:
        """Send the changes that are newer than the stored or in-flight ones; returns the token for `outcomes`.

        Raises SearchUnavailable, QueueFull or IndexMissing; a part of the batch may have been accepted.
        """
        if self.is_bisecting:
            await self.poll_all()
        if self.is_bisecting:
            raise QueueFull("a refused batch is being taken apart", retry_after=0.1)
        newest: dict[str, Change] = {}
        for change in changes:
            if change.id not in newest or change.rev >= newest[change.id].rev:
                newest[change.id] = change
        found, created_at = await asyncio.gather(self._stored(list(newest)), index_created_at(self._client, self.uid))
        if created_at != self.created_at:
            raise IndexMissing(f"the index {self.uid} was deleted or replaced", retry_after=1.0)
        stored = found | {doc_id: self._in_flight[doc_id] for doc_id in newest if doc_id in self._in_flight}
        operation = Operation(secrets.token_hex(8), op_id, rejected=dict(rejected), created_at=self.created_at)
        wanted = [
            change
            for change in newest.values()
            if change.id not in stored or stored[change.id].is_superseded_by(change)
        ]
        try:
            for chunk in batches(wanted):
                await self._send_first(operation, chunk)
        finally:
            if operation.tasks or not wanted or operation.rejected:
                self._operations[operation.token] = operation
        # The receipt holds enough to be polled after a restart.
        parts = [operation.token, list(operation.tasks), list(operation.rejected), operation.created_at]
        return orjson.dumps(parts).decode()

    async def outcomes(self, receipts: Sequence[WriteReceipt]) -> list[WriteOutcome]:
        """Poll all of them with one request; failed tasks are bisected, cancelled ones sent again."""
        known = [self._operation(receipt) for receipt in receipts]
        asked = [operation for operation in known if operation.token not in self._decided and not operation.lost]
        tasks = await self._tasks({uid for operation in asked for uid in operation.tasks})
        for operation in asked:
            for uid in list(operation.tasks):
                await self._follow(operation, uid, tasks.get(uid, {}))
        if any(not operation.tasks or operation.visible for operation in asked):
            await self._check_not_replaced(asked)
        await self._next_part(asked)
        return [self._outcome(*pair) for pair in zip(receipts, known, strict=True)]

    @property
    def is_bisecting(self) -> bool:
        """Whether a failed batch is being bisected: nothing else may be sent meanwhile."""
        return any(operation.is_bisecting for operation in self._operations.values())

    @property
    def in_flight(self) -> int:
        """Batches in flight."""
        return len(self._operations)

    async def poll_all(self) -> None:
        """Poll the batches that no receipt was polled for, so that they do not accumulate."""
        rows = list(self._operations.values())
        parts = [orjson.dumps([row.token, list(row.tasks), [], row.created_at]).decode() for row in rows]
        await self.outcomes([WriteReceipt(row.op_id, (), token) for row, token in zip(rows, parts, strict=True)])

    # --- internal -----------------------------------------------------------------------------------------------------

    def _operation(self, receipt: WriteReceipt) -> Operation:
        token, tasks, rejected, created_at = orjson.loads(receipt.token)
        if token in self._operations:
            return self._operations[token]
        if token in self._decided:
            return Operation(token, receipt.op_id)
        reason = "the document cannot be indexed"
        operation = Operation(token, receipt.op_id, dict.fromkeys(tasks, ()), dict.fromkeys(rejected, reason))
        operation.lost = created_at != self.created_at and created_at not in self.previous
        return operation

    def _outcome(self, receipt: WriteReceipt, operation: Operation) -> WriteOutcome:
        if (decided := self._decided.get(operation.token)) is not None:
            return decided
        if not operation.lost and (operation.tasks or operation.waiting):
            return WriteOutcome(receipt, "pending", visible_ids=tuple(operation.visible), steps=operation.steps)
        self._operations.pop(operation.token, None)
        mine = [doc_id for doc_id, state in self._in_flight.items() if state.sent_by == operation.token]
        for doc_id in mine:
            del self._in_flight[doc_id]
        outcome = outcome_of(receipt, operation)
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

    async def _check_not_replaced(self, operations: Sequence[Operation]) -> None:
        """A write to a deleted index is lost, even if its task succeeded."""
        if await index_created_at(self._client, self.uid) != self.created_at:
            for operation in operations:
                operation.lost = True

    async def _follow(self, operation: Operation, uid: int, task: dict[str, Any]) -> None:
        status = task.get("status", "unknown")
        if status in ("enqueued", "processing"):
            return
        operation.steps += 1
        if status == "succeeded":
            operation.visible += [change.id for change in operation.tasks.pop(uid)]
            return
        changes, error = operation.tasks[uid], task.get("error") or {}
        if not changes:  # sent by an earlier process: the redelivered entries write the documents again
            operation.lost = True
        elif status == "failed" and (blames_a_document(error) or fails_repeatedly(operation, error)):
            await self._bisect(operation, changes, error)
            del operation.tasks[uid]
        else:
            await self._resend(operation, uid, changes)

    async def _bisect(self, operation: Operation, changes: tuple[Change, ...], error: Mapping[str, Any]) -> None:
        if len(changes) > 1:
            middle = len(changes) // 2
            operation.waiting += [changes[middle:], changes[:middle]]
        elif not operation.alone:  # other documents in the server's batch may be the cause
            operation.waiting.append(changes)
        elif blames_a_document(error) or await self._server_works():
            operation.rejected[changes[0].id] = str(error.get("message", "refused"))[:400]
        else:
            operation.lost = True

    async def _server_works(self) -> bool:
        """Whether a known valid document (the format marker) can be written now."""
        body = {"ids": [SPEC_ID], "limit": 1}
        found = (await self._client.post(f"/indexes/{self.uid}/documents/fetch", body))["results"]
        mark = [row | {"_vectors": NO_VECTOR} for row in found]
        try:
            await admin.done(self._client, await self._client.post(f"/indexes/{self.uid}/documents", mark))
        except (SearchUnavailable, IndexMissing):
            return False
        return bool(mark)

    async def _next_part(self, operations: Sequence[Operation]) -> None:
        """Send one part of a failed batch, once no other task of this index is in progress."""
        waiting = [operation for operation in operations if operation.waiting and not operation.lost]
        if not waiting or any(operation.alone and operation.tasks for operation in self._operations.values()):
            return
        busy = await self._client.get("/tasks", indexUids=self.uid, statuses="enqueued,processing", limit=1)
        if busy["total"] == 0:
            operation, part = waiting[0], waiting[0].waiting[-1]
            operation.alone = True
            await self._send(operation, self._not_superseded(operation, part))
            operation.waiting.pop()  # only now, so that a failed request does not lose the part
            operation.steps += 1

    async def _send_halves(self, operation: Operation, changes: tuple[Change, ...], reason: str) -> None:
        if len(changes) == 1:
            operation.rejected[changes[0].id] = reason
            return
        middle = len(changes) // 2
        for half in (changes[:middle], changes[middle:]):
            await self._send(operation, half)

    async def _resend(self, operation: Operation, uid: int, changes: tuple[Change, ...]) -> None:
        """Send again after a task that was cancelled, lost, or failed for another reason than its documents."""
        operation.resends += 1
        if operation.resends > _RESENDS:
            operation.lost = True
            return
        await self._send(operation, self._not_superseded(operation, changes))
        operation.tasks.pop(uid, None)

    def _not_superseded(self, operation: Operation, changes: tuple[Change, ...]) -> tuple[Change, ...]:
        """The changes not superseded by a later operation: sending again must not replace a newer revision."""
        mine = operation.token
        return tuple(
            change for change in changes if change.id in self._in_flight and self._in_flight[change.id].sent_by == mine
        )

    async def _send_first(self, operation: Operation, chunk: tuple[Change, ...]) -> None:
        before = {change.id: self._in_flight[change.id] for change in chunk if change.id in self._in_flight}
        self._in_flight |= {change.id: KnownRevision(change.rev, change.dead, operation.token) for change in chunk}
        try:
            await self._send(operation, chunk)
        except BaseException:
            for change in chunk:
                del self._in_flight[change.id]
            self._in_flight |= before
            raise

    async def _send(self, operation: Operation, changes: tuple[Change, ...], *, broken: int = 0) -> None:
        if not changes:
            return
        body = b"\n".join(change.line for change in changes)
        try:
            answer = await self._client.send(
                "POST",
                f"/indexes/{self.uid}/documents",
                body=body,
                kind=LINES,
                params={"primaryKey": "id", "customMetadata": operation.op_id},
                within=WRITE_SECONDS,
            )
        except Refused as error:  # too large, or an invalid document
            await self._send_halves(operation, changes, str(error))
        except ConnectionBroke:
            # A server that rejects a large body often closes the connection before its 413 can be read.
            if len(body) < _LARGE or not await index_created_at(self._client, self.uid):
                raise
            if len(changes) > 1 or broken >= _BREAKS:
                reason = f"Meilisearch breaks the connection over its {len(body)} bytes: more than its payload limit"
                await self._send_halves(operation, changes, reason)
            else:
                await self._send(operation, changes, broken=broken + 1)
        else:
            operation.tasks[int(answer["taskUid"])] = changes

    async def _stored(self, ids: Sequence[str]) -> dict[str, KnownRevision]:
        found: dict[str, KnownRevision] = {}
        for start in range(0, len(ids), _LOOKED_UP):
            part = ids[start : start + _LOOKED_UP]
            body = {"ids": part, "fields": ["id", "rev", "kind"], "limit": len(part)}
            answer = await self._client.post(f"/indexes/{self.uid}/documents/fetch", body, within=WRITE_SECONDS)
            for row in answer["results"]:
                found[row["id"]] = KnownRevision(int(row["rev"]), row["kind"] == "gone")
        return found
