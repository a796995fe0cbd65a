"""One number for what an index holds: equal digests mean the same articles, in the same revisions, saying the same."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from typing import Final

from shared.search.filters import In
from shared.search.port import SearchIndex, SearchQuery

_PART: Final = 100


@dataclass(frozen=True, slots=True)
class IndexDigest:
    """`hex` is over (id, rev, hash of what a hit shows), in the order of the ids; `documents` is their number."""

    hex: str
    documents: int


async def index_digest(index: SearchIndex) -> IndexDigest:
    """Read the whole index through its port; of use while nothing is written. Raises SearchUnavailable, IndexMissing.

    An article that is listed and that no search finds counts as other content, so it changes the digest.
    """
    revs = {ident: rev async for ident, rev in index.documents()}
    ids, total = sorted(revs), hashlib.blake2b(digest_size=16)
    for start in range(0, len(ids), _PART):
        part = ids[start : start + _PART]
        page = await index.search(SearchQuery(filter=In("id", tuple(part)), limit=_PART))
        shown = {hit.card.id: hashlib.sha256(hit.card.model_dump_json().encode()).hexdigest() for hit in page.hits}
        for ident in part:
            total.update(f"{ident} {revs[ident]} {shown.get(ident, 'not found')}\n".encode())
    return IndexDigest(total.hexdigest(), len(ids))
