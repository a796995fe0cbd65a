"""Replays engine responses, to measure serve and a thin client without an engine on the same cores.

A real engine uses the cores between two searches and evicts the CPU caches, which makes the same code several times as
expensive. `python -m broadsheet.bench.search.replay PORT ENGINE_URL` forwards each request once, and then returns the
same bytes.
"""

from __future__ import annotations

import asyncio
import http.client
import socket
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import Final
from urllib.parse import urlsplit

from broadsheet.bench.processes import free_port, launch, wait_until_up
from broadsheet.bench.search.engines import BenchServer

_SECONDS: Final = 30.0
_PASSED_ON: Final[tuple[str, ...]] = ("authorization", "content-type")


@contextmanager
def replayed(server: BenchServer, directory: Path) -> Iterator[BenchServer]:
    """Start it; yields its URL. Raises CannotStart."""
    port = free_port()
    command = [sys.executable, "-m", "broadsheet.bench.search.replay", str(port), server.url]
    running = launch("replay", command, directory, {})
    try:
        wait_until_up(running, lambda: _listens(port))
        yield replace(server, url=f"http://127.0.0.1:{port}", pid=running.pid)
    finally:
        running.stop()


def _listens(port: int) -> bool:
    with socket.socket() as probe:
        return probe.connect_ex(("127.0.0.1", port)) == 0


class _AnswerReplay:
    def __init__(self, engine: str) -> None:
        self._engine = urlsplit(engine).netloc
        self._answers: dict[tuple[str, bytes], bytes] = {}

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """One connection of our own clients: HTTP/1.1, bodies with their length, one request after the other."""
        try:
            while True:
                line, *rows = (await reader.readuntil(b"\r\n\r\n")).decode("latin-1").strip().split("\r\n")
                fields = {name.lower(): value.strip() for name, _, value in (row.partition(":") for row in rows)}
                body = await reader.readexactly(int(fields.get("content-length", "0")))
                if (line, body) not in self._answers:
                    self._answers[line, body] = await asyncio.to_thread(self._asked, line, fields, body)
                writer.write(self._answers[line, body])
                await writer.drain()
        except (asyncio.IncompleteReadError, ConnectionError):
            writer.close()

    def _asked(self, line: str, fields: dict[str, str], body: bytes) -> bytes:
        method, target, _ = line.split(" ")
        headers: dict[str, str] = {name: fields[name] for name in _PASSED_ON if name in fields}
        connection = http.client.HTTPConnection(self._engine, timeout=_SECONDS)
        try:
            connection.request(method, target, body or None, headers)
            answer = connection.getresponse()
            content = answer.read()
        finally:
            connection.close()
        head = f"HTTP/1.1 {answer.status} {answer.reason}\r\ncontent-type: application/json\r\n"
        return f"{head}content-length: {len(content)}\r\n\r\n".encode() + content


async def _main(port: int, engine: str) -> None:
    server = await asyncio.start_server(_AnswerReplay(engine).serve, "127.0.0.1", port)
    await server.serve_forever()


if __name__ == "__main__":
    asyncio.run(_main(int(sys.argv[1]), sys.argv[2]))
