"""ingest for tests: the app in this process over ASGI, or a real server process on a free port."""

from __future__ import annotations

import json
import os
import socket
import subprocess
import sys
import time
from collections.abc import AsyncIterator, Iterable, Iterator
from contextlib import asynccontextmanager, contextmanager
from pathlib import Path
from typing import Any

import httpx

from services.ingest.app import create_app
from services.ingest.settings import IngestSettings
from shared.store import Credentials, connect
from tests.support.valkey import free_port

TEXT = {"content-type": "text/plain"}
HTML = {"content-type": "text/html"}
JSON = {"content-type": "application/json"}
NDJSON = {"content-type": "application/x-ndjson"}


async def make_key(redis_url: str, *scopes: str, sources: Iterable[str] = ("*",)) -> str:
    client = connect(redis_url)
    key, _ = await Credentials(client).create("tests", frozenset(scopes or ("ingest",)), sources=sources)
    await client.aclose()
    return key


@asynccontextmanager
async def open_ingest(redis_url: str, *, scope: str = "ingest", **settings: Any) -> AsyncIterator[httpx.AsyncClient]:
    """A client of a fresh app on this store, with a fresh key; `settings` are fields of IngestSettings."""
    key = await make_key(redis_url, scope)
    app = create_app(IngestSettings(BROADSHEET_REDIS_URL=redis_url, **settings))
    transport = httpx.ASGITransport(app)
    headers = {"x-api-key": key}
    async with httpx.AsyncClient(transport=transport, base_url="http://ingest", headers=headers, timeout=30) as client:
        client.app = app  # type: ignore[attr-defined]
        yield client
    await app.state.outbound.aclose()
    await app.state.committer.aclose()
    await app.state.close()


def verdicts(response: httpx.Response) -> tuple[list[dict[str, Any]], dict[str, Any]]:
    """The verdicts of a bulk answer and its summary."""
    rows = [json.loads(line) for line in response.text.splitlines()]
    assert list(rows[-1]) == ["summary"]
    return rows[:-1], rows[-1]["summary"]


@contextmanager
def ingest_process(redis_url: str, log: Path, **env: str) -> Iterator[tuple[int, subprocess.Popen[bytes]]]:
    """`python -m services.ingest.app` on a free port: yields the port and the process, once it answers."""
    port = free_port()
    environment = {**os.environ, "BROADSHEET_REDIS_URL": redis_url, "INGEST_PORT": str(port), **env}
    with log.open("wb") as out:
        process = subprocess.Popen([sys.executable, "-m", "services.ingest.app"], env=environment, stderr=out)
    try:
        _wait_for_port(port, process, log)
        yield port, process
    finally:
        process.kill()
        process.wait(10)


def rss_mib(process: subprocess.Popen[bytes]) -> float:
    """Resident memory of a process in MiB."""
    status = Path(f"/proc/{process.pid}/status").read_text()
    (line,) = [line for line in status.splitlines() if line.startswith("VmRSS")]
    return int(line.split()[1]) / 1024


def _wait_for_port(port: int, process: subprocess.Popen[bytes], log: Path) -> None:
    deadline = time.monotonic() + 20
    while time.monotonic() < deadline:
        assert process.poll() is None, log.read_text()[-2000:]
        with socket.socket() as probe:
            probe.settimeout(0.5)
            if probe.connect_ex(("127.0.0.1", port)) == 0:
                return
        time.sleep(0.05)
    raise AssertionError(f"nothing listens on {port}: {log.read_text()[-2000:]}")
