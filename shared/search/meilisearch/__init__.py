"""Meilisearch behind the search port. Only `shared.search` may import this package.

client (HTTP, errors) -> shape (settings), documents, filters, marks -> queries, similar (reading); tasks, generation,
writer (writing); engine on top. A deletion leaves a tombstone document, so that a late older upsert stays out; the
shape of an index is a document inside it, so that a swap moves both at once.
"""

from __future__ import annotations

from shared.search.meilisearch.client import SEARCH_SECONDS, WRITE_SECONDS, MeiliClient
from shared.search.meilisearch.engine import MeiliIndex

__all__ = ["SEARCH_SECONDS", "WRITE_SECONDS", "MeiliClient", "MeiliIndex"]
