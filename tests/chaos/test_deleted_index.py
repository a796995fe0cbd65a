"""The index deleted below the running services: searches say so until all of it is back, and nothing is lost."""

from __future__ import annotations

import asyncio
import shutil
import time
from collections import Counter
from collections.abc import AsyncIterator, Awaitable, Callable
from pathlib import Path
from typing import Any

import httpx
import pytest

from shared.search import open_index
from shared.settings import BaseServiceSettings
from shared.tasks import cancel_and_wait
from shared.topology import ARTICLE_ENRICHED
from tests.chaos.enriched import commit, report
from tests.chaos.evidence import dead_letters, whole_log, whole_store
from tests.chaos.processes import System
from tests.support.builders import wait_until
from tests.support.meilisearch import Meilisearch

pytestmark = [pytest.mark.chaos, pytest.mark.slow, pytest.mark.timeout(240)]

BEFORE, LATER = 600, 60

Delete = Callable[[], Awaitable[None]]


@pytest.fixture
async def system(each_engine: dict[str, str], tmp_path: Path) -> AsyncIterator[System]:
    async with System(tmp_path, only=("index", "serve"), **each_engine).running() as system:
        yield system


@pytest.fixture
def delete(request: pytest.FixtureRequest, system: System) -> Delete:
    """Delete the index as an operator's mistake would."""

    async def files() -> None:
        await asyncio.to_thread(shutil.rmtree, system.index_directory)

    async def index() -> None:
        server: Meilisearch = request.getfixturevalue("own_meilisearch")
        async with httpx.AsyncClient(
            base_url=server.url, headers={"Authorization": f"Bearer {server.key}"}, timeout=20.0
        ) as http:
            (await http.delete("/indexes/articles")).raise_for_status()

    return files if system.index_directory.exists() else index


class Searches:
    """Asks for everything, again and again: what was answered, and the fewest articles that were called all."""

    def __init__(self, base_url: str) -> None:
        self.statuses: Counter[int] = Counter()
        self.totals: set[int] = set()
        self._url = base_url

    async def run(self) -> None:
        async with httpx.AsyncClient(base_url=self._url, timeout=20.0) as http:
            while True:
                answer = await http.get("/v1/search", params={"page-size": 1})
                self.statuses[answer.status_code] += 1
                if answer.status_code == 200:
                    self.totals.add(answer.json()["response"]["total"])
                await asyncio.sleep(0.02)


async def test_a_deleted_index_is_not_there_until_all_of_it_is(system: System, client: Any, delete: Delete) -> None:
    articles = [report(number) for number in range(BEFORE + LATER)]
    await commit(client, articles[:BEFORE])

    async def ended(count: int) -> bool:
        group = (await client.xinfo_groups(ARTICLE_ENRICHED.key))[0]
        return group["pending"] == 0 and group["entries-read"] == count

    await wait_until(lambda: ended(BEFORE), timeout=60, what="all to be announced")
    searches = Searches(system.services["serve"].base_url)
    searching = asyncio.create_task(searches.run())
    await wait_until(lambda: searches.statuses[200] > 0, timeout=20, what="searches before")
    started = time.monotonic()
    await delete()
    await commit(client, articles[BEFORE:])
    await wait_until(lambda: searches.statuses[503] > 0, timeout=20, what="searches to miss the index")
    found = searches.statuses[200]
    await wait_until(lambda: searches.statuses[200] > found, timeout=90, what="the index to be back")
    back = time.monotonic() - started
    await wait_until(lambda: ended(BEFORE + LATER), timeout=90, what="the later articles to be announced")
    took = time.monotonic() - started
    await cancel_and_wait([searching])

    environment = system.services["index"].environment
    names = ("BROADSHEET_INDEX_URL", "BROADSHEET_INDEX_KEY")
    where = {name: environment[name] for name in names if name in environment}
    reader = open_index(BaseServiceSettings.model_validate(where), writer=False)
    documents = {ident: rev async for ident, rev in reader.documents()}
    engine = (await reader.stats()).engine
    await reader.aclose()
    print(
        f"\n{engine}: deleted with {BEFORE} articles in it and {LATER} to come; back after {back:.1f} s, all announced "
        f"after {took:.1f} s; searches answered {dict(searches.statuses)}, the fewest hits were {min(searches.totals)}"
    )
    assert set(searches.statuses) == {200, 503}
    assert min(searches.totals) >= BEFORE
    assert documents == {ident: row.published_rev for ident, row in (await whole_store(client)).items()}
    assert len(documents) == BEFORE + LATER
    announced = [event.article_id for event in await whole_log(client)]
    assert sorted(announced) == sorted(documents)
    assert not await dead_letters(client)
    assert all(service.alive() for service in system.services.values())
