"""Ten thousand articles, twenty that Meilisearch will never have, and a server that is killed five times meanwhile."""

from __future__ import annotations

import asyncio
import os
import sys
import time
from collections import Counter
from collections.abc import AsyncIterator, Iterator
from pathlib import Path
from typing import Any

import pytest

from shared.events import about
from shared.search import open_index
from shared.search.errors import IndexMissing, SearchUnavailable
from shared.search.filters import In
from shared.search.port import SearchIndex, SearchPage, SearchQuery
from shared.settings import BaseServiceSettings
from shared.store import PublicationLog, connect, keys
from shared.tasks import cancel_and_wait
from shared.topology import ARTICLE_ENRICHED, PUBLICATIONS
from tests.chaos.enriched import commit, report
from tests.chaos.evidence import dead_letters, whole_store
from tests.chaos.poisoned_index import FAULTY, SPOILT
from tests.chaos.processes import Service
from tests.chaos.sizes import sized
from tests.support.builders import wait_until
from tests.support.meilisearch import Meilisearch
from tests.support.valkey import Valkey, free_port

pytestmark = [pytest.mark.chaos, pytest.mark.slow, pytest.mark.timeout(600)]  # on a busy machine

ARTICLES, KILLS = sized(10_000, 3_000), sized(5, 2)
POISON = {"index-invalid": 7, "too large for the server": 4, "refused by its task": 9}
PAYLOAD_LIMIT = 2_000_000


@pytest.fixture
def server(tmp_path: Path) -> Iterator[Meilisearch]:
    server = Meilisearch(tmp_path / "meilisearch", options=("--http-payload-size-limit", str(PAYLOAD_LIMIT)))
    server.start()
    yield server
    server.kill()


def settings(valkey: Valkey, server: Meilisearch) -> dict[str, str]:
    return {"BROADSHEET_REDIS_URL": valkey.url, **server.settings}


@pytest.fixture
async def index(own_valkey: Valkey, server: Meilisearch, tmp_path: Path) -> AsyncIterator[Service]:
    port = free_port()
    environment = {
        **os.environ,
        **settings(own_valkey, server),
        "BROADSHEET_ENVIRONMENT": "local",
        "BROADSHEET_LOG_FORMAT": "json",
        "BROADSHEET_RECLAIM_IDLE_MS": "1500",
        "INDEX_HEALTH_PORT": str(port),
        "PYTHONPATH": str(Path(__file__).parents[2]),
    }
    module = Path(__file__).with_name("poisoned_index.py")
    service = Service("index", [sys.executable, str(module)], port, environment, tmp_path / "index.log")
    service.start()
    yield service
    assert service.process is not None
    if service.alive():
        service.kill()
    service.process.wait(timeout=10)


@pytest.fixture
async def client(own_valkey: Valkey) -> AsyncIterator[Any]:
    client = connect(own_valkey.url)
    yield client
    await client.aclose()


@pytest.fixture
async def reader(own_valkey: Valkey, server: Meilisearch) -> AsyncIterator[SearchIndex]:
    reader = open_index(BaseServiceSettings.model_validate(settings(own_valkey, server)), writer=False)
    yield reader
    await reader.aclose()


class Watch:
    """Reads the log as it grows and asks the engine at once for what was announced."""

    def __init__(self, client: Any, reader: SearchIndex) -> None:
        self.announced: list[str] = []
        self.early: list[str] = []
        self.outages = 0
        self._log, self._reader = PublicationLog(client), reader

    async def run(self) -> None:
        cursor = "0-0"
        while True:
            entries = await self._log.read(cursor, count=100, block_ms=500)
            if entries:
                cursor = entries[-1].cursor
                ids = [about(entry.event).id for entry in entries]
                self.announced += ids
                page = await self._found(SearchQuery(filter=In("id", tuple(ids)), limit=100))
                self.early += sorted(set(ids) - {hit.card.id for hit in page.hits})

    async def _found(self, query: SearchQuery) -> SearchPage:
        while True:
            try:
                return await self._reader.search(query)
            except (SearchUnavailable, IndexMissing):
                self.outages += 1
                await asyncio.sleep(0.05)


async def kill_all_over(server: Meilisearch, watch: Watch, index: Service) -> list[int]:
    """Kill at even steps of the load, each until the index service met it; how many were announced at each."""
    at: list[int] = []

    def met() -> int:
        log = index.log.read_text()
        return log.count("index.task_poll_failed") + log.count("worker.paused")

    for kill in range(1, KILLS + 1):
        step = ARTICLES * kill // (KILLS + 1)
        await wait_until(lambda step=step: len(watch.announced) >= step, timeout=150, what=f"{step} announcements")
        before = met()
        await asyncio.to_thread(server.kill)
        at.append(len(watch.announced))
        await wait_until(lambda before=before: met() > before, timeout=20, what="the kill to meet work")
        await asyncio.to_thread(server.start)
    return at


def load() -> list[Any]:
    """The articles, with poison all over them."""
    spoilers = [
        *({"title": f"{FAULTY} {n}"} for n in range(POISON["index-invalid"])),
        *({"dek": "x" * (PAYLOAD_LIMIT + 1)} for _ in range(POISON["too large for the server"])),
        *({"title": f"{SPOILT} {n}"} for n in range(POISON["refused by its task"])),
    ]
    places = [(ARTICLES * number + ARTICLES // 3) // len(spoilers) for number in range(len(spoilers))]
    # Two stand side by side, so that one half of a batch holds more than one.
    places[-1] = places[-2] + 1
    poison = dict(zip(places, spoilers, strict=True))
    return [report(number, **poison.get(number, {})) for number in range(ARTICLES)]


async def test_twenty_poison_documents_among_ten_thousand_while_the_server_is_killed(
    index: Service, client: Any, reader: SearchIndex, server: Meilisearch
) -> None:
    articles = load()
    number = sum(POISON.values())
    bad = {a.id for a in articles if a.title.startswith((FAULTY, SPOILT)) or len(a.dek) > PAYLOAD_LIMIT}
    assert len(bad) == number
    watch = Watch(client, reader)
    watching = asyncio.create_task(watch.run())
    started = time.monotonic()
    killing = asyncio.create_task(kill_all_over(server, watch, index))
    await commit(client, articles)
    committed = time.monotonic()
    kills = await killing

    async def finished() -> bool:
        assert index.alive(), index.log.read_text()[-2000:]
        group = (await client.xinfo_groups(ARTICLE_ENRICHED.key))[0]
        return group["pending"] == 0 and group["entries-read"] == ARTICLES

    await wait_until(finished, timeout=240, what="an end for every entry")
    over = time.monotonic()
    length = await client.xlen(PUBLICATIONS.key)
    await wait_until(lambda: len(watch.announced) >= length, timeout=30, what="the watch to catch up")
    await cancel_and_wait([watching])

    letters = await dead_letters(client)
    rules = Counter(letter["dead_rule"] for letter in letters)
    documents = {ident: rev async for ident, rev in reader.documents()}
    log = index.log.read_text()
    print(
        f"\nmeilisearch {server.version()}: {ARTICLES} articles ({committed - started:.1f} s to commit), {number} of "
        f"them poison; {KILLS} SIGKILLs after {kills} announcements; all ended after {over - started:.1f} s\n"
        f"{len(documents)} searchable, {len(watch.announced)} announced, {len(watch.early)} too early "
        f"({watch.outages} looks met an outage); {len(letters)} dead letters {dict(rules)}; "
        f"{log.count('index.task_poll_failed')} failed task polls, {log.count('worker.paused')} pauses of the "
        f"worker, {log.count('index.batch_lost')} batches lost\n"
        + "\n".join(sorted({letter["dead_reason"][:110] for letter in letters}))
    )
    assert len(letters) == number
    assert rules == {"index-invalid": POISON["index-invalid"], "index-rejected": number - POISON["index-invalid"]}
    assert all(letter["dead_reason"] for letter in letters)
    assert set(documents) == {article.id for article in articles} - bad
    assert sorted(watch.announced) == sorted(documents)  # each once, none of the poison
    assert watch.early == []
    stored = await whole_store(client)
    assert {ident for ident, row in stored.items() if row.published_rev} == set(documents)
    assert not await client.hlen(keys.INDEX_WRITES)
