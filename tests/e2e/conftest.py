"""The stack that the tests of the command line share, one for each module of them."""

from __future__ import annotations

import json
from collections.abc import Iterator

import pytest

from tests.e2e.running_stack import FREE_PORTS, RunningStack, broadsheet


@pytest.fixture(scope="module")
def stack(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RunningStack]:
    """Started in the background by the CLI itself, and ended by it."""
    data = tmp_path_factory.mktemp("cli") / "data"
    started = broadsheet(data, "up", "--detach", *FREE_PORTS, timeout=120)
    assert started.returncode == 0, started.stdout + started.stderr
    assert "self-check ok" in started.stdout
    yield RunningStack(data)
    stopped = broadsheet(data, "down")
    assert stopped.returncode == 0, stopped.stderr
    assert json.loads(broadsheet(data, "down", "--json").stdout) == {"running": False}
