"""Writing documents through the search port until each is visible or refused, on any engine.

An engine may take a batch now and show it later, or fail a whole batch for one document. Both end here: a batch is
polled until it is decided, and a failed one is taken apart until the document at fault stands alone.
"""

from __future__ import annotations

import asyncio
import hashlib
from collections.abc import Sequence
from typing import Final

from shared.observability import metrics
from shared.search.errors import Rejected, SearchUnavailable
from shared.search.port import IndexDoc, SearchIndex, WriteOutcome, WriteReceipt

VISIBLE_WITHIN_SECONDS: Final = 60.0
_FIRST_POLL_SECONDS: Final = 0.01
_LONGEST_POLL_SECONDS: Final = 1.0


async def write_until_visible(
    index: SearchIndex, docs: Sequence[IndexDoc], *, within: float = VISIBLE_WITHIN_SECONDS
) -> dict[str, str]:
    """Write documents and return when all others are visible: {id: reason} of those the engine refuses.

    Raises `SearchUnavailable` (or another Retryable) when the engine is away, or undecided after `within` seconds.
    """
    if not docs:
        return {}
    outcome = await _write(index, docs, within)
    metrics.INDEX_TASKS.labels(outcome.status).inc()
    if outcome.status == "visible":
        return {}
    return await _without_the_bad(index, docs, outcome, within)


async def _without_the_bad(
    index: SearchIndex, docs: Sequence[IndexDoc], outcome: WriteOutcome, within: float
) -> dict[str, str]:
    reason = outcome.reason or "the search engine refused the document"
    bad = {doc.id for doc in docs} & set(outcome.rejected_ids)
    if bad:
        rest = [doc for doc in docs if doc.id not in bad]
        return dict.fromkeys(bad, reason) | await write_until_visible(index, rest, within=within)
    if len(docs) == 1:
        return {docs[0].id: reason}
    half = len(docs) // 2
    first = await write_until_visible(index, docs[:half], within=within)
    return first | await write_until_visible(index, docs[half:], within=within)


async def _write(index: SearchIndex, docs: Sequence[IndexDoc], within: float) -> WriteOutcome:
    op_id = operation_id(docs)
    try:
        receipt = await index.upsert(docs, op_id=op_id)
    except Rejected as error:
        ids = tuple(doc.id for doc in docs)
        return WriteOutcome(WriteReceipt(op_id, ids), "rejected", reason=str(error), rejected_ids=error.ids)
    return await _decided(index, receipt, within)


async def _decided(index: SearchIndex, receipt: WriteReceipt, within: float) -> WriteOutcome:
    clock = asyncio.get_running_loop().time
    deadline, pause = clock() + within, _FIRST_POLL_SECONDS
    while True:
        (outcome,) = await index.outcomes([receipt])
        if outcome.status != "pending":
            return outcome
        if clock() >= deadline:
            raise SearchUnavailable(f"batch {receipt.op_id} is not visible after {within:g} s", retry_after=5.0)
        await asyncio.sleep(pause)
        pause = min(pause * 2, _LONGEST_POLL_SECONDS)


def operation_id(docs: Sequence[IndexDoc]) -> str:
    """A name for this write that is the same when the same revisions are written again."""
    revisions = " ".join(sorted(f"{doc.id}:{doc.rev}" for doc in docs))
    return hashlib.blake2b(revisions.encode(), digest_size=12).hexdigest()
