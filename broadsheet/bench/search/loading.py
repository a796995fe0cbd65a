"""Indexing speed: through our port, and as a bare bulk load of the same documents."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator, Callable, Sequence
from dataclasses import astuple, dataclass
from pathlib import Path
from typing import Any, Final

import httpx
import orjson
import tantivy

from broadsheet.bench.search.engines import BenchServer
from broadsheet.failure import CliFailure
from services.index.adapters.rebuild import BATCH as REBUILD_BATCH
from services.index.adapters.write_queue import WriteQueue
from services.index.settings import IndexSettings
from shared.search.embedded.generation_writer import HEAP_BYTES, WRITER_THREADS
from shared.search.embedded.schema import document_of, register, schema
from shared.search.port import IndexDoc, IndexSpec, SearchIndex, WriteReceipt
from shared.store import connect
from shared.store.index_jobs.pending_writes import SubmittedBatches

SPEC: Final = IndexSpec(version="bench")
BATCH: Final = 500
UNFINISHED: Final = 4
BULK: Final = 5_000
"""Documents per request of the bare load; few large requests are recommended."""
LIVE: Final = "ours, live writes"
REBUILT: Final = "ours, rebuild"
BARE_MEILISEARCH: Final = "bare bulk load"
BARE_TANTIVY: Final = "bare tantivy"
ALIKE_TANTIVY: Final = "bare tantivy, our schema"
_POLL_SECONDS: Final = 0.02
_FIELDS: Final = ("title", "dek", "summary", "body", "tags", "keyphrases", "authors")


@dataclass(frozen=True, slots=True)
class Load:
    """Documents made searchable, in seconds, with CPU ms of this process and of the server."""

    name: str
    documents: int
    seconds: float
    own_cpu_ms: float
    server_cpu_ms: float

    @property
    def per_second(self) -> float:
        return self.documents / self.seconds if self.seconds else 0.0


def together(loads: Sequence[Load]) -> Load:
    """Several runs of the same load as one."""
    sums = [sum(values) for values in zip(*(astuple(load)[1:] for load in loads), strict=True)]
    return Load(loads[0].name, int(sums[0]), *sums[1:])


class _LoadClock:
    def __init__(self, server: BenchServer | None) -> None:
        self._server = server
        self._began = time.monotonic(), time.process_time(), server.cpu_ms() if server else 0.0

    def load(self, name: str, documents: int) -> Load:
        wall, own, server = self._began
        used = self._server.cpu_ms() - server if self._server else 0.0
        return Load(name, documents, time.monotonic() - wall, (time.process_time() - own) * 1000, used)


async def live(
    index: SearchIndex,
    docs: Sequence[IndexDoc],
    redis_url: str,
    server: BenchServer | None,
    show: Callable[[int], object],
) -> Load:
    """Live writes as in the index service: the same number of handlers and documents per batch."""
    await index.ensure(SPEC)
    entries = int(IndexSettings.model_fields["batch"].default)
    starts = iter(range(0, len(docs), entries))
    client = connect(redis_url)
    write_queue = WriteQueue(index, SubmittedBatches(client))
    await write_queue.start()

    async def handler() -> None:
        for start in starts:
            while write_queue.is_full:  # noqa: ASYNC110 - looked at now and then by the service's gate, too
                await asyncio.sleep(_POLL_SECONDS)
            if refused := await write_queue.write(docs[start : start + entries]):
                raise CliFailure(f"the engine refused {len(refused)} documents: {next(iter(refused.values())).reason}")
            show(start)

    clock = _LoadClock(server)
    try:
        await asyncio.gather(*(handler() for _ in range(write_queue.max_parallel_batches(entries))))
        return clock.load(LIVE, len(docs))
    finally:
        await write_queue.aclose()
        await client.aclose()


async def rebuilt(
    index: SearchIndex, docs: Sequence[IndexDoc], server: BenchServer | None, show: Callable[[int], object]
) -> Load:
    """A complete rebuild: batches, count and swap."""
    await index.ensure(SPEC)
    clock = _LoadClock(server)
    async with index.reindex(SPEC) as staging:
        for start in range(0, len(docs), REBUILD_BATCH):
            await staging.write(docs[start : start + REBUILD_BATCH])
            show(start)
        await staging.count()
        await staging.promote()
    return clock.load(REBUILT, len(docs))


async def through_port(
    name: str, index: SearchIndex, docs: Sequence[IndexDoc], server: BenchServer | None, show: Callable[[int], object]
) -> Load:
    """Upserts of 500 with at most four in flight, until all are visible."""
    await index.ensure(SPEC)
    clock = _LoadClock(server)
    waiting: list[WriteReceipt] = []
    for start in range(0, len(docs), BATCH):
        waiting.append(await index.upsert(docs[start : start + BATCH], op_id=f"bench-{start}"))
        waiting = await _settled(index, waiting, UNFINISHED)
        show(start)
    await _settled(index, waiting, 0)
    return clock.load(name, len(docs))


async def _settled(index: SearchIndex, waiting: list[WriteReceipt], most: int) -> list[WriteReceipt]:
    while len(waiting) > most:
        outcomes = await index.outcomes(waiting)
        waiting = [outcome.receipt for outcome in outcomes if outcome.status == "pending"]
        if len(waiting) > most:
            await asyncio.sleep(_POLL_SECONDS)
    return waiting


async def bare_meilisearch(server: BenchServer, source: str, target: str) -> Load:
    """The documents and settings of index `source`, read back and sent to a new index in large requests."""
    async with httpx.AsyncClient(base_url=server.url, headers=server.headers, timeout=600.0) as http:
        settings = (await http.get(f"/indexes/{source}/settings")).raise_for_status().json()
        chunks = [chunk async for chunk in _read_back(http, source)]
        await _wait(http, await http.post("/indexes", json={"uid": target, "primaryKey": "id"}))
        await _wait(http, await http.patch(f"/indexes/{target}/settings", json=settings))
        clock = _LoadClock(server)
        answer = None
        for _, body in chunks:
            headers = {"Content-Type": "application/x-ndjson"}
            answer = await http.post(f"/indexes/{target}/documents", content=body, headers=headers)
        if answer is not None:
            await _wait(http, answer)
        return clock.load(BARE_MEILISEARCH, sum(count for count, _ in chunks))


async def _read_back(http: httpx.AsyncClient, source: str) -> AsyncIterator[tuple[int, bytes]]:
    offset, total = 0, 1
    while offset < total:
        body = {"offset": offset, "limit": BULK, "retrieveVectors": True}
        page = (await http.post(f"/indexes/{source}/documents/fetch", json=body)).raise_for_status().json()
        total, offset = page["total"], offset + BULK
        rows: list[dict[str, Any]] = page["results"]
        for row in rows:
            row.setdefault("_vectors", {"meaning": None})
        yield len(rows), b"\n".join(map(orjson.dumps, rows))


async def _wait(http: httpx.AsyncClient, answer: httpx.Response) -> None:
    task = answer.raise_for_status().json()["taskUid"]
    while True:
        found = (await http.get(f"/tasks/{task}")).raise_for_status().json()
        if found["status"] == "failed":
            raise httpx.HTTPError(f"the bare load failed: {found['error']['message']}")
        if found["status"] == "succeeded":
            return
        await asyncio.sleep(_POLL_SECONDS)


def bare_tantivy(docs: Sequence[IndexDoc], folder: Path) -> tuple[Load, tantivy.Index]:
    """Bare tantivy: default tokenizer, the same texts and cards, our heap and threads, commits of 500."""
    folder.mkdir(parents=True)
    fields = tantivy.SchemaBuilder()
    fields.add_text_field("id", stored=True, tokenizer_name="raw")
    fields.add_bytes_field("card", stored=True)
    for name in _FIELDS:
        fields.add_text_field(name)
    index = tantivy.Index(fields.build(), path=str(folder))
    load = _written(BARE_TANTIVY, index, docs, _bare)
    index.reload()
    return load, index


def alike_tantivy(docs: Sequence[IndexDoc], folder: Path) -> Load:
    """tantivy's own writer in a bare loop with our schema, tokenizers and documents: what they cost by themselves."""
    folder.mkdir(parents=True)
    return _written(ALIKE_TANTIVY, register(tantivy.Index(schema(), path=str(folder))), docs, document_of)


def _written(
    name: str, index: tantivy.Index, docs: Sequence[IndexDoc], made: Callable[[IndexDoc], tantivy.Document]
) -> Load:
    writer = index.writer(heap_size=HEAP_BYTES, num_threads=WRITER_THREADS)
    clock = _LoadClock(None)
    for start in range(0, len(docs), BATCH):
        for doc in docs[start : start + BATCH]:
            writer.add_document(made(doc))
        writer.commit()
    return clock.load(name, len(docs))


def _bare(doc: IndexDoc) -> tantivy.Document:
    bare = tantivy.Document()
    bare.add_text("id", doc.id)
    bare.add_bytes("card", doc.card.model_dump_json().encode())
    for name in _FIELDS:
        value = getattr(doc, name)
        for text in (value,) if isinstance(value, str) else value:
            bare.add_text(name, text)
    return bare
