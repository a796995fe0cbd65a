"""Which source an article belongs to: the field `source` of its record, empty for none.

Records from before this field get it when it is first needed: from their original, else their document, else their
tombstone.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from typing import Final

from redis.asyncio import Redis

from shared.articles import Article
from shared.errors import CorruptRecord
from shared.ids import article_id
from shared.store import keys
from shared.store.articles import blobs
from shared.store.connection import RedisClient, unavailable_when_down
from shared.store.scripts import Arg, Key, Script, Scripts

_STORED: Final = ("rev", "source", "raw", "raw_sha256", "doc", "doc_sha256", "remains")


class AdoptSource(Script):
    """Name the source of a record that has none. Guarantees: a source that is named stays."""

    article: Key
    source: Arg
    ALLOW_OOM = True

    LUA = """
    if redis.call('HEXISTS', article, 'rev') == 1 then redis.call('HSETNX', article, 'source', source) end
    """


class ArticleSources:
    """Reads the sources of articles. Raises `StoreUnavailable`."""

    def __init__(self, client: Redis) -> None:
        self._client: RedisClient = client
        self._scripts = Scripts(client)

    async def of(self, article_ids: Sequence[str]) -> dict[str, str]:
        """Article id -> its source, empty for none; ids of unknown articles are left out."""
        found = await self._named(article_ids)
        if unnamed := [ident for ident, source in found.items() if source is None]:
            await self.adopt(unnamed)
            found |= await self._named(unnamed)
        return {ident: source for ident, source in found.items() if source is not None}

    async def adopt(self, article_ids: Sequence[str]) -> None:
        """Name the sources of records from before they had any."""
        async with unavailable_when_down(), self._client.pipeline(transaction=False) as pipe:
            for ident in article_ids:
                pipe.hmget(keys.article(ident), list(_STORED))
            rows = await pipe.execute()
        calls = [
            AdoptSource(article=keys.article(ident), source=_source_of(dict(zip(_STORED, row, strict=True))))
            for ident, row in zip(article_ids, rows, strict=True)
        ]
        await self._scripts.run_all(calls)

    async def _named(self, article_ids: Sequence[str]) -> dict[str, str | None]:
        async with unavailable_when_down(), self._client.pipeline(transaction=False) as pipe:
            for ident in article_ids:
                pipe.hmget(keys.article(ident), ["rev", "source"])
            rows = await pipe.execute()
        return {
            ident: None if source is None else source.decode()
            for ident, (rev, source) in zip(article_ids, rows, strict=True)
            if rev is not None
        }


def own_article_id(ident: str, source: str | None) -> str:
    """The id of the article of `source` under an identity whose article belongs to another source."""
    return article_id("of-source", source or "", ident)


def _source_of(row: Mapping[str, bytes | None]) -> str:
    for read in (_of_original, _of_document, _of_remains):
        try:
            if (source := read(row)) is not None:
                return source
        except (CorruptRecord, ValueError, KeyError, TypeError):
            continue  # a damaged part names nothing; the next one may
    return ""


def _of_original(row: Mapping[str, bytes | None]) -> str | None:
    raw, sha256 = row["raw"], row["raw_sha256"]
    if raw is None or sha256 is None:
        return None
    _, submission, _ = blobs.unpack_original(raw, sha256)
    return submission.source or ""


def _of_document(row: Mapping[str, bytes | None]) -> str | None:
    doc, sha256 = row["doc"], row["doc_sha256"]
    if doc is None or sha256 is None:
        return None
    return Article.model_validate_json(blobs.unpack(doc, sha256)).source or ""


def _of_remains(row: Mapping[str, bytes | None]) -> str | None:
    if row["remains"] is None:
        return None
    source = json.loads(row["remains"]).get("source")
    return source if isinstance(source, str) else None
