"""Fixtures of the search behaviour suite: each engine, opened empty, and with the newsroom in it."""

from __future__ import annotations

import dataclasses
from collections.abc import AsyncIterator
from functools import partial
from pathlib import Path

import pytest

from shared.search.port import EnsureResult, SearchIndex
from tests.contracts.search_contract import ENGINES, SPEC, Engine, newsroom, on_server, put

# A real server takes its time over each write: that engine is left out of the fast suite, not out of the suite.
_PARAMS = [pytest.param(one, id=one.name, marks=[pytest.mark.slow] if one.open is None else []) for one in ENGINES]


@pytest.fixture(params=_PARAMS)
def engine(request: pytest.FixtureRequest) -> Engine:
    if request.param.missing:
        pytest.skip(request.param.missing)
    if request.param.open is not None:
        return request.param
    server = request.getfixturevalue("meilisearch")
    return dataclasses.replace(request.param, open=partial(on_server, server))


@pytest.fixture
async def index(engine: Engine, tmp_path: Path) -> AsyncIterator[SearchIndex]:
    """An empty index, opened for writing."""
    opened = engine.open(tmp_path / "index", True)
    assert await opened.ensure(SPEC) is EnsureResult.CREATED
    yield opened
    await opened.aclose()


@pytest.fixture
async def news(index: SearchIndex) -> SearchIndex:
    """The seven articles of the newsroom, visible."""
    await put(index, *newsroom())
    return index
