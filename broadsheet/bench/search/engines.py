"""Engines for benchmarks: a private or given Meilisearch, and the embedded engine."""

from __future__ import annotations

import secrets
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import httpx

from broadsheet.bench.costs import cpu_ms
from broadsheet.bench.processes import CannotStart, free_port, is_ok, launch, wait_until_up
from shared.search import open_index
from shared.search.port import SearchIndex
from shared.settings import BaseServiceSettings


@dataclass(frozen=True, slots=True)
class BenchServer:
    """A Meilisearch: URL, key, version, and its process if started here."""

    url: str
    key: str
    version: str
    pid: int | None = None

    @property
    def headers(self) -> dict[str, str]:
        """Headers of every request."""
        return {"Authorization": f"Bearer {self.key}"} if self.key else {}

    def index_url(self, uid: str) -> str:
        """Index URL of an index on it."""
        return f"meilisearch:{self.url}#{uid}"

    def cpu_ms(self) -> float:
        """CPU milliseconds of the server; 0 if not started here."""
        return 0.0 if self.pid is None else cpu_ms(self.pid)


@contextmanager
def meilisearch(directory: Path, url: str | None, key: str) -> Iterator[BenchServer | None]:
    """The server at `url`, else one started from PATH, else None. Raises CannotStart."""
    if url is not None:
        yield BenchServer(url.rstrip("/"), key, _version(url.rstrip("/"), key))
        return
    program = shutil.which("meilisearch")
    if program is None:
        yield None
        return
    own, port = secrets.token_hex(16), free_port()
    base = f"http://127.0.0.1:{port}"
    command = [
        program, "--http-addr", f"127.0.0.1:{port}", "--db-path", str(directory / "meilisearch"), "--master-key", own,
        "--env", "production", "--no-analytics", "--max-indexing-threads", "2", "--max-indexing-memory", "1GiB",
        "--log-level", "WARN",
    ]  # fmt: skip
    running = launch("meilisearch", command, directory, {})
    try:
        wait_until_up(running, lambda: is_ok(f"{base}/health", within=1))
        yield BenchServer(base, own, _version(base, own), running.pid)
    finally:
        running.stop()


def opened(index_url: str, key: str = "", *, writer: bool = True) -> SearchIndex:
    """The engine behind our port."""
    settings = BaseServiceSettings(BROADSHEET_INDEX_URL=index_url, BROADSHEET_INDEX_KEY=key)
    return open_index(settings, writer=writer)


def _version(url: str, key: str) -> str:
    try:
        answer = httpx.get(f"{url}/version", headers={"Authorization": f"Bearer {key}"} if key else {}, timeout=5)
        return str(answer.raise_for_status().json()["pkgVersion"])
    except (httpx.HTTPError, ValueError, KeyError) as error:
        raise CannotStart(f"no Meilisearch answers at {url}: {error}") from error
