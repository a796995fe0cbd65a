"""Writer of the live index and of the one being built."""

from __future__ import annotations

import asyncio
import math
import secrets
import time
from collections.abc import AsyncIterator, Callable, Iterable, Sequence
from typing import Final, TypeVar

import structlog

from shared.errors import Permanent
from shared.observability import log_events
from shared.search.errors import IndexMissing, QueueFull, Rejected, SearchUnavailable
from shared.search.meilisearch import admin
from shared.search.meilisearch.client import MeiliClient
from shared.search.meilisearch.created_at import index_ages, index_created_at
from shared.search.meilisearch.documents import Change, change_of, tombstone_of
from shared.search.meilisearch.filters import GONE, LIVE
from shared.search.meilisearch.generation_writer import GenerationWriter
from shared.search.meilisearch.operations import BATCH_DOCUMENTS
from shared.search.port import EnsureResult, IndexDoc, IndexSpec, WriteOutcome, WriteReceipt

_log = structlog.get_logger(__name__)

T = TypeVar("T")
# 2,000 documents of a rebuild at once take four fifths of the time of four batches of 500.
_BUFFERED_BYTES: Final = 20_000_000
_UNFINISHED: Final = 4  # batches of a rebuild in flight
_UNFINISHED_BESIDE_LIVE: Final = 1  # during live writes, which queue behind them
_LIVE_WITHIN: Final = 10.0  # seconds since the last live write
_REBUILD: Final = "reindex"  # the operation of its batches
_DECIDED_WITHIN: Final = 120.0  # seconds
_PRUNE_ABOVE: Final = 64  # batches that were never polled


class IndexWriter:
    """The one writer. Live writes during a rebuild go to both indexes."""

    def __init__(self, client: MeiliClient, uid: str) -> None:
        self._client = client
        self._uid = uid
        self._lock = asyncio.Lock()
        self._live: GenerationWriter | None = None
        self._staging: GenerationWriter | None = None
        self._staged: list[WriteReceipt] = []
        self._buffered: list[Change] = []
        self._rejected: dict[str, str] = {}
        self._staging_fault = ""
        self._is_missing = False
        self._written_at = -math.inf

    async def ensure(self, spec: IndexSpec) -> EnsureResult:
        """Create the index, or compare it with the spec and patch cheap settings."""
        async with self._lock:
            result = EnsureResult.CREATED
            if await admin.exists(self._client, self._uid):
                result = await admin.compare(self._client, self._uid, spec, patch=True)
            else:
                await admin.create(self._client, self._uid, spec)
            created_at = await index_created_at(self._client, self._uid)
            if result is EnsureResult.NEEDS_REINDEX and self._live is not None and self._live.created_at != created_at:
                # Our index was deleted, and a late write made the server create another one without our settings.
                await admin.drop(self._client, self._uid)
                await admin.create(self._client, self._uid, spec)
                result, created_at = EnsureResult.CREATED, await index_created_at(self._client, self._uid)
            if self._live is None or self._live.created_at != created_at:  # recreated or swapped outside this process
                self._live = GenerationWriter(self._client, self._uid, created_at)
            return result

    async def upsert(self, docs: Sequence[IndexDoc], op_id: str) -> WriteReceipt:
        """Send to the live index and to the one being built."""
        changes, rejected = checked(docs, change_of, lambda doc: doc.id)
        return await self._write(changes, rejected, op_id, tuple(doc.id for doc in docs))

    async def delete(self, ids: Sequence[tuple[str, int]], op_id: str) -> WriteReceipt:
        """Send tombstones; invalid ids are ignored."""
        changes, _ = checked(ids, lambda pair: tombstone_of(*pair), lambda pair: pair[0])
        return await self._write(changes, {}, op_id, tuple(doc_id for doc_id, _ in ids))

    async def outcomes(self, receipts: Sequence[WriteReceipt]) -> Sequence[WriteOutcome]:
        """See the port."""
        async with self._lock:
            return await self._writable().outcomes(receipts)

    async def begin(self, spec: IndexSpec) -> None:
        """Start building a new index. Raises Permanent while another rebuild runs."""
        async with self._lock:
            if self._staging is not None:
                raise Permanent("a rebuild is running already", rule="reindex-running")
            await self._release_deleted(spec)
            uid = f"{self._uid}__{secrets.token_hex(4)}"
            await admin.create(self._client, uid, spec)
            self._staging_fault, self._staged, self._buffered, self._rejected = "", [], [], {}
            self._staging = GenerationWriter(self._client, uid, await index_created_at(self._client, uid))

    async def _release_deleted(self, spec: IndexSpec) -> None:
        """After the index was deleted: refuse writes until its rebuild is live.

        A new, nearly empty index must not be served as the whole archive.
        """
        created_at = await index_created_at(self._client, self._uid)
        if self._live is not None and created_at == self._live.created_at:
            return
        if created_at and not self._is_missing:
            if self._live is None:
                raise IndexMissing("no index can be written: call ensure first", retry_after=5.0)
            if await admin.compare(self._client, self._uid, spec, patch=False) is not EnsureResult.NEEDS_REINDEX:
                self._live = GenerationWriter(self._client, self._uid, created_at)  # swapped or recreated elsewhere
                return
        self._live, self._is_missing = None, True
        await admin.drop(self._client, self._uid)  # created by the server on a late write, without our settings

    async def stage(self, docs: Sequence[IndexDoc]) -> None:
        """Add to the index being built. Raises Rejected, possibly in a later call, for rejected documents."""
        changes, rejected = checked(docs, change_of, lambda doc: doc.id)
        self._rejected |= rejected
        self._buffered += changes
        size = sum(len(change.line) for change in self._buffered)
        if len(self._buffered) >= BATCH_DOCUMENTS or size >= _BUFFERED_BYTES:
            quiet = time.monotonic() - self._written_at > _LIVE_WITHIN
            await self._send_buffered(_UNFINISHED if quiet else _UNFINISHED_BESIDE_LIVE)
        self._raise_rejected()

    async def staged(self) -> int:
        """Articles in the index being built, once all writes have completed. Raises Rejected like `stage`."""
        await self._send_buffered(_UNFINISHED)
        await self._wait_for_room(0)
        async with self._lock:
            building = self._building()
            await self._wait_until_decided()  # live writes during the count
            self._raise_rejected()
            return await admin.count(self._client, building.uid, LIVE)

    @property
    def staging_uid(self) -> str:
        """Name of the index being built. Raises Permanent when there is none."""
        return self._building().uid

    async def promote(self) -> None:
        """Swap the new index in; the old one is kept until `prune`. Raises Rejected like `stage`."""
        await self._send_buffered(_UNFINISHED)
        async with self._lock:
            building, previous = self._building(), frozenset[str]()
            if self._live is not None:
                gone = [pair async for pair in admin.listed(self._client, self._uid, GONE)]
                await self._stage([tombstone_of(*pair) for pair in gone], "tombstones")
                # What was sent and not asked about is forgotten with the old index; its receipts name their tasks, and
                # all that they wrote has arrived in the new index too.
                previous = self._live.previous | {self._live.created_at}
            await self._wait_until_decided()
            self._raise_rejected()
            self._building()
            if self._live is None:
                await admin.drop(self._client, self._uid)
                await admin.rename(self._client, building.uid, self._uid)
            else:
                await admin.swap(self._client, self._uid, building.uid)
            kept, self._staging, self._is_missing = building.uid, None, False
            self._live = GenerationWriter(self._client, self._uid, building.created_at, previous)
            _log.info(log_events.SEARCH_GENERATION_PROMOTED, generation=kept)

    async def prune(self, older_than: float) -> int:
        """Delete generations older than this many seconds; returns the count.

        Age counts from the last write or the creation of the successor, whichever is later.
        """
        async with self._lock:
            building = self._staging.uid if self._staging else ""
            uids = [self._uid, *await admin.generations(self._client, self._uid)]
            found = {uid: await index_ages(self._client, uid) for uid in uids}
            dropped = 0
            for uid, (made, written) in found.items():
                replaced = max((other for other, _ in found.values() if other < made), default=math.inf)
                if uid not in (self._uid, building) and min(replaced, written) > older_than:
                    await admin.drop(self._client, uid)
                    dropped += 1
            return dropped

    async def abandon(self) -> None:
        """Discard the index being built, if there is one."""
        async with self._lock:
            staging, self._staging = self._staging, None
            if staging is not None:
                await admin.drop(self._client, staging.uid)

    # --- internal -----------------------------------------------------------------------------------------------------

    async def _write(
        self, changes: Sequence[Change], rejected: dict[str, str], op_id: str, ids: tuple[str, ...]
    ) -> WriteReceipt:
        async with self._lock:
            self._written_at = time.monotonic()
            live = self._writable()
            if live.in_flight > _PRUNE_ABOVE:
                await live.poll_all()
            token = await live.write(changes, op_id, rejected)
            if self._staging is not None:
                try:
                    await self._stage(changes, op_id)
                except (
                    SearchUnavailable,
                    QueueFull,
                    IndexMissing,
                ) as error:  # a rebuild that missed a live write must not become live
                    self._staging_fault = str(error)
            return WriteReceipt(op_id, ids, token)

    async def _stage(self, changes: Sequence[Change], op_id: str) -> None:
        ids = tuple(change.id for change in changes)
        if self._building().is_bisecting:
            await self._wait_until_decided()
        token = await self._building().write(changes, op_id, {})
        self._staged.append(WriteReceipt(op_id, ids, token))

    def _raise_rejected(self) -> None:
        refused, self._rejected = self._rejected, {}
        if refused:
            raise Rejected(next(iter(refused.values())), tuple(refused))

    async def _send_buffered(self, most: int) -> None:
        """Send the buffer once there is capacity; newer live writes take precedence."""
        await self._wait_for_room(most)
        async with self._lock:
            buffered, self._buffered = self._buffered, []
            if buffered:
                await self._stage(buffered, _REBUILD)

    async def _wait_for_room(self, most: int) -> None:
        """Wait until at most this many batches of the rebuild are in flight; live writes continue."""
        async for _ in _polls():
            async with self._lock:
                if not self._has_room(most):
                    await self._poll()
                if self._has_room(most):
                    return

    def _has_room(self, most: int) -> bool:
        return not self._building().is_bisecting and sum(row.op_id == _REBUILD for row in self._staged) <= most

    async def _wait_until_decided(self) -> None:
        """Wait, holding the lock, until all staged writes have completed, including live ones."""
        async for _ in _polls():
            if self._staged:
                await self._poll()
            if not self._staged:
                return

    async def _poll(self) -> None:
        outcomes = await self._building().outcomes(self._staged)
        self._staged = [outcome.receipt for outcome in outcomes if outcome.status == "pending"]
        if any(outcome.status == "lost" for outcome in outcomes):
            raise SearchUnavailable("the index being built was deleted, or its tasks were")
        for outcome in outcomes:
            if outcome.status == "rejected":
                self._rejected |= dict.fromkeys(outcome.rejected_ids, outcome.reason)

    def _writable(self) -> GenerationWriter:
        if self._live is None:
            raise IndexMissing("no index can be written: call ensure first", retry_after=5.0)
        return self._live

    def _building(self) -> GenerationWriter:
        if self._staging is None:
            raise Permanent("this rebuild is over", rule="reindex-over")
        if self._staging_fault:
            raise SearchUnavailable(f"the rebuild missed a live write: {self._staging_fault}")
        return self._staging


async def _polls() -> AsyncIterator[None]:
    """Poll with back-off while a rebuild waits. Raises SearchUnavailable after the time limit."""
    deadline, pause = time.monotonic() + _DECIDED_WITHIN, 0.01
    while time.monotonic() < deadline:
        yield
        await asyncio.sleep(pause)
        pause = min(2 * pause, 0.5)
    raise SearchUnavailable("the index being built does not keep up")


def checked(
    items: Iterable[T], make: Callable[[T], Change], id_of: Callable[[T], str]
) -> tuple[list[Change], dict[str, str]]:
    """(documents to send, {id: reason} of invalid ones)."""
    changes: list[Change] = []
    rejected: dict[str, str] = {}
    for item in items:
        try:
            changes.append(make(item))
        except (ValueError, TypeError, AttributeError, OverflowError) as error:
            rejected[id_of(item)] = str(error)[:200] or type(error).__name__
    return changes, rejected
