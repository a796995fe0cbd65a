"""`broadsheet bench related`: quality of each similarity for same topic and same story, on both engines."""

from __future__ import annotations

import asyncio
import json
import os
import random
import tempfile
import time
from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from statistics import fmean, median
from typing import Any, Final, get_args

import httpx
from rich.console import Console
from rich.progress import MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn
from rich.table import Table

from broadsheet.bench.processes import CannotStart
from broadsheet.bench.search.engines import meilisearch, opened
from broadsheet.bench.search.loading import through_port
from broadsheet.bench.search.material import document_of, read_rows
from broadsheet.bench.texts import NoTexts
from shared.errors import BroadsheetError
from shared.search.errors import SearchUnavailable
from shared.search.filters import Eq
from shared.search.learning import learn
from shared.search.port import IndexDoc, SearchIndex, SimilarBy, SimilarHit, SimilarQuery

NEAREST: Final = 5
_DEPTH: Final = 20
_ATTEMPTS: Final = 10
_SETS: Final = (
    ("bbc", "corpus/bbc.jsonl.zst", "topic"),
    ("agnews", "corpus/agnews_test.jsonl.zst", "topic"),
    ("ecbplus", "stories/ecbplus.jsonl.zst", "story"),
    ("basil", "stories/basil.jsonl.zst", "story"),
)
"""(name, file, label of related articles)."""


@dataclass(frozen=True, slots=True)
class RelatedOptions:
    """Data folder, query articles per set, output format."""

    data: Path
    sample: int = 300
    as_json: bool = False


@dataclass(frozen=True, slots=True)
class RelatedRow:
    """One set, one similarity, one engine: purity@5 for topics, MRR of the first of the same story; p50 in ms."""

    engine: str
    material: str
    by: str
    measure: str
    score: float
    asked: int
    p50_ms: float


def run(options: RelatedOptions) -> int:
    """Run and print. Exit code 0 if done, 2 if it cannot run."""
    notes = Console(stderr=True)
    try:
        with tempfile.TemporaryDirectory(prefix="broadsheet-bench-") as folder:
            rows = asyncio.run(_measure(options, Path(folder), notes))
    except (NoTexts, CannotStart, BroadsheetError, httpx.HTTPError) as error:
        notes.print(f"bench related: {error}", style="red", markup=False, highlight=False, soft_wrap=True)
        return 2
    if options.as_json:
        print(json.dumps({"load": os.getloadavg(), "rows": [asdict(row) for row in rows]}, indent=2))
    else:
        _print(rows, Console(width=120))
    return 0


async def _measure(options: RelatedOptions, folder: Path, notes: Console) -> list[RelatedRow]:
    groups = _labels(options.data)
    docs = list(_documents(options.data, groups))
    model = learn(doc.signature for doc in docs)
    if model is not None:
        docs = [replace(doc, vector=model.vector(doc.signature)) for doc in docs]
    rows: list[RelatedRow] = []
    columns = (TextColumn("{task.description}"), MofNCompleteColumn(), TimeElapsedColumn())
    with Progress(*columns, console=notes, transient=True) as bar, meilisearch(folder, None, "") as server:
        places = [(f"embedded:{folder / 'index'}", "")]
        if server is not None:
            places.append((server.index_url("related"), server.key))
        for url, key in places:
            line = bar.add_task(f"loading {url[:20]}", total=len(docs))
            index = opened(url, key)
            try:
                await through_port(url, index, docs, server, lambda done, line=line: bar.update(line, completed=done))  # type: ignore[misc]
                for by in get_args(SimilarBy):
                    rows += await _asked(index, docs, groups, by, options.sample, bar)
            finally:
                await index.aclose()
    return rows


async def _asked(
    index: SearchIndex, docs: Sequence[IndexDoc], groups: dict[str, str], by: SimilarBy, sample: int, bar: Progress
) -> Iterator[RelatedRow]:
    engine = (await index.stats()).engine
    rows: list[RelatedRow] = []
    for name, _, label in _SETS:
        members = [doc for doc in docs if doc.source == name]
        chosen = random.Random(7).sample(members, min(sample, len(members)))
        line = bar.add_task(f"{engine} {name} by {by}", total=len(chosen))
        scores: list[float] = []
        took: list[float] = []
        for doc in chosen:
            limit = NEAREST if label == "topic" else _DEPTH
            began = time.perf_counter()
            near = await _patiently(index, doc.id, SimilarQuery(limit=limit, filter=Eq("source", name), by=by))
            took.append((time.perf_counter() - began) * 1000)
            same = [groups[hit.card.id] == groups[doc.id] for hit in near]
            scores.append(sum(same) / NEAREST if label == "topic" else _reciprocal(same))
            bar.advance(line)
        bar.remove_task(line)
        measure = f"purity@{NEAREST}" if label == "topic" else "MRR"
        rows.append(RelatedRow(engine, name, by, measure, fmean(scores), len(scores), median(took)))
    return iter(rows)


async def _patiently(index: SearchIndex, doc_id: str, query: SimilarQuery) -> Sequence[SimilarHit]:
    """Retry on timeouts of a busy machine; only results are compared."""
    for _ in range(_ATTEMPTS):
        try:
            return await index.similar(doc_id, query)
        except SearchUnavailable:
            await asyncio.sleep(1)
    return await index.similar(doc_id, query)


def _reciprocal(same: Sequence[bool]) -> float:
    return next((1 / rank for rank, hit in enumerate(same, 1) if hit), 0.0)


def _documents(data: Path, groups: dict[str, str]) -> Iterator[IndexDoc]:
    for name, path, _ in _SETS:
        for row in read_rows(data / path):
            if str(row["id"]) in groups:
                yield document_of(row | {"source": name}, name)


def _labels(data: Path) -> dict[str, str]:
    """Article -> its topic or story; without near-copies, and without stories of one article."""
    copies = {str(row["b"]) for row in read_rows(data / "neardup" / "real_pairs.jsonl.zst")}
    found: dict[str, str] = {}
    for _, path, label in _SETS:
        rows: list[dict[str, Any]] = [row for row in read_rows(data / path) if str(row["id"]) not in copies]
        sizes: dict[str, int] = {}
        for row in rows:
            sizes[str(row[label])] = sizes.get(str(row[label]), 0) + 1
        found |= {str(row["id"]): str(row[label]) for row in rows if sizes[str(row[label])] > 1}
    return found


def _print(rows: Sequence[RelatedRow], console: Console) -> None:
    load = os.getloadavg()[0]
    console.print(
        f"related articles by likeness; near-copies removed; the model learned from these articles; load {load:.1f}"
    )
    table = Table("engine", "material", "measure", "asked", *get_args(SimilarBy))
    for engine in dict.fromkeys(row.engine for row in rows):
        for name, _, _ in _SETS:
            mine = {row.by: row for row in rows if (row.engine, row.material) == (engine, name)}
            first = next(iter(mine.values()))
            cells = [f"{mine[by].score:.3f} ({mine[by].p50_ms:.0f} ms)" for by in get_args(SimilarBy)]
            table.add_row(engine, name, first.measure, f"{first.asked}", *cells)
    console.print(table)
