"""Reads the packed data sets: `.jsonl.zst` lines and `.tar.zst` members, without unpacking to disk."""

from __future__ import annotations

import io
import json
import tarfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Final

import zstandard

_WINDOW: Final = 2**27


def json_lines(path: Path) -> Iterator[dict[str, Any]]:
    """The objects of a `.jsonl.zst` file; split at newlines only, because texts hold other line separators."""
    with path.open("rb") as raw:
        reader = zstandard.ZstdDecompressor(max_window_size=_WINDOW).stream_reader(raw)
        for line in io.TextIOWrapper(reader, encoding="utf-8", newline="\n"):
            if line.strip():
                yield json.loads(line)


def tar_members(path: Path) -> dict[str, bytes]:
    """The regular files of a `.tar.zst`, by their name without a leading `./`."""
    with path.open("rb") as raw:
        reader = zstandard.ZstdDecompressor(max_window_size=_WINDOW).stream_reader(raw)
        with tarfile.open(fileobj=reader, mode="r|") as archive:
            found: dict[str, bytes] = {}
            for member in archive:
                content = archive.extractfile(member) if member.isfile() else None
                if content is not None:
                    found[member.name.removeprefix("./")] = content.read()
            return found


def lines_of(content: bytes) -> list[dict[str, Any]]:
    """The objects of JSON lines in memory, such as a `gold.jsonl` in an archive."""
    return [json.loads(line) for line in content.decode("utf-8").split("\n") if line.strip()]
