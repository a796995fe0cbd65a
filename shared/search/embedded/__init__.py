"""The embedded engine: tantivy behind the search port. Only `shared.search` may import this package.

Not in it, beside what `capabilities` leaves out: synonyms, stemming, splitting of compounds. Scripts written without
spaces are indexed by character. A wrong first letter counts as one typo, as any other does.

schema -> grammar -> query/filters -> reader -> pages (search), similar, suggest; generations -> writer; engine on top.
"""

from __future__ import annotations

from shared.search.embedded.engine import EmbeddedIndex

__all__ = ["EmbeddedIndex"]
