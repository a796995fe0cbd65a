"""Search: `open_index` returns a `SearchIndex`; the interface is in `shared.search.port`."""

from __future__ import annotations

from typing import TYPE_CHECKING

from shared.errors import Permanent
from shared.search.server import MEILISEARCH

if TYPE_CHECKING:
    from shared.search.port import SearchIndex
    from shared.settings import BaseServiceSettings

__all__ = ["open_index"]


def open_index(settings: BaseServiceSettings, *, writer: bool) -> SearchIndex:
    """The engine of `settings.index_url`. Nothing is opened or created before the first call on it.

    Exactly one process may pass `writer=True`; it must call `ensure` first. Raises Permanent for an unknown URL.
    """
    if server := MEILISEARCH.fullmatch(settings.index_url):
        from shared.search.meilisearch import SEARCH_SECONDS, WRITE_SECONDS, MeiliClient, MeiliIndex

        within = WRITE_SECONDS if writer else SEARCH_SECONDS
        client = MeiliClient(server["url"], settings.index_key.get_secret_value(), within=within)
        return MeiliIndex(client, uid=server["uid"] or "articles", writer=writer)
    if not settings.index_url.startswith("embedded:") or not settings.index_url.removeprefix("embedded:"):
        allowed = "embedded:DIRECTORY or meilisearch:http://HOST:PORT"
        raise Permanent(f"BROADSHEET_INDEX_URL must be {allowed}, not {settings.index_url!r}", rule="settings")
    from shared.search.embedded import EmbeddedIndex

    return EmbeddedIndex(settings.embedded_index_directory, writer=writer)
