"""The real server on real sockets: catalogue rows H that only a hostile client can send, limits, a clean stop."""

from __future__ import annotations

import contextlib
import os
import signal
import socket
import statistics
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest

from tests.support.ingest_http import ingest_process, make_key, rss_mib
from tests.support.valkey import Valkey

pytestmark = pytest.mark.redis

MIB = 1024 * 1024
BODY = b'{"text":"The ferry is back."}'
LIMITS = {"INGEST_HEADER_SECONDS": "1", "INGEST_BODY_SECONDS": "1"}


@pytest.fixture(scope="module")
def server(valkey: Valkey, tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[int, Any, Path]]:
    log = tmp_path_factory.mktemp("ingest") / "ingest.log"
    with ingest_process(valkey.url, log, **LIMITS) as (port, process):
        yield port, process, log


def head(key: str, *headers: str, path: str = "/v1/articles", kind: str = "application/json") -> bytes:
    lines = [f"POST {path} HTTP/1.1", "Host: ingest", f"X-Api-Key: {key}", f"Content-Type: {kind}", *headers, "", ""]
    return "\r\n".join(lines).encode("latin-1")


def exchange(port: int, data: bytes, *, timeout: float = 10) -> bytes:
    """Send all of it, then read until the server closes or the answer looks complete."""
    with socket.create_connection(("127.0.0.1", port), timeout=timeout) as client:
        with contextlib.suppress(ConnectionError):
            client.sendall(data)
        return read_answer(client)


def read_answer(client: socket.socket) -> bytes:
    answer = b""
    with contextlib.suppress(ConnectionError):
        while piece := client.recv(65_536):
            answer += piece
            if answer.startswith(b"HTTP/1.1 100"):
                answer = answer.partition(b"\r\n\r\n")[2]
            header, found, body = answer.partition(b"\r\n\r\n")
            length = [line for line in header.lower().split(b"\r\n") if line.startswith(b"content-length:")]
            if found and length and len(body) >= int(length[0].split(b":")[1]):
                break
    return answer


def status(answer: bytes) -> int:
    return int(answer.split(b" ", 2)[1])


def length(body: bytes) -> str:
    return f"Content-Length: {len(body)}"


HOSTILE = {
    "H03-key-with-newline": (400, lambda key: head(f"{key}\r\nX-Y z", length(BODY)) + BODY),
    "H07-100kb-header": (431, lambda key: head(key, "X-Long: " + "a" * 100_000, length(BODY)) + BODY),
    "H08-5000-headers": (431, lambda key: head(key, *(f"X-{n}: a" for n in range(5000)), length(BODY)) + BODY),
    "H09-64kb-url": (414, lambda key: head(key, length(BODY), path="/v1/articles?title=" + "a" * 65_536) + BODY),
    "H10-te-and-cl": (400, lambda key: head(key, length(BODY), "Transfer-Encoding: chunked") + BODY),
    "H11-cl-smaller": (400, lambda key: head(key, "Content-Length: 5", "Connection: close") + BODY),
    "H12-cl-negative": (400, lambda key: head(key, "Content-Length: -1") + BODY),
    "H12-cl-two": (400, lambda key: head(key, "Content-Length: 5", "Content-Length: 6") + BODY),
    "H12-cl-huge": (413, lambda key: head(key, "Content-Length: " + "9" * 19)),
    "H13-chunk-2^64": (400, lambda key: head(key, "Transfer-Encoding: chunked") + b"FFFFFFFFFFFFFFFFFFFFFFFFF\r\nx"),
    "H13-chunk-garbage": (400, lambda key: head(key, "Transfer-Encoding: chunked") + b"zz\r\nx\r\n"),
    "H14-te-unknown": (501, lambda key: head(key, "Transfer-Encoding: gzip, chunked") + b"0\r\n\r\n"),
    "HX-not-http": (400, lambda key: b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03\r\n\r\n"),
    "HX-http-0.9": (400, lambda key: b"GET /\r\n\r\n"),
    "H22-trace": (405, lambda key: b"TRACE /v1/articles HTTP/1.1\r\nHost: x\r\n\r\n"),
    "H22-connect": (404, lambda key: b"CONNECT evil.example:443 HTTP/1.1\r\nHost: x\r\n\r\n"),
    "H26-nul-path": (404, lambda key: b"GET /%00 HTTP/1.1\r\nHost: x\r\n\r\n"),
    "H26-dots": (404, lambda key: b"GET /v1/..%2f..%2fetc HTTP/1.1\r\nHost: x\r\n\r\n"),
    "H28-1mb-key": (431, lambda key: head(key, "Idempotency-Key: " + "k" * MIB, length(BODY)) + BODY),
}


@pytest.mark.parametrize(("wanted", "request_of"), HOSTILE.values(), ids=HOSTILE.keys())
async def test_hostile_requests(
    valkey: Valkey, redis_client: Any, server: tuple[int, Any, Path], wanted: int, request_of: Any
) -> None:
    port, _, log = server
    key = await make_key(valkey.url)
    began = time.monotonic()
    answer = exchange(port, request_of(key))
    assert time.monotonic() - began < 2
    # Headers that come in pieces are refused by h11 itself, with a 400, before there is a request to judge.
    assert status(answer) in {wanted, 400} if wanted in {414, 431, 501} else status(answer) == wanted
    assert b"application/problem+json" in answer
    assert key.encode() not in answer
    good = exchange(port, head(key, length(BODY)) + BODY)
    assert status(good) in {200, 202}
    assert "Traceback" not in log.read_text()


@pytest.mark.slow
async def test_h14_an_endless_body_is_cut_off(valkey: Valkey, redis_client: Any, server: tuple[int, Any, Path]) -> None:
    port, process, _ = server
    key = await make_key(valkey.url)
    before = rss_mib(process)
    chunk = b"10000\r\n" + b" " * 65_536 + b"\r\n"
    sent = 0
    began = time.monotonic()
    with socket.create_connection(("127.0.0.1", port), timeout=10) as client:
        client.sendall(head(key, "Transfer-Encoding: chunked"))
        with contextlib.suppress(ConnectionError):
            while time.monotonic() - began < 20:
                client.sendall(chunk)
                sent += len(chunk)
    assert time.monotonic() - began < 10  # LINGER_SECONDS after the 413, the line is dead
    assert sent > MIB
    assert rss_mib(process) - before < 50


async def test_a_body_over_the_limit_still_gets_its_answer(
    valkey: Valkey, redis_client: Any, server: tuple[int, Any, Path]
) -> None:
    key = await make_key(valkey.url)
    async with httpx.AsyncClient(headers={"x-api-key": key}) as client:
        url = f"http://127.0.0.1:{server[0]}/v1/articles"
        for _ in range(3):
            response = await client.post(url, content=b"x" * 20 * MIB, headers={"content-type": "text/plain"})
            assert response.status_code == 413


SLOW = {
    "H15-one-byte-then-silence": lambda key: head(key, length(BODY)) + BODY[:1],
    "H17-expect-then-silence": lambda key: head(key, length(BODY), "Expect: 100-continue"),
    "H14-open-chunk": lambda key: head(key, "Transfer-Encoding: chunked") + b"ff\r\nx",
}


@pytest.mark.parametrize("request_of", SLOW.values(), ids=SLOW.keys())
async def test_slow_bodies_get_408(
    valkey: Valkey, redis_client: Any, server: tuple[int, Any, Path], request_of: Any
) -> None:
    key = await make_key(valkey.url)
    began = time.monotonic()
    with socket.create_connection(("127.0.0.1", server[0]), timeout=10) as client:
        client.sendall(request_of(key))
        answer = read_answer(client)
    assert status(answer) == 408
    assert time.monotonic() - began < 4


@pytest.mark.parametrize(
    "start", [b"", b"POST /v1/art", b"POST / HTTP/1.1\r\nHost: x\r\n"], ids=["silent", "line", "H16"]
)
async def test_half_headers_are_hung_up_on(server: tuple[int, Any, Path], start: bytes) -> None:
    began = time.monotonic()
    with socket.create_connection(("127.0.0.1", server[0]), timeout=10) as client:
        client.sendall(start)
        assert client.recv(1000) == b""
    assert time.monotonic() - began < 4


async def test_half_headers_after_a_good_request_are_hung_up_on_too(server: tuple[int, Any, Path]) -> None:
    with socket.create_connection(("127.0.0.1", server[0]), timeout=10) as client:
        client.sendall(b"GET /livez HTTP/1.1\r\nHost: x\r\n\r\n")
        assert status(read_answer(client)) == 200
        began = time.monotonic()
        client.sendall(b"GET /livez HT")
        assert client.recv(1000) == b""
        assert time.monotonic() - began < 4


async def test_many_slow_sockets_do_not_slow_a_good_request(
    valkey: Valkey, redis_client: Any, server: tuple[int, Any, Path]
) -> None:
    key = await make_key(valkey.url)
    port = server[0]
    with contextlib.ExitStack() as stack:
        for _ in range(300):
            slow = stack.enter_context(socket.create_connection(("127.0.0.1", port), timeout=10))
            slow.sendall(b"POST /v1/articles HTTP/1.1\r\nHost:")
        took = []
        for _ in range(10):
            began = time.monotonic()
            assert status(exchange(port, head(key, length(BODY)) + BODY)) in {200, 202}
            took.append(time.monotonic() - began)
    assert statistics.median(took) < 0.5  # slow sockets would slow them all; a busy machine slows one or two


async def test_nothing_is_said_about_the_server(server: tuple[int, Any, Path]) -> None:
    async with httpx.AsyncClient() as client:
        response = await client.get(f"http://127.0.0.1:{server[0]}/readyz")
    assert response.status_code == 200
    assert "server" not in response.headers


async def test_sigterm_finishes_and_exits_with_0(valkey: Valkey, redis_client: Any, tmp_path: Path) -> None:
    key = await make_key(valkey.url)
    with ingest_process(valkey.url, tmp_path / "log") as (port, process):
        with socket.create_connection(("127.0.0.1", port), timeout=10) as client:
            client.sendall(head(key, length(BODY)) + BODY[:5])
            for _ in range(3):  # the request has reached the handler once others have been served after it
                assert status(exchange(port, b"GET /livez HTTP/1.1\r\nHost: x\r\n\r\n")) == 200
            process.send_signal(signal.SIGTERM)
            client.sendall(BODY[5:])
            assert status(read_answer(client)) == 202
        assert process.wait(10) == 0
        assert "Traceback" not in (tmp_path / "log").read_text()


def test_a_taken_port_is_an_error(valkey: Valkey) -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = str(taken.getsockname()[1])
        env = {**os.environ, "BROADSHEET_REDIS_URL": valkey.url, "INGEST_PORT": port}
        done = subprocess.run(
            [sys.executable, "-m", "services.ingest.app"], env=env, capture_output=True, timeout=30, check=False
        )
    assert done.returncode != 0


def test_local_never_leaves_loopback(valkey: Valkey) -> None:
    env = {
        **os.environ,
        "BROADSHEET_REDIS_URL": valkey.url,
        "BROADSHEET_ENVIRONMENT": "local",
        "INGEST_HOST": "0.0.0.0",
    }
    done = subprocess.run(
        [sys.executable, "-m", "services.ingest.app"], env=env, capture_output=True, timeout=30, check=False
    )
    assert done.returncode != 0
    assert b"loopback" in done.stderr


async def test_a_bulk_upload_that_falls_silent_gets_its_verdicts_and_an_end(
    valkey: Valkey, redis_client: Any, server: tuple[int, Any, Path]
) -> None:
    key = await make_key(valkey.url)
    began = time.monotonic()
    with socket.create_connection(("127.0.0.1", server[0]), timeout=10) as client:
        path, kind = "/v1/articles/bulk", "application/x-ndjson"
        client.sendall(head(key, "Transfer-Encoding: chunked", path=path, kind=kind))
        client.sendall(b"%x\r\n%b\n\r\n" % (len(BODY) + 1, BODY) + b"5\r\n" + BODY[:5] + b"\r\n")
        answer = b""
        while b'"summary"' not in answer:
            piece = client.recv(65_536)
            assert piece, answer
            answer += piece
    assert b'"line":1,"status":"accepted"' in answer
    assert b'"complete":false,"detail":"no data for 1 s"' in answer
    assert b'"line":2' not in answer  # half a line is no line
    assert time.monotonic() - began < 5
