"""Fixtures. Nothing is ever imported from here; plain pieces live in builders.py, valkey.py and material.py."""

from __future__ import annotations

import os
from collections.abc import AsyncIterator, Iterator
from pathlib import Path
from typing import Any

import hypothesis
import pytest

from shared.store.articles.redis import RedisArticleStore
from tests.support.meilisearch import Meilisearch
from tests.support.valkey import Valkey, emptied


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption("--whole", action="store_true", help="chaos tests at their whole size: about 20 minutes")
    parser.addoption(
        "--feedvalidator", help="PYTHON:DIRECTORY of the W3C feed validator, DIRECTORY the one that holds its package"
    )


def pytest_configure(config: pytest.Config) -> None:
    """Before any test module is read: the sizes of the chaos tests are constants of theirs."""
    if config.getoption("--whole"):
        os.environ["CHAOS_WHOLE"] = "1"
    # How fast examples are made says how busy the machine is, and nothing about the code.
    hypothesis.settings.register_profile(
        "any-machine", deadline=None, suppress_health_check=[hypothesis.HealthCheck.too_slow]
    )
    hypothesis.settings.load_profile("any-machine")


@pytest.hookimpl(optionalhook=True)
def pytest_xdist_make_scheduler(config: pytest.Config, log: Any) -> Any:
    """Only with `-n`: the plugin is there then."""
    from tests.support.workers import ByFile

    return ByFile(config, log)


@pytest.fixture(scope="session")
def valkey(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Valkey]:
    """One private Valkey for the session; tests that kill or reconfigure a server make their own with `own_valkey`."""
    server = Valkey(tmp_path_factory.mktemp("valkey"))
    server.start()
    yield server
    server.stop()


@pytest.fixture
def own_valkey(tmp_path: Path) -> Iterator[Valkey]:
    """A Valkey of the test's own, already started."""
    server = Valkey(tmp_path / "valkey")
    server.start()
    yield server
    server.kill()


@pytest.fixture
async def redis_client(valkey: Valkey) -> AsyncIterator[Any]:
    """A client of an emptied database."""
    async with emptied(valkey) as client:
        yield client


@pytest.fixture
def store(redis_client: Any) -> RedisArticleStore:
    """The article store on an emptied database."""
    return RedisArticleStore(redis_client)


@pytest.fixture(scope="session")
def meilisearch(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Meilisearch]:
    """One private Meilisearch for the session; each test has an index of its own on it."""
    server = Meilisearch(tmp_path_factory.mktemp("meilisearch"))
    server.start()
    print(f"\nmeilisearch {server.version()} at {server.url}")
    yield server
    server.stop()


@pytest.fixture
def own_meilisearch(tmp_path: Path) -> Iterator[Meilisearch]:
    """A Meilisearch of the test's own, already started."""
    server = Meilisearch(tmp_path / "meilisearch")
    server.start()
    yield server
    server.kill()
