"""The API key `local`, created on first start and stored in data/local-key."""

from __future__ import annotations

from pathlib import Path
from typing import Final

from broadsheet.runstate import write_private
from shared.source_patterns import ALL_SOURCES
from shared.store import Credentials, Redis

NAME: Final = "local"
SCOPES: Final = frozenset({"ingest", "edit", "subscribe", "admin"})


async def ensure_local_key(client: Redis, path: Path) -> tuple[str, bool]:
    """The key, and whether it was just created. A stored key that this database does not know is replaced.

    It writes all sources, also when it was created before keys had sources.
    """
    credentials = Credentials(client)
    stored = _stored(path)
    if stored and (known := await credentials.verify(stored)):
        if known.predates_sources:
            await credentials.allow(known.key_id, {ALL_SOURCES})
        return stored, False
    key, _ = await credentials.create(NAME, SCOPES, sources={ALL_SOURCES})
    write_private(path, key + "\n")
    return key, True


def _stored(path: Path) -> str:
    return path.read_text(encoding="utf-8").strip() if path.exists() else ""
