"""Declares the consumer groups, makes the search keys and the first API key; runs before the services, safe to repeat.

The API key is printed and kept in the volume of the command line, which uses it, because it cannot be had again from
Redis, which knows only its hash. Refuses a Meilisearch of another version than the one this build is proven on.
"""

from __future__ import annotations

import asyncio
import sys
from pathlib import Path
from typing import Final

from shared.broker import declare
from shared.errors import BroadsheetError
from shared.search.server import sync_server
from shared.settings import BaseServiceSettings
from shared.source_patterns import ALL_SOURCES
from shared.store import Credentials, Redis, connect

KEY_FILE: Final = Path("/secrets/cli/api-key")
MASTER_KEY_FILE: Final = Path("/run/broadsheet/master-key")
SCOPES: Final = frozenset({"ingest", "subscribe"})


async def first_key(client: Redis) -> str:
    """The key of an earlier run while it is still good, else a new one. It writes all sources."""
    credentials = Credentials(client)
    if KEY_FILE.exists():
        key = KEY_FILE.read_text("utf-8").strip()
        if known := await credentials.verify(key):
            if known.predates_sources:
                await credentials.allow(known.key_id, {ALL_SOURCES})
            return key
    key, _ = await credentials.create("compose", SCOPES, sources={ALL_SOURCES})
    KEY_FILE.touch(mode=0o600)
    KEY_FILE.write_text(key + "\n", "utf-8")
    return key


async def bootstrap(settings: BaseServiceSettings) -> None:
    """Groups at 0 first, so that nothing accepted before a consumer's first start is missed; then the keys."""
    client = connect(settings.redis_url.get_secret_value())
    try:
        await declare(client)
        key = await first_key(client)
    finally:
        await client.aclose()
    synced = sync_server(settings.index_url, MASTER_KEY_FILE.read_text("utf-8").strip())
    found = ", ".join(f"{name} {state}" for name, state in synced.keys.items())
    print(f"bootstrap: groups declared; Meilisearch {synced.version}, keys: {found}")
    print(f"bootstrap: API key for {', '.join(sorted(SCOPES))}:\n{key}")


if __name__ == "__main__":
    try:
        asyncio.run(bootstrap(BaseServiceSettings()))
    except BroadsheetError as error:
        print(f"bootstrap: {error}", file=sys.stderr)
        sys.exit(1)
