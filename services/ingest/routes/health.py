"""Health of ingest: ready means the store accepts a commit now."""

from __future__ import annotations

from typing import Any

from shared.errors import StoreUnavailable, UnsupportedServer
from shared.store import ArticleStore, Redis, check_server
from shared.store.connection import unavailable_when_down


class Readiness:
    """Readiness probe of the store. The server version is checked once, at its first reply."""

    def __init__(self, client: Redis, store: ArticleStore) -> None:
        self._client = client
        self._store = store
        self.server: str | None = None
        """Name and version of the server behind the store; None before its first reply."""

    async def __call__(self) -> tuple[bool, dict[str, Any]]:
        """Whether a commit would succeed now, with the reason if not."""
        try:
            if self.server is None:
                async with unavailable_when_down(deadline=2.0):
                    self.server = await check_server(self._client)
            await self._store.ping()
        except StoreUnavailable:
            return False, {"store": "unavailable"}
        except UnsupportedServer as error:
            return False, {"store": str(error)}
        return True, {"store": self.server}

    def started(self) -> bool:
        """Whether the store has replied at least once."""
        return self.server is not None
