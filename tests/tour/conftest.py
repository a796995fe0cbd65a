"""Fixtures of the tour."""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterator
from pathlib import Path
from typing import Any

import pytest

from shared.store import connect
from tests.support.valkey import Valkey
from tests.tour.stack import Stack


@pytest.fixture(scope="module")
def stack(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Stack]:
    directory: Path = tmp_path_factory.mktemp("tour")
    valkey = Valkey(directory / "valkey")
    valkey.start()
    running = Stack(directory, valkey)
    try:
        running.start()
        yield running
        running.stop()
    finally:
        for process in running.processes.values():
            process.kill()
        valkey.stop()


@pytest.fixture
async def client(stack: Stack) -> AsyncIterator[Any]:
    """Redis, as the services see it."""
    made = connect(stack.valkey.url)
    yield made
    await made.aclose()
