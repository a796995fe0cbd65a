"""Removes withdrawn and retracted articles from the engine and from their stories."""

from __future__ import annotations

import asyncio
import hashlib
from collections.abc import Sequence
from typing import Final

from services.index.adapters.documents import DocumentOf, index_doc
from services.index.adapters.write_queue import WriteQueue
from shared.articles import Article, ArticleState
from shared.search.errors import IndexMissing, SearchUnavailable
from shared.store import ArticleStore
from shared.store.articles.port import Record

_FIRST_PAUSE: Final = 0.02
_LAST_PAUSE: Final = 1.0


async def remove(
    store: ArticleStore, write_queue: WriteQueue, records: Sequence[Record], document_of: DocumentOf = index_doc
) -> None:
    """Return once these articles are no longer searchable and their copies are regrouped. Idempotent.

    The caller holds the write lock exclusively. Raises SearchUnavailable, StoreUnavailable.
    """
    if not records:
        return
    await _deleted(write_queue, [(record.article_id, record.rev) for record in records])
    changed: dict[str, None] = {}
    for record in records:
        changed |= dict.fromkeys(await store.groups.leave(record.article_id))
    freed = await store.records(list(changed))
    public = [one.article_id for one in freed if one is not None and one.state is ArticleState.PUBLISHED]
    articles = [article for article in await store.articles(public) if isinstance(article, Article)]
    await write_queue.write([document_of(article) for article in articles])


async def _deleted(write_queue: WriteQueue, pairs: Sequence[tuple[str, int]]) -> None:
    name = " ".join(sorted(f"{ident}:{rev}" for ident, rev in pairs))
    op_id = hashlib.blake2b(name.encode(), digest_size=12, person=b"removal").hexdigest()
    try:
        receipt = await write_queue.index.delete(pairs, op_id=op_id)
        async with asyncio.timeout(write_queue.limits.visible_within):
            pause = _FIRST_PAUSE
            while True:
                (outcome,) = await write_queue.index.outcomes([receipt])
                if outcome.status == "visible":
                    return
                if outcome.status != "pending":
                    raise SearchUnavailable(f"the removal was {outcome.status}: {outcome.reason}")
                await asyncio.sleep(pause)
                pause = min(2 * pause, _LAST_PAUSE)
    except IndexMissing:
        write_queue.on_missing.set()
        raise
    except TimeoutError:
        raise SearchUnavailable(f"removals are not decided in {write_queue.limits.visible_within:g} s") from None
