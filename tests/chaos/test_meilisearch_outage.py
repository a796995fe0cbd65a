"""Meilisearch away with all services running: ingest goes on, nothing is buried, and the backlog is caught up."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from tests.chaos.outage import PER_SECOND, outage
from tests.chaos.processes import System
from tests.support.meilisearch import Meilisearch

pytestmark = [pytest.mark.chaos, pytest.mark.slow, pytest.mark.timeout(240)]


@pytest.fixture
async def system(own_meilisearch: Meilisearch, tmp_path: Path) -> AsyncIterator[System]:
    async with System(tmp_path, **own_meilisearch.settings).running() as system:
        yield system


async def test_an_outage_of_the_engine_stops_nobody_else(system: System, own_meilisearch: Meilisearch) -> None:
    found = await outage(system, own_meilisearch, 15.0)
    print(f"\n{found}")
    assert found.refusals == []
    assert found.dead == 0
    assert not any(found.exits.values())
    assert found.waiting >= found.acknowledged > 0  # none of them went through meanwhile
    assert set(found.searches) <= {503}
    assert found.documents == found.expected
    assert found.announced == len(found.documents)
    assert found.waiting / found.caught_up >= 2 * PER_SECOND or found.caught_up < 10
    assert found.log_lines < 200
