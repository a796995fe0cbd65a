"""Rebuilding and swapping the index under 50 searches a second: none fails, and it holds the same afterwards."""

from __future__ import annotations

import asyncio
import json
import os
import subprocess
import sys
import time
from collections import Counter, defaultdict
from collections.abc import AsyncIterator
from itertools import count
from pathlib import Path
from typing import Any

import aiohttp
import pytest

from shared.search import open_index
from shared.search.digest import index_digest
from shared.settings import BaseServiceSettings
from shared.store.index_jobs.reindex import ReindexBusy, open_request, request_reindex
from shared.tasks import cancel_and_wait
from shared.topology import ARTICLE_ENRICHED
from tests.chaos.enriched import commit, report
from tests.chaos.processes import System
from tests.support.builders import wait_until

pytestmark = [pytest.mark.chaos, pytest.mark.slow, pytest.mark.timeout(400)]  # on a busy machine

ARTICLES, PER_SECOND, LANES = 2_000, 50, 32
REQUESTS = 210  # different ones that the searches come to
QUERIES = ("ferry", "harbour council", "storm", "the museum", "election ballot", "orchrd")


@pytest.fixture
async def system(each_engine: dict[str, str], tmp_path: Path) -> AsyncIterator[System]:
    """Valkey, index and serve only: articles are committed to the store as enrich leaves them."""
    async with System(tmp_path, only=("index", "serve"), **each_engine).running() as system:
        yield system


class Searches:
    """So many searches a second over HTTP, whatever the answers, each at its time.

    When a machine has no processor for them, at most LANES wait for their answers and the others begin late: what is
    late is not failed, and `sent` says how many there were. Equal requests must have equal totals, always.
    """

    def __init__(self, base_url: str) -> None:
        self.statuses: Counter[str] = Counter()
        self.refusals: Counter[str] = Counter()
        self.totals: dict[tuple[str, ...], set[int]] = defaultdict(set)
        self.slowest = 0.0
        self._url = f"{base_url}/v1/search"

    @property
    def sent(self) -> int:
        return self.statuses.total()

    async def run(self) -> None:
        numbers = count(1)
        started = time.monotonic()

        async def lane() -> None:
            for number in numbers:
                await asyncio.sleep(max(0.0, started + number / PER_SECOND - time.monotonic()))
                await self._one(http, number)

        timeout = aiohttp.ClientTimeout(total=30)
        async with aiohttp.ClientSession(timeout=timeout) as http, asyncio.TaskGroup() as lanes:
            for _ in range(LANES):
                lanes.create_task(lane())

    async def _one(self, http: aiohttp.ClientSession, number: int) -> None:
        begun = time.monotonic()
        # Neighbours differ, so that no cache answers for the engine.
        query = {"q": QUERIES[number % len(QUERIES)], "page-size": str(1 + number % 10), "page": str(1 + number % 7)}
        try:
            async with http.get(self._url, params=query) as response:
                body = await response.json()
        except (aiohttp.ClientError, TimeoutError) as error:
            self.statuses[type(error).__name__] += 1
            return
        self.statuses[str(response.status)] += 1
        self.slowest = max(self.slowest, time.monotonic() - begun)
        if response.status == 200:
            self.totals[tuple(query.values())].add(body["response"]["total"])
        else:
            self.refusals[str(body.get("detail"))[:120]] += 1


async def reindexed(system: System, client: Any) -> Any:
    """`broadsheet reindex` as an operator runs it; a second one meanwhile is refused."""
    environment = {**os.environ, "BROADSHEET_REDIS_URL": system.valkey.url}
    command = [sys.executable, "-m", "broadsheet", "reindex", "--json"]
    first = await asyncio.create_subprocess_exec(*command, env=environment, stdout=subprocess.PIPE)
    await wait_until(lambda: open_request(client), timeout=20, what="the request")
    with pytest.raises(ReindexBusy):
        await request_reindex(client)
    output, _ = await asyncio.wait_for(first.communicate(), timeout=200)
    assert first.returncode == 0
    return json.loads(output)


async def test_a_reindex_fails_no_search_and_changes_nothing(system: System, client: Any) -> None:
    await commit(client, [report(number) for number in range(ARTICLES)])

    async def announced() -> bool:
        group = (await client.xinfo_groups(ARTICLE_ENRICHED.key))[0]
        return group["pending"] == 0 and group["entries-read"] == ARTICLES

    await wait_until(announced, timeout=120, what="all to be announced")
    environment = system.services["index"].environment
    names = ("BROADSHEET_INDEX_URL", "BROADSHEET_INDEX_KEY")
    where = {name: environment[name] for name in names if name in environment}
    reader = open_index(BaseServiceSettings.model_validate(where), writer=False)
    before, generation = await index_digest(reader), (await reader.stats()).generation
    searches = Searches(system.services["serve"].base_url)
    searching = asyncio.create_task(searches.run())
    await wait_until(lambda: searches.sent >= REQUESTS, timeout=60, what="searches before")
    started, before_it = time.monotonic(), searches.sent
    state = await reindexed(system, client)
    took, during = time.monotonic() - started, searches.sent - before_it
    await wait_until(lambda: searches.sent >= before_it + during + REQUESTS, timeout=60, what="searches after")
    await cancel_and_wait([searching])
    after, stats = await index_digest(reader), await reader.stats()
    await reader.aclose()
    different = {request: totals for request, totals in searches.totals.items() if len(totals) > 1}
    print(
        f"\n{stats.engine}: {state['done']} articles rebuilt and swapped in {took:.1f} s, under {during / took:.0f} of "
        f"{PER_SECOND} searches/s: {during} meanwhile, with those before and after {dict(searches.statuses)}, "
        f"slowest {searches.slowest:.2f} s {dict(searches.refusals)}; "
        f"totals of {len(searches.totals)} requests, {len(different)} changed\n"
        f"digest before {before.hex} ({before.documents}), verified {state['digest']}, after {after.hex}"
    )
    assert set(searches.statuses) == {"200"}
    assert during >= PER_SECOND
    assert len(searches.totals) == REQUESTS
    assert not different
    assert all(min(totals) > 0 for totals in searches.totals.values())
    assert (state["phase"], state["error"]) == ("done", "")
    assert before == after
    assert before.hex == state["digest"]
    assert before.documents == ARTICLES
    assert stats.generation != generation
