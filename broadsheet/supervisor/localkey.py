"""The API key `local`, made on first start and kept in data/local-key for the other commands."""

from __future__ import annotations

from pathlib import Path
from typing import Final

from broadsheet.runstate import write_private
from shared.store import Credentials, Redis

NAME: Final = "local"
SCOPES: Final = frozenset({"ingest", "edit", "subscribe", "admin"})


async def ensure_local_key(client: Redis, path: Path) -> tuple[str, bool]:
    """The key, and whether it was made just now: also when the stored one is unknown to this database."""
    credentials = Credentials(client)
    stored = _stored(path)
    if stored and await credentials.verify(stored):
        return stored, False
    key, _ = await credentials.create(NAME, SCOPES)
    write_private(path, key + "\n")
    return key, True


def _stored(path: Path) -> str:
    return path.read_text(encoding="utf-8").strip() if path.exists() else ""
