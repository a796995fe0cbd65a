"""The behaviour suite's part with real processes: a reader during swaps, a writer killed in the middle of a batch."""

from __future__ import annotations

import json
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path

import pytest

from shared.search.errors import SearchUnavailable
from shared.search.port import EnsureResult, SearchQuery
from tests.contracts.search_contract import ENGINES, SPEC, Engine, article, newsroom

pytestmark = pytest.mark.chaos
_REPOSITORY = Path(__file__).resolve().parents[2]


@pytest.fixture(params=[engine for engine in ENGINES if engine.shares_directory], ids=lambda engine: engine.name)
def engine(request: pytest.FixtureRequest) -> Engine:
    return request.param


@contextmanager
def started(role: str, root: Path) -> Iterator[subprocess.Popen[str]]:
    with subprocess.Popen(
        [sys.executable, "-m", "tests.contracts.search_contract_process", role, str(root)],
        cwd=_REPOSITORY,
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    ) as process:
        try:
            yield process
        finally:
            process.kill()


def line(process: subprocess.Popen[str]) -> str:
    assert process.stdout is not None
    return process.stdout.readline().strip()


async def test_swaps_under_read_load_fail_no_search(engine: Engine, tmp_path: Path) -> None:
    index = engine.open(tmp_path / "index", True)
    await index.ensure(SPEC)
    await index.upsert(newsroom(), op_id="op")
    with ExitStack() as stack:
        readers = [stack.enter_context(started("read", tmp_path / "index")) for _ in range(2)]
        assert [line(reader) for reader in readers] == ["reading", "reading"]
        for swap in range(6):
            async with index.reindex(SPEC) as staging:
                await staging.write(newsroom())
                await index.upsert([article("live", f"Live {swap}", "ferry", rev=swap + 1)], op_id=f"live{swap}")
                await staging.promote()
        reports = [json.loads(reader.communicate(timeout=20)[0]) for reader in readers]
    generations = sorted(path.name for path in (tmp_path / "index").glob("gen-*"))
    assert len(generations) == 7, "old ones go by age alone"
    assert await index.prune(older_than=0) == 6
    await index.aclose()
    for report in reports:
        assert report["errors"] == []
        assert report["empty"] == 0
        assert report["reads"] > 20
    assert len(set().union(*(report["generations"] for report in reports))) >= 3
    assert [path.name for path in (tmp_path / "index").glob("gen-*")] == generations[-1:]


async def test_a_killed_writer_loses_nothing_it_acknowledged(engine: Engine, tmp_path: Path) -> None:
    root = tmp_path / "index"
    acknowledged = 0
    for kill in range(3):
        with started("write", root) as writer:
            for _ in range(4 + kill):
                acknowledged = max(acknowledged, int(line(writer)))
            writer.send_signal(signal.SIGKILL)
            acknowledged = max([acknowledged, *map(int, writer.communicate()[0].split())])
        index = engine.open(root, True)
        assert await index.ensure(SPEC) is EnsureResult.UNCHANGED
        ids = {ident async for ident, _ in index.documents()}
        expected = {f"b{batch}x{number}" for batch in range(acknowledged // 20) for number in range(20)}
        assert expected <= ids
        assert len(ids) % 20 == 0  # batches are whole
        assert (await index.search(SearchQuery("ferry", limit=1))).total.value == len(ids)
        await index.aclose()


async def test_a_second_writer_is_refused_until_the_first_is_gone(engine: Engine, tmp_path: Path) -> None:
    with started("write", tmp_path / "index") as writer:
        assert int(line(writer)) == 20
        index = engine.open(tmp_path / "index", True)
        with pytest.raises(SearchUnavailable):
            await index.ensure(SPEC)
        assert (await index.search(SearchQuery("ferry"))).hits
    assert await index.ensure(SPEC) is EnsureResult.UNCHANGED
    await index.aclose()
