"""All services against a real Meilisearch that is killed under load: nothing is lost, nothing announced too early."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import httpx
import pytest

from shared.events import about
from shared.search import open_index
from shared.search.errors import SearchUnavailable
from shared.search.filters import Eq
from shared.search.port import SearchIndex, SearchQuery
from shared.settings import BaseServiceSettings
from shared.store import Credentials, PublicationLog
from shared.tasks import cancel_and_wait
from tests.chaos.evidence import dead_letters, unfinished, whole_log, whole_store
from tests.chaos.ledger import Ledger
from tests.chaos.processes import System
from tests.chaos.producer import Producer, plan
from tests.support.builders import wait_until
from tests.support.meilisearch import Meilisearch

pytestmark = [pytest.mark.chaos, pytest.mark.slow, pytest.mark.timeout(300)]

QUIET, LOADED, KILLS = 50, 300, 3
LOAD_SECONDS = 18.0


@pytest.fixture
async def system(own_meilisearch: Meilisearch, tmp_path: Path) -> AsyncIterator[System]:
    async with System(tmp_path, **own_meilisearch.settings).running() as system:
        yield system


@pytest.fixture
async def reader(own_meilisearch: Meilisearch) -> AsyncIterator[SearchIndex]:
    reader = open_index(BaseServiceSettings.model_validate(own_meilisearch.settings), writer=False)
    yield reader
    await reader.aclose()


class Watch:
    """Reads the log as it grows and asks the engine at once for what was announced."""

    def __init__(self, client: Any, reader: SearchIndex) -> None:
        self.at_once = self.after_outage = 0
        self.early: list[str] = []
        self._log, self._reader = PublicationLog(client), reader

    async def run(self) -> None:
        cursor = "0-0"
        while True:
            for entry in await self._log.read(cursor, block_ms=500):
                cursor = entry.cursor
                await self._look(about(entry.event).id, about(entry.event).rev)

    async def _look(self, ident: str, rev: int) -> None:
        waited = False
        while True:
            try:
                page = await self._reader.search(SearchQuery(filter=Eq("id", ident), limit=1))
                break
            except SearchUnavailable:
                waited = True
                await asyncio.sleep(0.05)
        self.at_once += not waited
        self.after_outage += waited
        if not page.hits or page.hits[0].card.rev < rev:
            self.early.append(f"{ident} {rev}")


async def converged(client: Any, reader: SearchIndex) -> bool:
    """Whether no work is left and the index holds what the store published."""
    if await unfinished(client):
        return False
    stored = {ident: row.published_rev for ident, row in (await whole_store(client)).items()}
    return {ident: rev async for ident, rev in reader.documents()} == stored


async def kill_all_over(server: Meilisearch, kills: int, seconds: float) -> None:
    for _ in range(kills):
        await asyncio.sleep(seconds / (kills + 1))
        await asyncio.to_thread(server.kill)
        await asyncio.sleep(0.5)
        await asyncio.to_thread(server.start)


async def test_nothing_is_lost_and_nothing_is_announced_before_it_is_found(
    system: System, client: Any, reader: SearchIndex, own_meilisearch: Meilisearch
) -> None:
    print(f"\nmeilisearch {own_meilisearch.version()}")
    key, _ = await Credentials(client).create("chaos", frozenset({"ingest"}), sources={"*"})
    ledger = Ledger()
    producer = Producer(system.services["ingest"].base_url, key, ledger)
    watch = Watch(client, reader)
    watching, keeping = asyncio.create_task(watch.run()), asyncio.create_task(system.keep_running())

    await producer.send(plan(QUIET, 1), seconds=3, give_up_after=60)
    await wait_until(lambda: converged(client, reader), timeout=60, what="the quiet load to be searchable")
    assert (await reader.stats()).documents == QUIET
    assert (watch.early, watch.after_outage) == ([], 0)

    killing = asyncio.create_task(kill_all_over(own_meilisearch, KILLS, LOAD_SECONDS))
    await producer.send(plan(LOADED, 2), seconds=LOAD_SECONDS, give_up_after=120)
    await killing
    over = time.monotonic()
    await wait_until(lambda: converged(client, reader), timeout=90, what="index = store")
    took = time.monotonic() - over

    log = await whole_log(client)
    await wait_until(lambda: watch.at_once + watch.after_outage >= len(log), timeout=30, what="the watch to catch up")
    latest = ledger.latest()
    documents = {ident: rev async for ident, rev in reader.documents()}
    print(
        f"{len(ledger.acks)} acknowledgements of {len(latest)} articles, {KILLS} SIGKILLs of Meilisearch; {len(log)} "
        f"events, {watch.at_once} looked up at once, {watch.after_outage} after an outage, "
        f"{len(watch.early)} too early; {len(documents)} documents; index = store {took:.1f} s after the load"
    )
    assert producer.refusals == []
    assert await dead_letters(client) == []
    assert watch.early == []
    assert watch.at_once > QUIET
    outages = system.tail("index", 10**7).count("Meilisearch")
    assert outages, "no kill met work"
    assert {ident: ack.rev for ident, ack in latest.items()} == documents
    assert len(latest) == QUIET + LOADED
    assert len({(event.article_id, event.rev) for event in log}) == len(log)
    await system.all_ready()
    async with httpx.AsyncClient(base_url=system.services["serve"].base_url, timeout=10.0) as http:
        assert (await http.get("/v1/search", params={"duplicates": "all"})).json()["response"]["total"] == len(
            documents
        )
        some = next(iter(latest.values()))
        found = (await http.get("/v1/search", params={"q": some.title, "page-size": "5", "duplicates": "all"})).json()[
            "response"
        ]["results"]
        assert some.article_id in {row["id"] for row in found}
        related = (await http.get(f"/v1/articles/{some.article_id}/related")).json()["response"]["results"]
        assert related
    await cancel_and_wait((watching, keeping))
