"""Related articles: share of the five nearest with the article's topic, on the embedded engine."""

from __future__ import annotations

import asyncio
import tempfile
from collections.abc import Callable, Iterable, Sequence
from dataclasses import replace
from pathlib import Path
from statistics import fmean
from typing import Any, Final

from broadsheet.bench.quality.material import json_lines
from broadsheet.bench.quality.task import Score, Stopwatch, Task, TaskOutcome
from broadsheet.bench.search.engines import opened
from broadsheet.bench.search.loading import through_port
from broadsheet.bench.search.material import document_of
from shared.search.learning import learn
from shared.search.port import IndexDoc, SimilarQuery

_NEAREST: Final = 5
_COPIES: Final = "neardup/real_pairs.jsonl.zst"
_BBC: Final = "corpus/bbc.jsonl.zst"
_AG: Final = "corpus/agnews_test.jsonl.zst"


def _related(name: str, baseline: float, reach: float, aim: float) -> Callable[[Path], TaskOutcome]:
    def measure(data: Path) -> TaskOutcome:
        rows = _without_copies(json_lines(data / name), json_lines(data / _COPIES))
        topics = {str(row["id"]): str(row["topic"]) for row in rows}
        watch = Stopwatch()
        with watch.running():
            docs = [document_of(row, "news") for row in rows]
            model = learn(doc.signature for doc in docs)
            if model is not None:
                docs = [replace(doc, vector=model.vector(doc.signature)) for doc in docs]
            near = asyncio.run(_neighbours(docs))
        found = purity(near, topics)
        return TaskOutcome(
            (Score(f"purity@{_NEAREST}", found, len(rows), baseline, reach, aim),),
            len(rows),
            watch.ms_per(len(rows)),
            ("the archive is this set without copies; CPU includes indexing and learning",),
        )

    return measure


def _without_copies(rows: Iterable[dict[str, Any]], pairs: Iterable[dict[str, Any]]) -> list[dict[str, Any]]:
    """Of each pair of copies the first one only."""
    copies = {str(pair["b"]) for pair in pairs}
    return [row for row in rows if str(row["id"]) not in copies and row["text"].strip()]


async def _neighbours(docs: Sequence[IndexDoc]) -> dict[str, list[str]]:
    with tempfile.TemporaryDirectory(prefix="broadsheet-bench-") as folder:
        url = f"embedded:{folder}/index"
        index = opened(url)
        try:
            await through_port(url, index, docs, None, lambda _: None)
            asked = SimilarQuery(limit=_NEAREST)
            return {doc.id: [hit.card.id for hit in await index.similar(doc.id, asked)] for doc in docs}
        finally:
            await index.aclose()


def purity(near: dict[str, list[str]], topics: dict[str, str]) -> float:
    """The mean share of the five nearest that have the article's topic; one that is missing counts as wrong."""
    return fmean(sum(topics[other] == topics[ident] for other in found) / _NEAREST for ident, found in near.items())


TASKS: Final = (
    Task("related-bbc", "neighbours of one topic, long reports", (_BBC, _COPIES), _related(_BBC, 0.922, 0.935, 0.95)),
    Task("related-ag", "neighbours of one topic, leads only", (_AG, _COPIES), _related(_AG, 0.756, 0.78, 0.82)),
)
