"""Two index services on one Redis and one Meilisearch: the second waits, and takes over when the first dies."""

from __future__ import annotations

import time
from collections.abc import AsyncIterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import httpx
import pytest

from shared.topology import ARTICLE_ENRICHED
from tests.chaos.enriched import commit, report
from tests.chaos.evidence import whole_log
from tests.chaos.processes import Service, System
from tests.support.builders import wait_until
from tests.support.meilisearch import Meilisearch
from tests.support.valkey import free_port

pytestmark = [pytest.mark.chaos, pytest.mark.slow, pytest.mark.timeout(180)]

FIRST, LATER = 200, 200


@pytest.fixture
async def system(own_meilisearch: Meilisearch, tmp_path: Path) -> AsyncIterator[System]:
    system = System(tmp_path, only=("index",), **own_meilisearch.settings)
    port = free_port()
    first = system.services["index"]
    environment = first.environment | {"INDEX_HEALTH_PORT": str(port)}
    second = replace(first, name="second", port=port, environment=environment, log=tmp_path / "second.log")
    async with system.running():
        system.services["second"] = second
        yield system


def said(service: Service, event: str) -> bool:
    return service.log.exists() and event in service.log.read_text()


async def test_a_second_index_service_waits_for_the_first(system: System, client: Any) -> None:
    first, second = system.services["index"], system.services["second"]

    async def announced(count: int) -> bool:
        group = (await client.xinfo_groups(ARTICLE_ENRICHED.key))[0]
        return group["pending"] == 0 and group["entries-read"] == count

    await commit(client, [report(number) for number in range(FIRST)])
    second.start()
    await wait_until(lambda: said(second, "holds index-writer"), timeout=40, what="the second to meet the lease")
    await wait_until(lambda: announced(FIRST), timeout=60, what="the first to index")
    async with httpx.AsyncClient() as http:
        assert await first.ready(http)
        assert not await second.ready(http)
    assert not said(second, "worker.started")

    first.kill()  # its lease runs out by itself
    killed = time.monotonic()
    await commit(client, [report(number) for number in range(FIRST, FIRST + LATER)])
    await wait_until(lambda: said(second, "worker.started"), timeout=40, what="the second to take over")
    took = time.monotonic() - killed
    await wait_until(lambda: announced(FIRST + LATER), timeout=60, what="the second to index")
    print(f"\nthe second index service took over {took:.1f} s after the SIGKILL of the first")
    assert len({event.article_id for event in await whole_log(client)}) == FIRST + LATER
    assert len(await whole_log(client)) == FIRST + LATER
