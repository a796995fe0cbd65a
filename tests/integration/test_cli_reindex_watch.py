"""`broadsheet reindex` while Redis does not answer for a moment."""

from __future__ import annotations

import asyncio
from datetime import UTC, datetime

import pytest

from broadsheet.cli import operations
from shared.errors import StoreUnavailable
from shared.store import connect
from shared.store.connection import unavailable_when_down
from shared.store.index_jobs.reindex import ReindexProgress, record
from tests.support.valkey import Valkey


async def test_reindex_waits_through_a_restart_of_redis(own_valkey: Valkey) -> None:
    client = connect(own_valkey.url)
    state = ReindexProgress("r1", "done", 3, 3, "", datetime.now(UTC), "d1")
    await record(client, state)
    own_valkey.kill()

    watching = asyncio.create_task(operations._watch(client, "r1", bar=False))
    done, _ = await asyncio.wait([watching], timeout=1)
    assert not done, "it gave up although the rebuild goes on"
    await asyncio.to_thread(own_valkey.start)

    assert (await watching).digest == "d1"
    await client.aclose()


async def test_an_answer_that_is_late_is_named_as_such() -> None:
    with pytest.raises(StoreUnavailable, match="Redis did not answer in time"):
        async with unavailable_when_down(deadline=0.01):
            await asyncio.Event().wait()
