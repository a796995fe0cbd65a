"""Engine calls in threads: panics, time and backlog are bounded and become errors of ours."""

from __future__ import annotations

import asyncio
import threading
from pathlib import Path

import pytest
import tantivy

from shared.search.embedded import EmbeddedIndex
from shared.search.embedded.engine_threads import EngineThreads, is_panic
from shared.search.embedded.schema import schema
from shared.search.errors import QueueFull, SearchUnavailable
from shared.search.port import SearchQuery
from tests.contracts.search_contract import SPEC, article


def panic() -> object:
    return tantivy.Query.phrase_query(schema(), "title", ["one"])  # tantivy wants two words or more, and panics


def threads(**changes: object) -> EngineThreads:
    return EngineThreads("test", **({"threads": 1, "timeout": 5.0, "backlog": 3} | changes))  # type: ignore[arg-type]


async def test_a_panic_becomes_an_error_of_ours_and_is_counted() -> None:
    dropped = []
    pool = threads(on_panic=lambda: dropped.append(True))
    for _ in range(2):
        with pytest.raises(SearchUnavailable):
            await pool.run(panic)
    assert (pool.panics, dropped) == (2, [True, True])
    assert await pool.run(lambda: "still alive") == "still alive"
    pool.close()


def test_only_rust_panics_count_as_panics() -> None:
    assert not is_panic(KeyboardInterrupt())
    with pytest.raises(BaseException) as raised:  # noqa: PT011 - its class cannot be imported
        panic()
    assert is_panic(raised.value)
    assert not isinstance(raised.value, Exception)


async def test_a_stuck_call_times_out_and_the_backlog_is_bounded() -> None:
    pool = threads(timeout=0.05, backlog=1, full=QueueFull)
    release = threading.Event()
    with pytest.raises(SearchUnavailable):
        await pool.run(release.wait)
    with pytest.raises(QueueFull):
        await pool.run(lambda: None)
    urgent = asyncio.ensure_future(pool.run(lambda: "urgent", urgent=True))
    await asyncio.to_thread(release.set)
    assert await urgent == "urgent"
    assert pool.active == 0
    pool.close()
    with pytest.raises(SearchUnavailable):
        await pool.run(lambda: None)


async def test_reads_and_writes_go_on_after_a_panic(tmp_path: Path) -> None:
    index = EmbeddedIndex(tmp_path / "index", writer=True)
    await index.ensure(SPEC)
    await index.upsert([article("a", "First")], op_id="1")
    for pool in (index._reads, index._writes):
        with pytest.raises(SearchUnavailable):
            await pool.run(panic)
    assert index.panics == 2
    await index.upsert([article("b", "Second")], op_id="2")
    await index.delete([("a", 1)], op_id="3")
    assert [hit.card.id for hit in (await index.search(SearchQuery())).hits] == ["b"]
    await index.aclose()
    await index.aclose()
    with pytest.raises(SearchUnavailable):
        await index.search(SearchQuery())
