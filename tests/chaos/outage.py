"""Meilisearch away for a while, with all services running and a producer that goes on.

`python -m tests.chaos.outage 600` runs the ten minutes of fault F16; the test runs the same with a short outage.
"""

from __future__ import annotations

import asyncio
import sys
import tempfile
import time
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import httpx

from shared.search import open_index
from shared.settings import BaseServiceSettings
from shared.store import Credentials, connect
from shared.tasks import cancel_and_wait
from tests.chaos.evidence import dead_letters, unfinished, whole_log, whole_store
from tests.chaos.ledger import Ledger
from tests.chaos.processes import System
from tests.chaos.producer import Producer, plan
from tests.support.builders import wait_until
from tests.support.meilisearch import Meilisearch

PER_SECOND = 3.0
_CATCH_UP_SECONDS = 180.0


@dataclass
class Outage:
    """What an outage of `seconds` did."""

    seconds: float
    acknowledged: int = 0
    refusals: list[str] = field(default_factory=list)
    slowest_ack: float = 0.0
    waiting: int = 0
    """Entries that waited when the server came back."""
    caught_up: float = 0.0
    announced: int = 0
    documents: dict[str, int] = field(default_factory=dict)
    expected: dict[str, int] = field(default_factory=dict)
    dead: int = 0
    exits: dict[str, int] = field(default_factory=dict)
    searches: dict[int, int] = field(default_factory=dict)
    kilobytes: list[int] = field(default_factory=list)
    """Resident memory of the index service: before, at the end of the outage, after."""
    log_lines: int = 0
    """Lines the index service logged during the outage."""

    def __str__(self) -> str:
        rate = self.waiting / self.caught_up if self.caught_up else 0.0
        return (
            f"Meilisearch away for {self.seconds:.0f} s: {self.acknowledged} articles acknowledged meanwhile, "
            f"{len(self.refusals)} refused; search answered {self.searches}; {self.waiting} entries waited; caught up "
            f"{self.caught_up:.1f} s after it was back ({rate:.0f}/s, producer {PER_SECOND:.0f}/s); "
            f"{self.announced} announced, {len(self.documents)} documents, {self.dead} dead letters, "
            f"exits {self.exits}; index service {self.kilobytes} kB resident, {self.log_lines} log lines"
        )


async def outage(system: System, server: Meilisearch, seconds: float) -> Outage:
    """Stop the server for so long, start it again, and wait until all is searchable."""
    found = Outage(seconds)
    client = connect(system.valkey.url)
    key, _ = await Credentials(client).create("outage", frozenset({"ingest"}), sources={"*"})
    ledger = Ledger()
    producer = Producer(system.services["ingest"].base_url, key, ledger)
    await producer.send(plan(30, 1), seconds=3, give_up_after=60)
    await wait_until(lambda: _nothing_left(client), timeout=60, what="the quiet load")
    found.kilobytes.append(_resident(system))
    before = len(ledger.latest())
    lines = system.services["index"].log.read_text().count("\n")
    await asyncio.to_thread(server.kill)
    asking = asyncio.create_task(_search(system, found))
    count = int(seconds * PER_SECOND / 1.4)  # a plan repeats and updates some
    await producer.send(plan(count, 2), seconds=seconds, give_up_after=seconds + 60)
    await cancel_and_wait([asking])
    found.acknowledged, found.refusals = len(ledger.latest()) - before, producer.refusals
    found.kilobytes.append(_resident(system))
    found.log_lines = system.services["index"].log.read_text().count("\n") - lines
    found.waiting = await unfinished(client, unread=100_000)  # an index that holds back reads none
    await asyncio.to_thread(server.start)
    back = time.monotonic()
    await wait_until(lambda: _nothing_left(client), timeout=_CATCH_UP_SECONDS, what="the backlog to be searchable")
    found.caught_up = time.monotonic() - back
    found.kilobytes.append(_resident(system))
    await _compare(client, server, ledger, found)
    found.exits = {name: len(service.exits) for name, service in system.services.items()}
    await client.aclose()
    return found


async def _search(system: System, found: Outage) -> None:
    async with httpx.AsyncClient(base_url=system.services["serve"].base_url, timeout=10.0) as http:
        while True:
            status = (await http.get("/v1/search", params={"q": "ferry"})).status_code
            found.searches[status] = found.searches.get(status, 0) + 1
            await asyncio.sleep(1.0)


async def _compare(client: Any, server: Meilisearch, ledger: Ledger, found: Outage) -> None:
    reader = open_index(BaseServiceSettings.model_validate(server.settings), writer=False)
    found.documents = {ident: rev async for ident, rev in reader.documents()}
    await reader.aclose()
    found.expected = {ident: row.published_rev for ident, row in (await whole_store(client)).items()}
    found.announced = len({event.article_id for event in await whole_log(client)})
    found.dead = len(await dead_letters(client))
    latest = {ident: ack.rev for ident, ack in ledger.latest().items()}
    assert latest == found.expected, "the store lost something"


async def _nothing_left(client: Any) -> bool:
    return not await unfinished(client)


def _resident(system: System) -> int:
    process = system.services["index"].process
    assert process is not None
    status = Path(f"/proc/{process.pid}/status").read_text()
    return int(status.partition("VmRSS:")[2].split()[0])


async def main(seconds: float) -> None:
    """Run it once in a directory of its own and print what came of it."""
    with tempfile.TemporaryDirectory() as name:
        server = Meilisearch(Path(name) / "meilisearch")
        server.start()
        try:
            async with System(Path(name), **server.settings).running() as system:
                print(f"meilisearch {server.version()}", flush=True)
                print(await outage(system, server, seconds), flush=True)
        finally:
            server.kill()


if __name__ == "__main__":
    asyncio.run(main(float(sys.argv[1])))
