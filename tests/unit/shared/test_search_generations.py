"""Generations: stamps, swaps, leftovers; and what a writer does when its disk fails below it."""

from __future__ import annotations

import json
import os
import shutil
from collections.abc import Sequence
from pathlib import Path

import pytest

from shared.errors import Permanent
from shared.search import open_index
from shared.search.embedded import EmbeddedIndex
from shared.search.embedded.generation_writer import refused
from shared.search.errors import IndexMissing, SearchUnavailable
from shared.search.port import EnsureResult, SearchQuery
from shared.settings import BaseServiceSettings
from tests.contracts.search_contract import SPEC, article


@pytest.fixture
def root(tmp_path: Path) -> Path:
    return tmp_path / "index"


def generations(root: Path) -> list[str]:
    return sorted(path.name for path in root.glob("gen-*"))


async def opened(root: Path) -> EmbeddedIndex:
    index = EmbeddedIndex(root, writer=True)
    await index.ensure(SPEC)
    return index


@pytest.mark.parametrize("field", ["format", "schema", "engine"])
async def test_an_index_of_another_build_must_be_rebuilt(root: Path, field: str) -> None:
    index = await opened(root)
    await index.upsert([article("a", "Old")], op_id="1")
    await index.aclose()
    stamp = root / "gen-000001" / "STAMP.json"
    stamp.write_text(json.dumps(json.loads(stamp.read_text()) | {field: "another"}))

    index = EmbeddedIndex(root, writer=True)
    assert await index.ensure(SPEC) is EnsureResult.NEEDS_REINDEX
    with pytest.raises(IndexMissing):
        await index.search(SearchQuery())
    with pytest.raises(IndexMissing):
        await index.upsert([article("b", "New")], op_id="2")
    async with index.reindex(SPEC) as staging:
        await staging.write([article("a", "Rebuilt")])
        await index.upsert([article("b", "Written meanwhile")], op_id="3")
        await staging.promote()
    assert {hit.card.id for hit in (await index.search(SearchQuery())).hits} == {"a", "b"}
    assert await index.ensure(SPEC) is EnsureResult.UNCHANGED
    await index.aclose()


async def test_the_generation_before_a_swap_is_kept_however_quiet_it_was(root: Path) -> None:
    """The day that it is kept begins with the rebuild, not with the last write that it had."""
    index = await opened(root)
    async with index.reindex(SPEC) as staging:
        await staging.promote()
    os.utime(root / "gen-000001" / "meta.json", (1, 1))
    assert await index.prune(older_than=3_600) == 0
    os.utime(root / "gen-000002" / "STAMP.json", (1, 1))
    assert await index.prune(older_than=3_600) == 1
    assert generations(root) == ["gen-000002"]
    await index.aclose()


async def test_each_generation_of_a_busy_day_is_kept_as_long_as_the_one_before_the_last(root: Path) -> None:
    """Its day begins with the rebuild that replaced it, not with the newest: rebuilding often keeps none for ever."""
    index = await opened(root)
    for _ in range(3):
        async with index.reindex(SPEC) as staging:
            await staging.promote()
    assert await index.prune(older_than=3_600) == 0
    assert generations(root) == [f"gen-{number:06d}" for number in (1, 2, 3, 4)]
    for name in ("gen-000001/meta.json", "gen-000002/STAMP.json"):
        os.utime(root / name, (1, 1))
    assert await index.prune(older_than=3_600) == 1
    assert generations(root) == ["gen-000002", "gen-000003", "gen-000004"]
    await index.aclose()


async def test_leftovers_of_a_broken_rebuild_are_removed(root: Path) -> None:
    index = await opened(root)
    await index.aclose()
    shutil.copytree(root / "gen-000001", root / "gen-000007")
    (root / "gen-000001" / "orphan.tmp").write_text("x")
    index = await opened(root)
    assert generations(root) == ["gen-000001"]
    await index.aclose()


@pytest.mark.parametrize("content", ["", "gen-000009\n", "../../etc\n", "gen-\u0661", "\x00"])
async def test_a_wrong_current_file_means_no_index(root: Path, content: str) -> None:
    index = await opened(root)
    await index.aclose()
    (root / "CURRENT").write_text(content, "utf-8")
    with pytest.raises(IndexMissing):
        await EmbeddedIndex(root, writer=False).search(SearchQuery())


async def test_a_reader_survives_a_generation_that_vanishes(root: Path) -> None:
    index = await opened(root)
    reader = EmbeddedIndex(root, writer=False)
    for number in range(3):
        await index.upsert([article("a", f"Number {number}", rev=number + 1)], op_id="1")
        assert len((await reader.search(SearchQuery())).hits) == 1
        async with index.reindex(SPEC) as staging:
            await staging.write([article("a", "Rebuilt", rev=number + 1)])
            await staging.promote()
    assert (await reader.search(SearchQuery())).hits[0].card.title == "Rebuilt"
    await index.aclose()
    shutil.rmtree(root)
    with pytest.raises(IndexMissing):
        await reader.search(SearchQuery())
    await reader.aclose()


async def test_a_rebuild_that_missed_a_live_write_is_not_promoted(root: Path) -> None:
    index = await opened(root)
    async with index.reindex(SPEC) as staging:
        await staging.write([article("a", "Staged")])
        shutil.rmtree(root / "gen-000002")
        await index.upsert([article("live", "Live")], op_id="1")  # the live index is unharmed
        with pytest.raises(SearchUnavailable):
            await staging.promote()
    assert [hit.card.id for hit in (await index.search(SearchQuery())).hits] == ["live"]
    await index.aclose()


async def test_a_failing_disk_rejects_no_document(root: Path) -> None:
    index = await opened(root)
    shutil.rmtree(root / "gen-000001")
    with pytest.raises(SearchUnavailable):
        await index.upsert([article("a", "Fine")], op_id="1")
    await index.aclose()


@pytest.mark.parametrize("damage", ["", "{}", "{not json"])
async def test_a_damaged_index_asks_for_a_rebuild(root: Path, damage: str) -> None:
    index = await opened(root)
    await index.aclose()
    (root / "gen-000001" / "meta.json").write_text(damage)
    index = EmbeddedIndex(root, writer=True)
    assert await index.ensure(SPEC) is EnsureResult.NEEDS_REINDEX
    assert (await index.stats()).documents == 0
    with pytest.raises((IndexMissing, SearchUnavailable)):
        await index.search(SearchQuery())
    async with index.reindex(SPEC) as staging:
        await staging.write([article("a", "Rebuilt")])
        await staging.promote()
    assert len((await index.search(SearchQuery())).hits) == 1
    await index.aclose()


async def test_one_rebuild_at_a_time_and_only_by_the_writer(root: Path) -> None:
    index = await opened(root)
    async with index.reindex(SPEC) as staging:
        with pytest.raises(Permanent, match="running"):
            await index.reindex(SPEC).__aenter__()
        await staging.promote()
        with pytest.raises(Permanent, match="over"):
            await staging.write([])
    reader = EmbeddedIndex(root, writer=False)
    for call in (reader.upsert([], op_id="1"), reader.delete([], op_id="1"), reader.reindex(SPEC).__aenter__()):
        with pytest.raises(Permanent, match="reading"):
            await call
    await index.aclose()
    await reader.aclose()


def test_bisecting_leaves_only_the_bad_ones_out() -> None:
    written: list[int] = []

    def attempt(batch: Sequence[int]) -> None:
        if any(number % 7 == 3 for number in batch):
            raise ValueError("bad")
        written.extend(batch)

    assert refused(list(range(20)), attempt) == [3, 10, 17]
    assert written == [number for number in range(20) if number % 7 != 3]


@pytest.mark.parametrize("url", ["embedded:", "http://127.0.0.1:7700", "data/index"])
def test_an_unknown_index_url_is_refused(url: str) -> None:
    with pytest.raises(Permanent, match="BROADSHEET_INDEX_URL"):
        open_index(BaseServiceSettings(BROADSHEET_INDEX_URL=url), writer=False)
