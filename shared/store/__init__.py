"""Redis storage: article store, public log, API keys, queues. `connect` creates every client."""

from __future__ import annotations

from redis.asyncio import Redis

from shared.store.articles.port import ArticleStore
from shared.store.articles.redis import RedisArticleStore
from shared.store.connection import check_server, connect
from shared.store.credentials import Credentials
from shared.store.publication_log import PublicationLog
from shared.store.sources import Sources

__all__ = ["ArticleStore", "Credentials", "PublicationLog", "Redis", "Sources", "check_server", "connect", "open_store"]


def open_store(client: Redis) -> ArticleStore:
    """The article store on this client; closing the store closes the client."""
    return RedisArticleStore(client)
