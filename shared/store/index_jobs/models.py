"""Trained models shared between services: bytes and a version under a name."""

from __future__ import annotations

from redis.asyncio import Redis

from shared.store import keys
from shared.store.connection import unavailable_when_down


class Models:
    """Model store. Raises StoreUnavailable while Redis is unavailable."""

    def __init__(self, client: Redis) -> None:
        self._client = client

    async def save(self, name: str, version: str, data: bytes) -> None:
        """Replace the model of this name atomically."""
        async with unavailable_when_down():
            await self._client.hset(keys.model(name), mapping={"version": version, "data": data})

    async def version(self, name: str) -> str | None:
        """The version of the saved model; None if there is none."""
        async with unavailable_when_down():
            found = await self._client.hget(keys.model(name), "version")
        return found.decode() if isinstance(found, bytes) else found

    async def load(self, name: str) -> bytes | None:
        """The saved model; None if there is none."""
        async with unavailable_when_down():
            found = await self._client.hget(keys.model(name), "data")
        return found if isinstance(found, bytes) else None

    async def delete(self, name: str) -> None:
        """Remove the model of this name, if there is one."""
        async with unavailable_when_down():
            await self._client.delete(keys.model(name))
