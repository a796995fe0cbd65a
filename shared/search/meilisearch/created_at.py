"""Creation and update time of an index: the creation time identifies it across swaps."""

from __future__ import annotations

from datetime import datetime
from typing import Final

from shared.clock import now
from shared.search.errors import IndexMissing
from shared.search.meilisearch.client import MeiliClient


async def index_created_at(client: MeiliClient, uid: str) -> str:
    """Creation time of the index, which identifies it across swaps; empty when there is none."""
    try:
        return str((await client.get(f"/indexes/{uid}"))["createdAt"])
    except IndexMissing:
        return ""


async def index_ages(client: MeiliClient, uid: str) -> tuple[float, float]:
    """Seconds since the index was created, and since the last write. Raises IndexMissing."""
    about, at = await client.get(f"/indexes/{uid}"), now()
    made, written = ((at - datetime.fromisoformat(str(about[name]))).total_seconds() for name in _MOMENTS)
    return made, written


_MOMENTS: Final = ("createdAt", "updatedAt")
