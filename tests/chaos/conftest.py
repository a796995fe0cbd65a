"""Fixtures of chaos: the whole system in a directory of the test's own, and a client of its Valkey.

A module that needs another system has a `system` of its own.
"""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest

from shared.store import connect
from tests.chaos.processes import System
from tests.support.meilisearch import Meilisearch


@pytest.fixture
async def system(tmp_path: Path) -> AsyncIterator[System]:
    """All services on the embedded engine, ready."""
    async with System(tmp_path).running() as system:
        yield system


@pytest.fixture(params=["embedded", "meilisearch"])
def each_engine(request: pytest.FixtureRequest) -> dict[str, str]:
    """Settings for each engine in turn; those of the embedded one are what a system has by itself."""
    if request.param == "embedded":
        return {}
    server: Meilisearch = request.getfixturevalue("own_meilisearch")
    return server.settings


@pytest.fixture
async def client(system: System) -> AsyncIterator[Any]:
    """Redis, as the services see it."""
    client = connect(system.valkey.url)
    yield client
    await client.aclose()
