"""Real texts for benchmarks: the shared corpora as NDJSON lines for bulk upload."""

from __future__ import annotations

import io
import itertools
import json
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any, Final

import zstandard

CORPORA: Final = ("reuters21578", "bbc", "agnews_test", "gnad10k_test", "masakhanews", "senate")
"""Interleaved, so that any number of articles has the same mix of languages and lengths."""
_LONGEST_TITLE: Final = 120


class NoTexts(Exception):
    """The folder of corpora is missing or has none of the files."""


def read_texts(folder: Path, count: int) -> list[dict[str, Any]]:
    """The first `count` submissions, interleaved from the corpora. Raises NoTexts if there are none."""
    paths = [path for name in CORPORA if (path := folder / f"{name}.jsonl.zst").is_file()]
    if not paths:
        raise NoTexts(f"no corpus in {folder}: expected {CORPORA[0]}.jsonl.zst and others; give --data DIRECTORY")
    in_turn = itertools.chain.from_iterable(itertools.zip_longest(*(_submissions(path) for path in paths)))
    distinct = {(item["source"], item["external_id"]): item for item in itertools.islice(_real(in_turn), count * 2)}
    return list(itertools.islice(distinct.values(), count))


def _real(rows: Iterable[dict[str, Any] | None]) -> Iterator[dict[str, Any]]:
    return (row for row in rows if row is not None and row["text"].strip())


def _submissions(path: Path) -> Iterator[dict[str, Any]]:
    source = path.name.partition(".")[0]
    with path.open("rb") as raw:
        reader = zstandard.ZstdDecompressor(max_window_size=2**27).stream_reader(raw)
        for line in io.TextIOWrapper(reader, encoding="utf-8", newline="\n"):
            row = json.loads(line)
            yield {
                "source": source,
                "external_id": str(row["id"])[:200],
                "title": " ".join((row.get("title") or row["text"][: _LONGEST_TITLE * 2]).split())[:_LONGEST_TITLE],
                "section": str(row.get("topic") or "news"),
                "text": row["text"],
            }
