"""The index service as a real process: visible before announced, rebuilt when its index is gone or when asked."""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
import sys
from collections.abc import AsyncIterator, Iterator
from pathlib import Path
from typing import Any

import pytest

from services.index.settings import IndexSettings
from shared.events import about
from shared.search import open_index
from shared.search.port import SearchQuery
from shared.store import PublicationLog, connect
from shared.store.articles.redis import RedisArticleStore
from shared.store.index_jobs.reindex import progress, request_reindex
from shared.topology import PUBLICATIONS
from tests.support.builders import wait_until
from tests.support.valkey import Valkey
from tests.unit.index.enriched import enrich, pending

pytestmark = [pytest.mark.redis, pytest.mark.slow, pytest.mark.timeout(120)]


class Service:
    """`python -m services.index.app` on a directory of its own."""

    def __init__(self, url: str, directory: Path) -> None:
        self.directory = directory / "index"
        self.log = directory / "index.log"
        self._environment = {
            **os.environ,
            "BROADSHEET_REDIS_URL": url,
            "BROADSHEET_INDEX_URL": f"embedded:{self.directory}",
            "BROADSHEET_ENVIRONMENT": "local",
            "BROADSHEET_RECLAIM_IDLE_MS": "500",
            "INDEX_HEALTH_PORT": "0",
        }
        self.process: subprocess.Popen[bytes] | None = None

    def start(self) -> None:
        with self.log.open("ab") as output:
            self.process = subprocess.Popen(
                [sys.executable, "-m", "services.index.app"],
                env=self._environment,
                stdout=output,
                stderr=subprocess.STDOUT,
            )

    def end(self, number: signal.Signals = signal.SIGTERM) -> int:
        assert self.process is not None
        self.process.send_signal(number)
        return self.process.wait(timeout=20)

    async def revisions(self) -> dict[str, int]:
        """What a reader of its own finds."""
        reader = open_index(
            IndexSettings.model_validate({"BROADSHEET_INDEX_URL": f"embedded:{self.directory}"}), writer=False
        )
        try:
            return dict([row async for row in reader.documents()])
        finally:
            await reader.aclose()


@pytest.fixture
def service(own_valkey: Valkey, tmp_path: Path) -> Iterator[Service]:
    service = Service(own_valkey.url, tmp_path)
    yield service
    if service.process is not None and service.process.poll() is None:
        service.end(signal.SIGKILL)


@pytest.fixture
async def client(own_valkey: Valkey) -> AsyncIterator[Any]:
    client = connect(own_valkey.url)
    yield client
    await client.aclose()


async def announced(client: Any, count: int) -> None:
    async def reached() -> bool:
        return int(await client.xlen(PUBLICATIONS.key)) >= count

    await wait_until(reached, timeout=40, what=f"{count} publications")


async def test_whatever_is_in_the_log_can_be_found(client: Any, service: Service) -> None:
    store = RedisArticleStore(client)
    service.start()
    articles = [await enrich(client, store, f"a{number}") for number in range(30)]
    reader = open_index(
        IndexSettings.model_validate({"BROADSHEET_INDEX_URL": f"embedded:{service.directory}"}), writer=False
    )
    cursor, checked = "0-0", 0
    publications = PublicationLog(client)
    while checked < len(articles):
        for entry in await publications.read(cursor, block_ms=2000):
            cursor, checked = entry.cursor, checked + 1
            found = dict([row async for row in reader.documents()])
            assert found[about(entry.event).id] >= about(entry.event).rev  # visible before announced
    page = await reader.search(SearchQuery(text="ferry", limit=50))
    assert {hit.card.id for hit in page.hits} == {article.id for article in articles}
    await reader.aclose()
    assert service.end() == 0
    assert await pending(client) == 0


async def test_a_killed_service_goes_on_where_it_was(client: Any, service: Service) -> None:
    store = RedisArticleStore(client)
    service.start()
    for number in range(40):
        await enrich(client, store, f"a{number}")
        if number == 20:
            await announced(client, 5)
            service.end(signal.SIGKILL)
            service.start()
    await announced(client, 40)
    log = await PublicationLog(client).read("0-0", count=200)
    assert len({about(entry.event).id for entry in log}) == len(log) == 40
    assert len(await service.revisions()) == 40


async def test_a_deleted_index_is_rebuilt_at_start(client: Any, service: Service) -> None:
    store = RedisArticleStore(client)
    service.start()
    articles = [await enrich(client, store, f"a{number}") for number in range(20)]
    await announced(client, 20)
    assert service.end() == 0
    shutil.rmtree(service.directory)
    service.start()
    await enrich(client, store, "later")
    await announced(client, 21)
    assert {article.id for article in articles} < set(await service.revisions())
    assert "index.rebuilt" in service.log.read_text()


async def test_a_reindex_on_request(client: Any, service: Service) -> None:
    store = RedisArticleStore(client)
    service.start()
    for number in range(20):
        await enrich(client, store, f"a{number}")
    await announced(client, 20)
    before = await service.revisions()
    request_id = await request_reindex(client)

    async def over() -> Any:
        state = await progress(client, request_id)
        return state if state and state.finished else None

    state = await wait_until(over, timeout=30, what="the reindex")
    assert (state.phase, state.done, state.total, state.error) == ("done", 20, 20, "")
    assert await service.revisions() == before
    assert service.end() == 0
