"""Online backup of Redis's append-only files as a tar. All other data is derived from them.

Copying while the server runs is consistent as long as AOF rewriting is disabled: the files only grow, a write is in
them before it is acknowledged, and an incomplete transaction at the end is ignored at the next start. So the copy
contains everything that was acknowledged before it started.
"""

from __future__ import annotations

import asyncio
import hashlib
import io
import json
import shutil
import tarfile
import tempfile
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, BinaryIO, Final

from broadsheet.failure import CliFailure
from shared.clock import now
from shared.store import Redis

FOLDER: Final = "appendonlydir"
MANIFEST: Final = "backup.json"
FORMAT: Final = 1
_REWRITE: Final = "auto-aof-rewrite-percentage"
_REWRITE_SECONDS: Final = 600.0
_POLL_SECONDS: Final = 0.05
_PIECE: Final = 1 << 20


@dataclass(frozen=True, slots=True)
class Backup:
    """Manifest of a backup: number of files, total bytes, creation time (ISO 8601, UTC) and engine.

    `engine` is name and major version, such as `redis8`; other engines may not be able to read it.
    """

    files: int
    bytes: int
    made_at: str
    engine: str


@asynccontextmanager
async def no_rewrite(client: Redis) -> AsyncIterator[None]:
    """Disable automatic AOF rewrites during the backup. The setting is always restored.

    Raises CliFailure if a running rewrite takes longer than ten minutes.
    """
    usual = (await client.config_get(_REWRITE)).get(_REWRITE) or "100"
    await client.config_set(_REWRITE, "0")
    try:
        async with asyncio.timeout(_REWRITE_SECONDS):
            while True:
                info = await client.info("persistence")
                if not (info["aof_rewrite_in_progress"] or info["aof_rewrite_scheduled"]):
                    break
                await asyncio.sleep(_POLL_SECONDS)
        yield
    except TimeoutError as error:
        raise CliFailure("the server does not finish rewriting its append-only file") from error
    finally:
        await client.config_set(_REWRITE, usual)


def write(source: Path, out: BinaryIO, *, engine: str) -> Backup:
    """Tar the append-only files below `source` as `redis/...`, then a manifest with their hashes.

    Each file is copied up to its current length. Raises CliFailure if there are none.
    """
    files = sorted(path for path in (source / FOLDER).glob("*") if path.is_file())
    if not files:
        raise CliFailure(f"no append-only files in {source / FOLDER}")
    hashes: dict[str, str] = {}
    total = 0
    with tarfile.open(fileobj=out, mode="w|") as tar:
        for path in files:
            with path.open("rb") as content:
                entry = tarfile.TarInfo(f"redis/{FOLDER}/{path.name}")
                entry.size, entry.mode = path.stat().st_size, 0o600
                hashing = _Hashing(content)
                tar.addfile(entry, hashing)
                hashes[entry.name], total = hashing.hexdigest(), total + entry.size
        made = Backup(len(files), total, now().isoformat(), engine)
        facts = {"format": FORMAT, "made_at": made.made_at, "engine": engine, "sha256": hashes}
        text = json.dumps(facts, indent=1).encode()
        entry = tarfile.TarInfo(MANIFEST)
        entry.size, entry.mode = len(text), 0o600
        tar.addfile(entry, io.BytesIO(text))
    return made


def restore(archive: BinaryIO, target: Path, *, engine: str) -> Backup:
    """Restore a backup into the empty directory `target`, for a server of this engine.

    Raises CliFailure for an incomplete tar or one of another engine.

    Files are unpacked and verified in a temporary directory first, so that a failed restore leaves nothing.
    """
    if (target / FOLDER).exists():
        raise CliFailure(f"{target / FOLDER} already exists; restore into an empty data directory", code=2)
    target.mkdir(mode=0o700, parents=True, exist_ok=True)
    with _beside(target) as folder:
        facts, hashes, total = _unpacked(archive, folder)
        if facts.get("format") != FORMAT or facts.get("sha256") != hashes or not hashes:
            raise CliFailure("the backup is damaged: its files do not match its manifest", code=2)
        if facts.get("engine") != engine:
            raise CliFailure(f"the backup is of {facts.get('engine')}; the server here is {engine}", code=2)
        (folder / FOLDER).rename(target / FOLDER)
    return Backup(len(hashes), total, str(facts.get("made_at")), str(facts.get("engine")))


def _unpacked(archive: BinaryIO, folder: Path) -> tuple[dict[str, Any], dict[str, str], int]:
    facts: dict[str, Any] = {}
    hashes: dict[str, str] = {}
    total = 0
    (folder / FOLDER).mkdir(mode=0o700)
    try:
        with tarfile.open(fileobj=archive, mode="r|") as tar:
            for entry in tar:
                content = tar.extractfile(entry)
                name = entry.name.removeprefix(f"redis/{FOLDER}/")
                if content is None or "/" in name or name in {"", ".", ".."}:
                    raise CliFailure(f"the backup is damaged: {entry.name!r} is not expected in it", code=2)
                if entry.name == MANIFEST:
                    facts = json.loads(content.read(_PIECE))
                    continue
                hashing = _Hashing(content)
                with (folder / FOLDER / name).open("xb") as file:
                    shutil.copyfileobj(hashing, file, _PIECE)
                hashes[entry.name], total = hashing.hexdigest(), total + entry.size
    except (tarfile.TarError, OSError, ValueError) as error:
        raise CliFailure(f"the backup cannot be read: {error}", code=2) from error
    return facts, hashes, total


@contextmanager
def _beside(target: Path) -> Iterator[Path]:
    folder = Path(tempfile.mkdtemp(prefix=".restore-", dir=target))
    try:
        yield folder
    finally:
        shutil.rmtree(folder)


class _Hashing(io.RawIOBase):
    """A stream that computes its SHA-256 while it is read."""

    def __init__(self, content: Any) -> None:
        super().__init__()
        self._content = content
        self._hash = hashlib.sha256()

    def read(self, size: int = -1, /) -> bytes:
        """As of any stream."""
        piece: bytes = self._content.read(size)
        self._hash.update(piece)
        return piece

    def hexdigest(self) -> str:
        """Hex digest of the bytes read so far."""
        return self._hash.hexdigest()
