"""Fixtures of the tests of serve: its API over ASGI, on a real store and a fake engine."""

from __future__ import annotations

from collections.abc import AsyncIterator
from typing import Any

import httpx
import pytest

from tests.support.fakes import FakeSearchIndex
from tests.support.serving import asgi, new_app
from tests.support.valkey import Valkey


@pytest.fixture
def index() -> FakeSearchIndex:
    """The engine that `api` searches."""
    return FakeSearchIndex()


@pytest.fixture
def changed_settings() -> dict[str, Any]:
    """Settings of serve; a module that wants others has its own."""
    return {}


@pytest.fixture
async def api(
    valkey: Valkey, redis_client: Any, index: FakeSearchIndex, changed_settings: dict[str, Any]
) -> AsyncIterator[httpx.AsyncClient]:
    """A client of serve on an empty store."""
    async with asgi(new_app(valkey.url, index, **changed_settings)) as client:
        yield client
