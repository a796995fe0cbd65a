"""Real material outside the repository, read in place: nothing of it may ever be copied in here."""

from __future__ import annotations

import io
import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import zstandard

_SHARED = Path(__file__).resolve().parents[3] / "shared"


def shared_dir() -> Path:
    """The folder of the shared material; skips loudly where it is absent."""
    if not (_SHARED / "DESIGN.md").exists():
        pytest.skip(f"real material is absent: {_SHARED} (this test reads it in place)")
    return _SHARED


def seed_page() -> str:
    """The text of the model input page."""
    return (shared_dir() / "seed" / "converser-page.txt").read_text(encoding="utf-8")


def read_jsonl_zst(path: Path, *, limit: int | None = None) -> Iterator[dict[str, Any]]:
    """The objects of a `.jsonl.zst` file, split at newlines only."""
    with path.open("rb") as raw:
        reader = io.TextIOWrapper(
            zstandard.ZstdDecompressor(max_window_size=2**27).stream_reader(raw), encoding="utf-8", newline="\n"
        )
        for number, line in enumerate(reader):
            if limit is not None and number >= limit:
                return
            yield json.loads(line)
