"""What the server says about an index itself: when it was made, and when it was written to."""

from __future__ import annotations

from datetime import datetime

from shared.clock import now
from shared.search.errors import IndexMissing
from shared.search.meilisearch.client import MeiliClient


async def birth(client: MeiliClient, uid: str) -> str:
    """When the index was made, which names it across swaps; empty when there is none."""
    try:
        return str((await client.get(f"/indexes/{uid}"))["createdAt"])
    except IndexMissing:
        return ""


async def idle_seconds(client: MeiliClient, uid: str) -> float:
    """How long ago the index was written to last. Raises IndexMissing."""
    return await _ago(client, uid, "updatedAt")


async def age_seconds(client: MeiliClient, uid: str) -> float:
    """How long ago the index was made, whatever its name was then. Raises IndexMissing."""
    return await _ago(client, uid, "createdAt")


async def _ago(client: MeiliClient, uid: str, moment: str) -> float:
    then = datetime.fromisoformat(str((await client.get(f"/indexes/{uid}"))[moment]))
    return (now() - then).total_seconds()
