"""Digest of an index: equal digests mean the same articles in the same revisions with the same content."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

import orjson

from shared.articles import Card
from shared.search.filters import In
from shared.search.port import IndexDoc, SearchIndex, SearchQuery

_PART: Final = 100


@dataclass(frozen=True, slots=True)
class IndexDigest:
    """`hex` covers (id, rev, hash of displayed fields) in id order; `documents` is their number."""

    hex: str
    documents: int


Rows = dict[str, tuple[int, str]]
"""Id -> (rev, hash of displayed fields, or `not found`)."""


async def index_digest(index: SearchIndex) -> IndexDigest:
    """Digest of the whole index; meaningful while nothing is written. Raises SearchUnavailable, IndexMissing.

    An article that is listed but not searchable changes the digest.
    """
    return digest_of(await index_rows(index))


async def index_rows(index: SearchIndex) -> Rows:
    """The documents of the index, read through the port. Raises SearchUnavailable, IndexMissing."""
    revs = {ident: rev async for ident, rev in index.documents()}
    return {
        ident: (revs[ident], shown)
        for part in _parts(list(revs))
        for ident, shown in (await found_rows(index, part)).items()
    }


async def found_rows(index: SearchIndex, ids: Sequence[str]) -> dict[str, str]:
    """Id -> hash of displayed fields, for at most 100 ids; `not found` if no search finds it."""
    page = await index.search(SearchQuery(filter=In("id", tuple(ids)), limit=_PART))
    shown = {hit.card.id: card_hash(hit.card) for hit in page.hits}
    return {ident: shown.get(ident, "not found") for ident in ids}


def card_hash(card: Card) -> str:
    """Hex digest of all displayed fields of a hit."""
    return hashlib.sha256(_card_text(card).encode()).hexdigest()


def content_hash(doc: IndexDoc) -> str:
    """Digest of a document, equal in every process."""
    try:
        whole = orjson.dumps(doc, default=_card_text)
    except TypeError:  # rejected by every engine: numbers over 64 bits, lone surrogates
        whole = repr(doc).encode("utf-8", "backslashreplace")
    return hashlib.blake2b(whole, digest_size=16).hexdigest()


def digest_of(rows: Rows) -> IndexDigest:
    """The digest of these rows."""
    total = hashlib.blake2b(digest_size=16)
    for ident in sorted(rows):
        rev, shown = rows[ident]
        total.update(f"{ident} {rev} {shown}\n".encode())
    return IndexDigest(total.hexdigest(), len(rows))


def _parts(ids: Sequence[str]) -> list[Sequence[str]]:
    return [ids[start : start + _PART] for start in range(0, len(ids), _PART)]


def _card_text(card: object) -> str:
    if not isinstance(card, Card):
        raise TypeError(type(card).__name__)
    # Without notes the digest is the same as before cards had a list of notes.
    return card.model_dump_json(exclude=None if card.corrections else {"corrections"})
