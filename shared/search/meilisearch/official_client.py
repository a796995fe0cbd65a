"""Calls through the official client: bootstrap and administration, never the hot path.

That client blocks and opens a connection for each call, so each call runs in a thread with its own client.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import Final, TypeVar

from meilisearch import Client
from meilisearch.errors import MeilisearchApiError, MeilisearchError
from pydantic import ValidationError
from requests import RequestException

from shared.search.errors import SearchUnavailable
from shared.search.meilisearch.client import MeiliClient, failure

Answer = TypeVar("Answer")
SECONDS: Final = 30


async def call(client: MeiliClient, question: Callable[[Client], Answer]) -> Answer:
    """Result of one call on the server of `client`. Raises like MeiliClient."""
    url, key = client.address
    return await asyncio.to_thread(call_sync, url, key, question)


def call_sync(url: str, key: str, question: Callable[[Client], Answer]) -> Answer:
    """Blocking variant of `call`. Raises SearchUnavailable, IndexMissing, QueueFull or Refused."""
    try:
        return question(Client(url, key or None, timeout=SECONDS))
    except MeilisearchApiError as refused:
        raise failure(refused.status_code, {"code": refused.code or "", "message": refused.message}, None) from refused
    except MeilisearchError as unreached:
        raise SearchUnavailable(f"Meilisearch cannot be asked: {unreached.message}"[:500]) from unreached
    except (RequestException, ValidationError, ValueError, TypeError, KeyError, AttributeError) as nonsense:
        raise SearchUnavailable(f"{url} answers, but not what Meilisearch says: {nonsense!r}"[:500]) from nonsense
