"""An index on the real Meilisearch, through a client that can change what is sent and what comes back."""

from __future__ import annotations

import secrets
from collections.abc import AsyncIterator

import pytest

from shared.search.meilisearch import MeiliIndex
from tests.contracts.search_contract import SPEC
from tests.support.meilisearch import Meilisearch
from tests.support.tampered import Tampered


@pytest.fixture
async def client(meilisearch: Meilisearch) -> AsyncIterator[Tampered]:
    """The client that `index` writes and reads through."""
    client = Tampered(meilisearch)
    yield client
    await client.aclose()


@pytest.fixture
async def index(client: Tampered) -> MeiliIndex:
    """An empty index."""
    index = MeiliIndex(client, uid=f"tampered_{secrets.token_hex(4)}", writer=True)
    await index.ensure(SPEC)
    return index
