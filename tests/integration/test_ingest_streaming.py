"""Bulk uploads to a real server process: streaming both ways, flat memory, kills on the way (B01, B02, B11, B13)."""

from __future__ import annotations

import asyncio
import json
import socket
import time
from collections.abc import AsyncIterator, Iterator
from pathlib import Path
from typing import Any

import httpx
import orjson
import pytest

from shared.envelope import decode
from shared.events import ArticleReceived
from shared.store import connect
from shared.topology import ARTICLE_RECEIVED
from tests.support.ingest_http import NDJSON, ingest_process, make_key, rss_mib
from tests.support.valkey import Valkey

pytestmark = pytest.mark.redis

PATH = "/v1/articles/bulk"
MIB = 1024 * 1024


def line(n: int, text: str = "The ferry is back.", **fields: Any) -> bytes:
    return orjson.dumps({"source": "gazette", "id": str(n), "text": text, **fields}) + b"\n"


async def accepted_ids(client: Any) -> list[tuple[str, int]]:
    rows = await client.xrange(ARTICLE_RECEIVED.key)
    refs = [ArticleReceived.from_json(decode(fields)[1]).article for _, fields in rows]
    return [(ref.article_id, ref.rev) for ref in refs]


@pytest.fixture(scope="module")
def server(valkey: Valkey, tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[str, Any, Path]]:
    """The base URL of a real ingest process, the process, and its log."""
    log = tmp_path_factory.mktemp("ingest") / "ingest.log"
    with ingest_process(valkey.url, log, INGEST_BULK_BYTES=str(256 * MIB)) as (port, process):
        yield f"http://127.0.0.1:{port}", process, log


async def timed_upload(
    server: tuple[str, Any, Path], key: str, chunks: AsyncIterator[bytes]
) -> tuple[dict[str, Any], float, int]:
    """Stream an upload to the process: the summary, the growth of its memory in MiB, and the number of verdicts."""
    url, process, _ = server
    before = peak = rss_mib(process)
    last, count = b"", 0
    async with (
        httpx.AsyncClient(timeout=50) as client,
        client.stream("POST", url + PATH, content=chunks, headers=NDJSON | {"x-api-key": key}) as response,
    ):
        assert response.status_code == 200
        tail = b""
        async for piece in response.aiter_bytes():
            peak = max(peak, rss_mib(process))
            *ended, tail = (tail + piece).split(b"\n")
            count += len(ended)
            last = ended[-1] if ended else last
    return json.loads(last)["summary"], peak - before, count - 1


async def repeat(piece: bytes, times: int, *after: bytes) -> AsyncIterator[bytes]:
    for _ in range(times):
        yield piece
    for more in after:
        yield more


async def test_b01_one_line_of_64_mb(valkey: Valkey, redis_client: Any, server: tuple[str, Any, Path]) -> None:
    key = await make_key(valkey.url)
    chunks = repeat(b"x" * 65_536, 1024, b"\n", line(1))
    summary, growth, _ = await timed_upload(server, key, chunks)
    assert (summary["rejected"], summary["accepted"], summary["lines"]) == (1, 1, 2)
    assert growth < 100


async def test_b02_a_million_empty_lines(valkey: Valkey, redis_client: Any, server: tuple[str, Any, Path]) -> None:
    key = await make_key(valkey.url)
    summary, growth, _ = await timed_upload(server, key, repeat(b"\n" * 10_000, 100, line(1)))
    assert (summary["blank"], summary["accepted"], summary["lines"]) == (1_000_000, 1, 1_000_001)
    assert growth < 100


async def test_b13_a_hundred_thousand_empty_objects(
    valkey: Valkey, redis_client: Any, server: tuple[str, Any, Path]
) -> None:
    key = await make_key(valkey.url)
    summary, growth, count = await timed_upload(server, key, repeat(b"{}\n" * 1000, 100, line(1)))
    assert (summary["rejected"], summary["accepted"], count) == (100_000, 1, 100_001)
    assert growth < 100


async def test_thousands_of_articles_stay_in_bounded_memory(
    valkey: Valkey, redis_client: Any, server: tuple[str, Any, Path]
) -> None:
    key = await make_key(valkey.url)

    async def chunks() -> AsyncIterator[bytes]:
        for n in range(3000):
            yield line(n, f"Article {n}. " + "The harbour council met again today. " * 150)

    began = time.perf_counter()
    summary, growth, _ = await timed_upload(server, key, chunks())
    print(f"\n3,000 articles of 5.5 KB in {time.perf_counter() - began:.1f} s, memory +{growth:.0f} MiB")
    assert summary["accepted"] == 3000
    assert growth < 100
    assert len(await accepted_ids(redis_client)) == 3000


async def test_verdicts_come_while_the_upload_goes_on(
    valkey: Valkey, redis_client: Any, server: tuple[str, Any, Path]
) -> None:
    """A producer that waits for the verdict on each line before it sends the next is never stuck."""
    key = await make_key(valkey.url)
    port = int(server[0].rsplit(":", 1)[1])
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    writer.write(_head(key))
    async with asyncio.timeout(20):
        for n in range(5):
            writer.write(_chunk(line(n)))
            while f'"line":{n + 1},"status":"accepted"'.encode() not in await reader.readline():
                pass
        writer.write(b"0\r\n\r\n")
        while b'"complete":true' not in await reader.readline():
            pass
    writer.close()


async def test_b11_what_was_answered_is_durable_when_the_client_goes_half_way(
    valkey: Valkey, redis_client: Any, server: tuple[str, Any, Path]
) -> None:
    key = await make_key(valkey.url)
    port = int(server[0].rsplit(":", 1)[1])
    with socket.create_connection(("127.0.0.1", port), timeout=20) as client:
        client.sendall(_head(key) + b"".join(_chunk(line(n)) for n in range(75)) + _chunk(line(75)[:-20]))
        answer = b""
        while answer.count(b'"status":"accepted"') < 75:
            piece = client.recv(65_536)
            assert piece
            answer += piece
    stored = await accepted_ids(redis_client)
    assert len(stored) == 75  # and the line that was cut is not there
    async with httpx.AsyncClient() as again:
        assert (await again.get(server[0] + "/livez")).status_code == 200
    assert "Traceback" not in server[2].read_text()


async def test_what_was_answered_survives_the_death_of_everything(own_valkey: Valkey, tmp_path: Path) -> None:
    key = await make_key(own_valkey.url)
    with (
        ingest_process(own_valkey.url, tmp_path / "log") as (port, process),
        socket.create_connection(("127.0.0.1", port), timeout=20) as client,
    ):
        client.sendall(_head(key) + b"".join(_chunk(line(n)) for n in range(400)))
        answer = b""
        while answer.count(b'"status":"accepted"') < 100:
            answer += client.recv(65_536)
        process.kill()
        own_valkey.kill()
        while piece := _received(client):
            answer += piece
    own_valkey.start()
    admin = connect(own_valkey.url)
    stored = {article_id for article_id, _ in await accepted_ids(admin)}
    answered = {json.loads(row)["id"] for row in answer.split(b"\n") if b'"accepted"' in row and row.endswith(b"}")}
    assert len(answered) >= 90
    assert answered <= stored
    await admin.aclose()


def _received(client: socket.socket) -> bytes:
    try:
        return client.recv(65_536)
    except ConnectionError:
        return b""


def _head(key: str) -> bytes:
    return (
        f"POST {PATH} HTTP/1.1\r\nHost: ingest\r\nX-Api-Key: {key}\r\nContent-Type: application/x-ndjson\r\n"
        "Transfer-Encoding: chunked\r\n\r\n"
    ).encode()


def _chunk(data: bytes) -> bytes:
    return b"%x\r\n%b\r\n" % (len(data), data)
