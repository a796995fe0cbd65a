"""The embedded engine: tantivy behind the search port. Only `shared.search` may import this package.

Not supported: synonyms, stemming, hybrid ranking. Scripts written without spaces are indexed by character.

Layers: schema -> query_text, spelling, filters -> ranking -> reader -> query, boolean, similar, suggest (reading);
generations, generation_writer, writer (writing) -> engine.
"""

from __future__ import annotations

from shared.search.embedded.engine import EmbeddedIndex

__all__ = ["EmbeddedIndex"]
