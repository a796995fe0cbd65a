"""The embedded engine: tantivy behind the search port. Only `shared.search` may import this package.

schema -> grammar -> query/filters -> reader -> pages (search), similar, suggest; generations -> writer; engine on top.
"""

from __future__ import annotations

from shared.search.embedded.engine import EmbeddedIndex

__all__ = ["EmbeddedIndex"]
