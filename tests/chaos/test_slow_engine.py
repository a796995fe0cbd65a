"""An engine that answers everything half a minute late: the index service waits, and does not grow (fault F17)."""

from __future__ import annotations

import time
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest

from shared.topology import ARTICLE_ENRICHED
from tests.chaos.enriched import commit, report
from tests.chaos.evidence import dead_letters, whole_log
from tests.chaos.processes import System
from tests.chaos.sizes import WHOLE
from tests.chaos.slow_proxy import SlowProxy
from tests.support.builders import wait_until
from tests.support.meilisearch import Meilisearch

pytestmark = [
    pytest.mark.chaos,
    pytest.mark.slow,
    pytest.mark.timeout(240),
    pytest.mark.skipif(not WHOLE, reason="75 s of slowness: ./dev chaos runs it"),
]

BEFORE, WAITING = 2_500, 3_000
LATENCY, WATCHED = 30.0, 75.0  # seconds


@pytest.fixture
async def proxy(own_meilisearch: Meilisearch) -> AsyncIterator[SlowProxy]:
    async with SlowProxy(own_meilisearch.port).running() as proxy:
        yield proxy


@pytest.fixture
async def system(own_meilisearch: Meilisearch, proxy: SlowProxy, tmp_path: Path) -> AsyncIterator[System]:
    through = own_meilisearch.settings | {"BROADSHEET_INDEX_URL": f"meilisearch:http://127.0.0.1:{proxy.port}"}
    async with System(tmp_path, only=("index",), **through).running() as system:
        yield system


def memory(system: System, name: str) -> int:
    """In kB: VmRSS is what the index service holds now, VmHWM the most it ever did."""
    process = system.services["index"].process
    assert process is not None
    return int(Path(f"/proc/{process.pid}/status").read_text().partition(f"{name}:")[2].split()[0])


async def test_a_slow_engine_costs_no_memory(system: System, client: Any, proxy: SlowProxy) -> None:
    articles = [report(number) for number in range(BEFORE + WAITING)]

    async def announced(count: int) -> bool:
        group = (await client.xinfo_groups(ARTICLE_ENRICHED.key))[0]
        return group["pending"] == 0 and group["entries-read"] == count

    await commit(client, articles[:BEFORE])
    await wait_until(lambda: announced(BEFORE), timeout=90, what="a load at full speed")
    busy = memory(system, "VmHWM")
    proxy.latency = LATENCY
    slowed = time.monotonic()
    await commit(client, articles[BEFORE:])
    held: list[int] = []

    def watched() -> bool:
        held.append(memory(system, "VmRSS"))
        return time.monotonic() - slowed > WATCHED

    await wait_until(watched, timeout=2 * WATCHED, what="a while of slowness")
    waiting = int((await client.xinfo_groups(ARTICLE_ENRICHED.key))[0]["lag"])
    in_hand = int((await client.xpending(ARTICLE_ENRICHED.key, "index"))["pending"])
    proxy.latency = 0.0
    await wait_until(lambda: announced(BEFORE + WAITING), timeout=90, what="everything to be announced")
    print(
        f"\nanswers {LATENCY:.0f} s late for {WATCHED:.0f} s, {WAITING} entries to do: {in_hand} in hand, {waiting} "
        f"not read; resident {busy} kB at most under full load before, {held[0]} to {max(held)} kB meanwhile "
        f"({max(held) / busy - 1:+.0%}), the last {held[-1]} kB\n"
    )
    print(held[:: max(1, len(held) // 30)])
    assert max(held) <= 1.2 * busy
    assert len(await whole_log(client)) == BEFORE + WAITING
    assert not await dead_letters(client)
    assert system.services["index"].alive()
