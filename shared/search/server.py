"""Administration of the Meilisearch server behind an index URL: version, keys, task queue."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final

from shared.errors import Permanent

MEILISEARCH: Final = re.compile(r"meilisearch:(?P<url>https?://[^\s#]+)(?:#(?P<uid>[A-Za-z0-9_-]{1,100}))?")
"""An index URL that names a server."""


@dataclass(frozen=True, slots=True)
class SyncResult:
    """Result of `sync_server`: the server's version, and per key `made`, `kept` or `mended`."""

    version: str
    keys: Mapping[str, str]


@dataclass(frozen=True, slots=True)
class ServerStatus:
    """A server as one key sees it. `keys` is None if this key may not read keys, as intended."""

    version: str
    pinned: str
    pending_tasks: int
    """Tasks enqueued or processing."""
    other_generations: tuple[str, ...]
    """Other indexes than the live one: previous generations, or leftovers of interrupted rebuilds."""
    keys: Mapping[str, str] | None
    """Grant -> `kept`, `missing` or `other rights`."""


def sync_server(index_url: str, master_key: str) -> SyncResult:
    """Check the server's version and create the services' keys on it. Idempotent.

    Raises Permanent(rule="unsupported-server"), or SearchUnavailable if it does not answer or refuses the key.
    """
    from shared.search.meilisearch import keys
    from shared.search.meilisearch.admin import require_pinned_version
    from shared.search.meilisearch.official_client import call_sync

    url = _server(index_url)["url"]
    version = str(call_sync(url, master_key, lambda server: server.get_version())["pkgVersion"])
    require_pinned_version(version)
    return SyncResult(version, call_sync(url, master_key, keys.sync_keys))


def server_status(index_url: str, key: str) -> ServerStatus | None:
    """The server as `key` sees it; None for an engine without server. Raises SearchUnavailable."""
    if not (named := MEILISEARCH.fullmatch(index_url)):
        return None
    from shared.search.meilisearch import keys
    from shared.search.meilisearch.official_client import call_sync
    from shared.search.meilisearch.settings import PINNED

    url, uid = named["url"], named["uid"] or "articles"

    def read_status(server: Any) -> ServerStatus:
        tasks = server.get_tasks({"statuses": "enqueued,processing", "limit": 1})
        indexes = server.get_raw_indexes({"limit": 1_000})["results"]
        other_generations = tuple(sorted(row["uid"] for row in indexes if row["uid"].startswith(f"{uid}__")))
        version = str(server.get_version()["pkgVersion"])
        return ServerStatus(version, PINNED, int(tasks.total), other_generations, keys.compare_keys(server))

    return call_sync(url, key, read_status)


def _server(index_url: str) -> re.Match[str]:
    if not (named := MEILISEARCH.fullmatch(index_url)):
        raise Permanent(f"{index_url!r} names no Meilisearch", rule="settings")
    return named
