"""Meilisearch behind the search port. Only `shared.search` may import this package.

Layers: client (HTTP, errors) -> settings, documents, filters, highlight -> query, boolean, similar, suggest (reading);
operations, generation_writer, writer (writing) -> engine. A deletion leaves a tombstone document, so that a late older
upsert is ignored. The format of an index is recorded in a document inside it, so that a swap moves both.
"""

from __future__ import annotations

from shared.search.meilisearch.client import SEARCH_SECONDS, WRITE_SECONDS, MeiliClient
from shared.search.meilisearch.engine import MeiliIndex

__all__ = ["SEARCH_SECONDS", "WRITE_SECONDS", "MeiliClient", "MeiliIndex"]
