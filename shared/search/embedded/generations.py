"""Directories `gen-000001`, ... of one index, and the file `CURRENT` that names the live one.

A generation is built beside the live one and becomes live by one `os.replace` of `CURRENT`. Previous ones are kept
until `prune`. Each has a stamp with the versions it depends on.
"""

from __future__ import annotations

import fcntl
import json
import os
import shutil
import time
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Final

from shared.search.embedded.schema import fingerprint
from shared.search.errors import IndexMissing, SearchUnavailable
from shared.search.port import IndexSpec

_CURRENT: Final = "CURRENT"
_STAMP: Final = "STAMP.json"
_LOCK: Final = "WRITER.lock"
_PREFIX: Final = "gen-"


@dataclass(frozen=True, slots=True)
class Generation:
    """One index directory."""

    path: Path

    @property
    def name(self) -> str:
        """For example `gen-000001`."""
        return self.path.name

    @property
    def number(self) -> int:
        """For example 1."""
        return int(self.name.removeprefix(_PREFIX))

    def stamp(self) -> dict[str, str]:
        """Format, schema and engine it was built with; empty when there is no readable stamp."""
        try:
            stamp = json.loads((self.path / _STAMP).read_text("utf-8"))
        except (OSError, ValueError):
            return {}
        return {str(key): str(value) for key, value in stamp.items()} if isinstance(stamp, dict) else {}

    def readable(self) -> bool:
        """Whether this program can open it: there are files, of the same format, schema and engine."""
        stamp = self.stamp()
        return self.state() is not None and all(stamp.get(key) == value for key, value in fingerprint().items())

    def fits(self, spec: IndexSpec) -> bool:
        """Whether it is readable and matches the spec."""
        stamp = self.stamp()
        return self.readable() and (stamp.get("name"), stamp.get("version")) == (spec.name, spec.version)

    def state(self) -> tuple[int, int, int] | None:
        """Changes with each commit (inode, mtime in ns, size of `meta.json`); None when it is gone."""
        try:
            seen = (self.path / "meta.json").stat()
        except OSError:
            return None
        return seen.st_ino, seen.st_mtime_ns, seen.st_size

    def made_at(self) -> int:
        """When it was made, in Unix nanoseconds; 0 when it is gone."""
        try:
            return (self.path / _STAMP).stat().st_mtime_ns
        except OSError:
            return 0

    def opstamp(self) -> int:
        """The engine's counter of its last commit. Raises ValueError when the file is damaged."""
        meta = json.loads((self.path / "meta.json").read_bytes())
        opstamp = meta.get("opstamp") if isinstance(meta, dict) else None
        if opstamp is None:
            raise ValueError("meta.json is damaged")
        return int(opstamp)


class Generations:
    """The generations under one root directory."""

    def __init__(self, root: Path) -> None:
        self.root = root

    def current(self) -> Generation:
        """The live generation. Raises IndexMissing when there is none yet."""
        try:
            name = (self.root / _CURRENT).read_text("ascii").strip()
        except (OSError, ValueError):
            raise IndexMissing("there is no search index yet", retry_after=1.0) from None
        if not _is_name(name) or not (self.root / name / _STAMP).is_file():
            raise IndexMissing("the search index is missing: run `broadsheet reindex`", retry_after=5.0)
        return Generation(self.root / name)

    def create(self, spec: IndexSpec) -> Generation:
        """A new, stamped, empty directory; not live."""
        number = max((generation.number for generation in self._all()), default=0) + 1
        generation = Generation(self.root / f"{_PREFIX}{number:06d}")
        generation.path.mkdir(parents=True, mode=0o700)
        stamp = fingerprint() | {"name": spec.name, "version": spec.version}
        _write_durably(generation.path / _STAMP, json.dumps(stamp))
        return generation

    def promote(self, generation: Generation) -> None:
        """Make it live, atomically and durably; the next search uses it."""
        _write_durably(self.root / _CURRENT, generation.name + "\n")

    def clear_unfinished(self) -> None:
        """Delete leftovers of a failed rebuild: generations newer than the live one. Only while no rebuild runs."""
        current = self.current()
        for generation in self._all():
            if generation.number > current.number:
                self.discard(generation)

    def prune(self, older_than: float, kept: set[str]) -> int:
        """Delete generations that are neither live nor kept and whose age exceeds this; returns the count.

        Age counts from the last write or the creation of the successor, whichever is later.
        """
        live, gone = self.current(), 0
        successor: Generation | None = None
        for generation in sorted(self._all(), key=_number, reverse=True):
            state = generation.state()
            replaced = successor.made_at() / 1e9 if successor else 0.0
            idle = time.time() - max(replaced, state[1] / 1e9 if state else 0.0)
            if generation.name not in kept and generation != live and idle > older_than:
                self.discard(generation)
                gone += 1
            successor = generation
        return gone

    def discard(self, generation: Generation) -> None:
        """Delete a generation that is not live."""
        shutil.rmtree(generation.path, ignore_errors=True)

    def _all(self) -> list[Generation]:
        return [Generation(path) for path in self.root.glob(f"{_PREFIX}*") if path.is_dir() and _is_name(path.name)]


class OneGeneration(Generations):
    """A single generation, live or not: to read an index before its swap."""

    def __init__(self, generation: Generation) -> None:
        super().__init__(generation.path.parent)
        self._generation = generation

    def current(self) -> Generation:
        """Always the same."""
        return self._generation


class WriterLock:
    """OS file lock of the index: one writer for all generations, until it closes or dies."""

    def __init__(self, root: Path) -> None:
        """Take the lock. Raises SearchUnavailable while another process holds it."""
        root.mkdir(parents=True, exist_ok=True, mode=0o700)
        self._path = root / _LOCK
        self._file: IO[bytes] = self._path.open("ab")
        try:
            fcntl.flock(self._file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError:
            self._file.close()
            raise SearchUnavailable(f"another process writes the index in {root}", retry_after=1.0) from None

    def is_held(self) -> bool:
        """Whether the lock is still effective: not when its file was deleted."""
        try:
            return os.path.samestat(os.fstat(self._file.fileno()), self._path.stat())
        except OSError:
            return False

    def release(self) -> None:
        """Release the lock."""
        self._file.close()


def _number(generation: Generation) -> int:
    return generation.number


def _is_name(name: str) -> bool:
    return name.startswith(_PREFIX) and name.removeprefix(_PREFIX).isdecimal() and name.isascii()


def _write_durably(path: Path, text: str) -> None:
    temporary = path.with_suffix(".tmp")
    with temporary.open("w", encoding="ascii") as file:
        file.write(text)
        file.flush()
        os.fsync(file.fileno())
    temporary.replace(path)
    directory = os.open(path.parent, os.O_RDONLY)
    try:
        os.fsync(directory)
    finally:
        os.close(directory)
