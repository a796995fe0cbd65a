"""Declares the consumer groups and makes the first API key; runs before the services, changes nothing when run again.

The key is printed and kept in the volume of the command line, which uses it, because it cannot be had again from Redis,
which knows only its hash.
"""

from __future__ import annotations

import asyncio
import sys
from pathlib import Path
from typing import Final

from shared.broker import declare
from shared.settings import BaseServiceSettings
from shared.store import Credentials, Redis, connect

KEY_FILE: Final = Path("/secrets/cli/api-key")
SCOPES: Final = frozenset({"ingest", "subscribe"})


async def first_key(client: Redis) -> str:
    """The key of an earlier run while it is still good, else a new one."""
    credentials = Credentials(client)
    if KEY_FILE.exists():
        key = KEY_FILE.read_text("utf-8").strip()
        if await credentials.verify(key):
            return key
    key, _ = await credentials.create("compose", SCOPES)
    KEY_FILE.touch(mode=0o600)
    KEY_FILE.write_text(key + "\n", "utf-8")
    return key


async def bootstrap(settings: BaseServiceSettings) -> None:
    """Groups at 0 first, so that nothing accepted before a consumer's first start is missed; then the key."""
    client = connect(settings.redis_url.get_secret_value())
    try:
        await declare(client)
        key = await first_key(client)
    finally:
        await client.aclose()
    print(f"bootstrap: groups declared; API key for {', '.join(sorted(SCOPES))}:\n{key}")


if __name__ == "__main__":
    asyncio.run(bootstrap(BaseServiceSettings()))
    sys.exit(0)
