"""Bare limit of each stage: its indispensable operation in a loop, without anything else.

ingest: the accept script. enrich: reading and acknowledging entries. index: the search engine's writer.
"""

from __future__ import annotations

import asyncio
import hashlib
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import tantivy

from services.index.adapters.documents import index_doc
from shared.articles import InputKind, Submission
from shared.clock import now
from shared.envelope import decode
from shared.events import ArticleReceived, ArticleRef
from shared.ids import article_id
from shared.search.port import IndexDoc
from shared.store import ArticleStore, Redis, open_store
from shared.store.articles.port import Acceptance
from shared.topology import ARTICLE_RECEIVED

BATCH: Final = 100
"""Calls per round trip, entries per read and documents per commit, as in the services."""
LANES: Final = 4
_GROUP: Final = "bench-limit"
_WRITER_BYTES: Final = 64 * 1024 * 1024
_FIELDS: Final = ("title", "dek", "summary", "body", "tags", "keyphrases", "authors")


@dataclass(frozen=True, slots=True)
class Limit:
    """Result of a bare loop: items, seconds, and CPU milliseconds of this process."""

    name: str
    items: int
    seconds: float
    cpu_ms: float

    @property
    def per_second(self) -> float:
        return self.items / self.seconds if self.seconds > 0 else 0.0


class _Timer:
    """Wall and CPU time of a block."""

    def __init__(self) -> None:
        self._wall, self._cpu = time.monotonic(), time.process_time()

    def limit(self, name: str, items: int) -> Limit:
        return Limit(name, items, time.monotonic() - self._wall, (time.process_time() - self._cpu) * 1000)


async def accept_limit(client: Redis, texts: Sequence[dict[str, Any]]) -> Limit:
    """The accept script alone, pipelined, over a few connections into an empty store."""
    store = open_store(client)
    acceptances = [_acceptance(text, number) for number, text in enumerate(texts)]
    batches = [acceptances[start : start + BATCH] for start in range(0, len(acceptances), BATCH)]
    timer = _Timer()
    await asyncio.gather(*(_accept_all(store, batches[lane::LANES]) for lane in range(LANES)))
    return timer.limit("accept script", len(acceptances))


async def _accept_all(store: ArticleStore, batches: Sequence[Sequence[Acceptance]]) -> None:
    for batch in batches:
        await store.accept(batch)


def _acceptance(text: dict[str, Any], number: int) -> Acceptance:
    ident = article_id("external", text["source"], text["external_id"])
    data = text["text"].encode()
    digest = hashlib.sha256(data).hexdigest()
    ref = ArticleRef(article_id=ident, rev=1, kind=InputKind.TEXT)
    return Acceptance(
        article_id=ident,
        kind=InputKind.TEXT,
        media_type="text/plain",
        data=data,
        submission=Submission(source=text["source"], external_id=text["external_id"], title=text["title"]),
        content_digest=digest,
        event=ArticleReceived(meta=ArticleReceived.meta_for(producer="ingest", now=now()), article=ref),
        owner="bench",
        idempotency_key=str(number),
        fingerprint=digest,
    )


async def read_limit(client: Any) -> Limit:
    """Reading all entries of `article.received` through a group and acknowledging them, in batches."""
    stream = ARTICLE_RECEIVED.key
    await client.xgroup_create(stream, _GROUP, id="0", mkstream=True)
    count = 0
    timer = _Timer()
    while rows := _rows(await client.xreadgroup(_GROUP, "bench", {stream: ">"}, count=BATCH)):
        for _, fields in rows:
            decode(fields)
        await client.xack(stream, _GROUP, *(entry_id for entry_id, _ in rows))
        count += len(rows)
    limit = timer.limit("XREADGROUP loop", count)
    await client.xgroup_destroy(stream, _GROUP)
    return limit


def _rows(answer: Any) -> Sequence[tuple[bytes, dict[bytes, bytes]]]:
    if not answer:
        return ()
    if isinstance(answer, dict):  # RESP3
        ((rows,),) = answer.values()
        return rows  # type: ignore[no-any-return]
    return answer[0][1]  # type: ignore[no-any-return]


async def stored_documents(client: Redis) -> list[IndexDoc]:
    """The documents of all enriched articles, as written by the index service."""
    return [index_doc(article) async for batch in open_store(client).scan() for article in batch]


def write_limit(docs: Sequence[IndexDoc], folder: Path) -> Limit:
    """A bare tantivy writer: default tokenizer, the same texts, one thread, a commit per batch as in the service."""
    folder.mkdir()
    schema = tantivy.SchemaBuilder()
    schema.add_text_field("id", stored=True, tokenizer_name="raw")
    for name in _FIELDS:
        schema.add_text_field(name)
    writer = tantivy.Index(schema.build(), path=str(folder)).writer(heap_size=_WRITER_BYTES, num_threads=1)
    timer = _Timer()
    for start in range(0, len(docs), BATCH):
        for doc in docs[start : start + BATCH]:
            writer.add_document(_bare_document(doc))
        writer.commit()
    return timer.limit("tantivy writer", len(docs))


def _bare_document(doc: IndexDoc) -> tantivy.Document:
    bare = tantivy.Document()
    bare.add_text("id", doc.id)
    for name in ("title", "dek", "summary", "body"):
        bare.add_text(name, getattr(doc, name))
    for name in ("tags", "keyphrases", "authors"):
        for value in getattr(doc, name):
            bare.add_text(name, value)
    return bare
