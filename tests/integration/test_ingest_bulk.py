"""Bulk uploads, catalogue rows B: one verdict per line, the rest goes on, memory stays flat. B01-B16 by name."""

from __future__ import annotations

import asyncio
import gzip
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
from tests.ingest_http import NDJSON, ingest_process, make_key, open_ingest, rss_mib, verdicts
from tests.valkey import Valkey

pytestmark = pytest.mark.redis

PATH = "/v1/articles/bulk"
MIB = 1024 * 1024


def line(n: int, text: str = "The ferry is back.", **fields: Any) -> bytes:
    return orjson.dumps({"source": "gazette", "id": str(n), "text": text, **fields}) + b"\n"


async def upload(
    client: httpx.AsyncClient, content: Any, **headers: str
) -> tuple[list[dict[str, Any]], dict[str, Any]]:
    response = await client.post(PATH, content=content, headers=NDJSON | headers)
    assert response.status_code == 200, response.text
    assert response.headers["content-type"].startswith("application/x-ndjson")
    return verdicts(response)


async def accepted_ids(client: Any) -> list[tuple[str, int]]:
    rows = await client.xrange(ARTICLE_RECEIVED.key)
    refs = [ArticleReceived.from_json(decode(fields)[1]).article for _, fields in rows]
    return [(ref.article_id, ref.rev) for ref in refs]


async def test_every_line_gets_its_verdict_in_order(valkey: Valkey, redis_client: Any) -> None:
    async with open_ingest(valkey.url) as client:
        rows, summary = await upload(client, b"".join(line(n) for n in range(120)))
    assert [row["line"] for row in rows] == list(range(1, 121))
    assert {row["status"] for row in rows} == {"accepted"}
    assert [(row["id"], row["rev"]) for row in rows] == await accepted_ids(redis_client)
    assert summary == {
        "lines": 120,
        "blank": 0,
        "accepted": 120,
        "unchanged": 0,
        "replayed": 0,
        "stale": 0,
        "rejected": 0,
        "failed": 0,
        "unavailable": 0,
        "complete": True,
    }


SMALL = {
    "B03-last-line-cut": (line(1) + line(2)[:-10], ["accepted", "rejected"]),
    "B03-no-last-newline": (line(1) + line(2)[:-1], ["accepted", "accepted"]),
    "B04-crlf": (line(1)[:-1] + b"\r\n" + line(2)[:-1] + b"\r\n", ["accepted", "accepted"]),
    "B04-lone-cr": (line(1)[:-1] + b"\r" + line(2), ["rejected"]),
    "B05-bad-line-in-the-middle": (line(1) + b"{oops\n" + line(2), ["accepted", "rejected", "accepted"]),
    "B06-mixed-encodings": (
        line(1) + '{"text":"é"}\n'.encode("cp1252") + '{"text":"é"}\n'.encode("utf-16") + b"\n" + line(2),
        ["accepted", "rejected", "rejected", "rejected", "accepted"],
    ),
    "B08-create-and-delete": (line(1) + b'{"source":"gazette","id":"1","delete":true}\n', ["accepted", "rejected"]),
    "B09-array": (b"[" + line(1)[:-1] + b"," + line(2)[:-1] + b"]", ["rejected"]),
    "B09-array-over-lines": (
        b"[\n" + line(1)[:-1] + b",\n" + line(2) + b"]\n",
        ["rejected"] * 2 + ["accepted", "rejected"],
    ),
    "B14-deep-line": (line(1) + b'{"text":' + b"[" * 100_000 + b"\n" + line(2), ["accepted", "rejected", "accepted"]),
    "B15-csv": (b"id,title,text\n1,Ferry,It is back\n", ["rejected", "rejected"]),
    "B16-formula": (line(1, title="=cmd|'/c calc'!A1"), ["accepted"]),
    "BX-stale": (line(1, version=5) + line(1, "Older.", version=4), ["accepted", "stale"]),
    "BX-same-content": (line(1) * 3, ["accepted", "unchanged", "unchanged"]),
    "BX-nothing": (b"", []),
}


@pytest.mark.parametrize(("content", "statuses"), SMALL.values(), ids=SMALL.keys())
async def test_small_files(valkey: Valkey, redis_client: Any, content: bytes, statuses: list[str]) -> None:
    async with open_ingest(valkey.url) as client:
        began = time.perf_counter()
        rows, summary = await upload(client, content)
        assert time.perf_counter() - began < 1
        assert [row["status"] for row in rows] == statuses
        assert summary["complete"]
        for row in rows:
            assert ("errors" in row) == (row["status"] in {"rejected", "stale"})
            assert all(error["field"] and error["detail"] for error in row.get("errors", []))
        following, _ = await upload(client, line(99))
        assert following[0]["status"] == "accepted"


async def test_b05_the_verdict_names_line_and_field(valkey: Valkey, redis_client: Any) -> None:
    async with open_ingest(valkey.url) as client:
        rows, _ = await upload(client, line(1) + b"\n" + line(2, language="<script>") + line(3))
    assert [row["line"] for row in rows] == [1, 3, 4]
    assert rows[1]["errors"] == [{"field": "language", "detail": "must be a BCP 47 tag such as en or pt-BR"}]


async def test_b07_the_same_id_twice_is_two_revisions_in_order(valkey: Valkey, redis_client: Any) -> None:
    async with open_ingest(valkey.url) as client:
        rows, _ = await upload(client, line(1, "First.") + line(2) + line(1, "Second."))
    assert [row["rev"] for row in rows] == [1, 1, 2]
    assert rows[0]["id"] == rows[2]["id"]
    assert await accepted_ids(redis_client) == [(row["id"], row["rev"]) for row in rows]


async def test_b12_a_file_sent_again_changes_nothing(valkey: Valkey, redis_client: Any) -> None:
    content = b"".join(line(n) for n in range(70)) + line(3, "An update.")
    async with open_ingest(valkey.url) as client:
        first, _ = await upload(client, content, **{"idempotency-key": "file-1"})
        again, summary = await upload(client, content, **{"idempotency-key": "file-1"})
        other, _ = await upload(client, line(0, "Changed."), **{"idempotency-key": "file-1"})
    assert {row["status"] for row in first} == {"accepted"}
    assert summary["replayed"] == 71
    assert [(row["id"], row["rev"]) for row in again] == [(row["id"], row["rev"]) for row in first]
    assert other[0]["status"] == "rejected"
    assert other[0]["errors"][0]["field"] == "Idempotency-Key"
    assert len(await accepted_ids(redis_client)) == 71


async def test_b12_two_uploads_at_once_accept_each_line_once(valkey: Valkey, redis_client: Any) -> None:
    content = b"".join(line(n) for n in range(300))
    async with open_ingest(valkey.url) as client:
        answers = await asyncio.gather(*(upload(client, content) for _ in range(2)))
    assert sum(summary["accepted"] for _, summary in answers) == 300
    assert sum(summary["unchanged"] for _, summary in answers) == 300
    assert len(await accepted_ids(redis_client)) == 300


async def test_b10_a_compressed_file_is_refused(valkey: Valkey, redis_client: Any) -> None:
    bomb = gzip.compress(b"\n" * 20 * MIB)
    async with open_ingest(valkey.url) as client:
        refused = await client.post(PATH, content=bomb, headers=NDJSON | {"content-encoding": "gzip"})
        assert refused.status_code == 415
        rows, _ = await upload(client, bomb)  # without saying so it is lines of garbage
        assert {row["status"] for row in rows} == {"rejected"}


async def test_too_much_is_refused_before_or_stopped_on_the_way(valkey: Valkey, redis_client: Any) -> None:
    async with open_ingest(valkey.url, bulk_bytes=10_000) as client:
        declared = await client.post(PATH, content=line(1) * 1000, headers=NDJSON)
        assert (declared.status_code, declared.headers["content-type"]) == (413, "application/problem+json")

        async def chunks() -> AsyncIterator[bytes]:
            for n in range(1000):
                yield line(n)

        rows, summary = await upload(client, chunks())
    assert len(rows) > 100
    assert {row["status"] for row in rows} == {"accepted"}
    assert not summary["complete"]
    assert "10000 bytes" in summary["detail"]
    assert len(await accepted_ids(redis_client)) == len(rows)


@pytest.mark.parametrize(("params", "headers", "status"), [
    ({"source": "x"}, NDJSON, 400),
    ({}, {"content-type": "application/json"}, 415),
    ({}, {}, 415),
    ({}, NDJSON | {"idempotency-key": "a b"}, 400),
])  # fmt: skip
async def test_what_is_no_upload_is_refused_at_once(
    valkey: Valkey, redis_client: Any, params: dict[str, str], headers: dict[str, str], status: int
) -> None:
    async with open_ingest(valkey.url) as client:
        response = await client.post(PATH, content=line(1), params=params, headers=headers)
    assert (response.status_code, response.headers["content-type"]) == (status, "application/problem+json")


# --- real server: streaming and memory ---------------------------------------------------------------------------


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
