"""Limits at the socket level, of serve and ingest as real processes: silent, slow and many connections."""

from __future__ import annotations

import asyncio
import contextlib
import os
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Final

import httpx
import pytest
from websockets.asyncio.client import connect
from websockets.exceptions import InvalidStatus

from shared.http_server.connection_limits import REFUSED_AT_ONCE, ConnectionLimits
from shared.http_server.trusted_proxies import TrustedProxies, parse_networks
from tests.support.announcing import announce
from tests.support.builders import wait_until
from tests.support.event_stream import Subscriber
from tests.support.serving import new_app, running
from tests.support.valkey import Valkey, free_port

pytestmark = pytest.mark.redis

SERVICES = ("serve", "ingest")
SILENT = 3_000


@contextlib.contextmanager
def service(name: str, redis_url: str, folder: Path, *, limits: str = "ulimit -S -n 1024", **env: str) -> Iterator[int]:
    """`python -m services.<name>.app` under a limit of file descriptors; yields its port once it answers."""
    port = free_port()
    environment = {
        **os.environ,
        "BROADSHEET_REDIS_URL": redis_url,
        "BROADSHEET_INDEX_URL": f"embedded:{folder}/index",
        "BROADSHEET_ENVIRONMENT": "local",
        f"{name.upper()}_PORT": str(port),
        **env,
    }
    command = ["sh", "-c", f'{limits}; exec "$0" "$@"', sys.executable, "-m", f"services.{name}.app"]
    with (folder / "log").open("wb") as out:
        process = subprocess.Popen(command, env=environment, stderr=out)
    try:
        until = time.monotonic() + 30
        while live(port, seconds=1) != 200:
            assert process.poll() is None, (folder / "log").read_text()
            assert time.monotonic() < until, (folder / "log").read_text()
            time.sleep(0.1)
        yield port
    finally:
        process.kill()
        process.wait(10)


def live(port: int, *, seconds: float = 3) -> int:
    """Status of /livez on a new connection; 0 without an answer."""
    try:
        return httpx.get(f"http://127.0.0.1:{port}/livez", timeout=seconds).status_code
    except httpx.HTTPError:
        return 0


@pytest.mark.parametrize("limits", ["ulimit -S -n 1024", "ulimit -n 1024"], ids=["soft", "hard"])
@pytest.mark.parametrize("name", SERVICES)
def test_silent_sockets_do_not_stop_livez(valkey: Valkey, tmp_path: Path, name: str, limits: str) -> None:
    """Also where the operating system allows fewer file descriptors than there are silent sockets."""
    with service(name, valkey.url, tmp_path, limits=limits) as port, contextlib.ExitStack() as stack:
        for _ in range(SILENT):
            stack.enter_context(socket.create_connection(("127.0.0.1", port), timeout=5))
        for _ in range(3):
            assert live(port) == 200
    text = (tmp_path / "log").read_text()
    assert ("connections.limit_reduced" in text) == (limits == "ulimit -n 1024"), text[-2000:]
    assert "Too many open files" not in text


HALF_HEADS = [b"", b"GET /v1/tags HT", b"GET /v1/tags HTTP/1.1\r\nHost: x\r\n"]


@pytest.mark.parametrize("start", HALF_HEADS, ids=["silent", "line", "head"])
async def test_serve_hangs_up_on_a_head_that_does_not_end(valkey: Valkey, redis_client: Any, start: bytes) -> None:
    async with running(new_app(valkey.url), limits=ConnectionLimits(total=100, header_seconds=0.5)) as url:
        reader, writer = await opened(url)
        writer.write(start)
        async with asyncio.timeout(5):
            assert await reader.read() == b""
        writer.close()


@pytest.mark.parametrize("rest", [b"GET /v1/tags HT", b"\r\n"], ids=["line", "empty-line"])
async def test_serve_hangs_up_on_half_a_head_after_a_request(valkey: Valkey, redis_client: Any, rest: bytes) -> None:
    async with running(new_app(valkey.url), limits=ConnectionLimits(total=100, header_seconds=0.5)) as url:
        reader, writer = await opened(url)
        writer.write(GET)
        assert (await head(reader)).startswith(b"HTTP/1.1 200")
        writer.write(rest)
        async with asyncio.timeout(5):
            await reader.read()
        writer.close()


async def test_a_drip_of_bytes_does_not_extend_the_time_for_a_head(valkey: Valkey, redis_client: Any) -> None:
    async with running(new_app(valkey.url), limits=ConnectionLimits(total=100, header_seconds=0.5)) as url:
        reader, writer = await opened(url)

        async def has_ended() -> bool:
            if reader.at_eof() or reader.exception() is not None:  # a reset if a byte was on its way
                return True
            writer.write(b"A")
            return False

        writer.write(b"GET /livez HTTP/1.1\r\nX-Slow: ")
        await wait_until(has_ended, timeout=5, what="the end of the connection")
        writer.close()


async def test_streams_and_sockets_outlive_the_time_for_a_head(valkey: Valkey, redis_client: Any) -> None:
    limits = ConnectionLimits(total=100, header_seconds=0.3)
    async with (
        running(new_app(valkey.url, sse_heartbeat_seconds=0.2), limits=limits) as url,
        Subscriber(url) as client,
        connect(f"ws{url.removeprefix('http')}/v1/events/ws") as websocket,
    ):
        assert await websocket.recv()
        await wait_until(lambda: len(client.parser.comments) > 5, what="heartbeats for a second")
        (new,) = await announce(redis_client, 1)
        async with asyncio.timeout(5):
            assert new in str(await websocket.recv())
        await wait_until(lambda: client.ids == [new])
        assert limits.open == 2
    assert limits.open == 0


async def test_a_full_address_loses_its_oldest_silent_connection(valkey: Valkey, redis_client: Any) -> None:
    limits = ConnectionLimits(total=100, per_address=3)
    async with running(new_app(valkey.url), limits=limits) as url, contextlib.AsyncExitStack() as stack:
        await stack.enter_async_context(Subscriber(url))
        await wait_until(lambda: limits.open == 1)
        first, second = [await opened(url) for _ in range(2)]
        await wait_until(lambda: limits.open == 3)
        assert await status_of(url) == 200
        async with asyncio.timeout(5):
            with contextlib.suppress(ConnectionResetError):
                assert await first[0].read() == b""
        second[1].write(GET)
        assert (await head(second[0])).startswith(b"HTTP/1.1 200"), "the younger one is still open"
        for _, writer in (first, second):
            writer.close()


async def test_an_address_full_of_streams_gets_503_and_others_do_not(valkey: Valkey, redis_client: Any) -> None:
    limits = ConnectionLimits(total=100, per_address=2)
    async with running(new_app(valkey.url), limits=limits) as url, Subscriber(url), Subscriber(url):
        await wait_until(lambda: limits.open == 2)
        for _ in range(3):
            reader, writer = await opened(url)
            writer.write(GET)
            answer = await reader.read()
            writer.close()
            assert answer.startswith(b"HTTP/1.1 503"), answer
            assert b"urn:broadsheet:problem:too-many-connections" in answer
            assert b"retry-after: " in answer.lower()
        with pytest.raises(InvalidStatus) as caught:
            async with connect(f"ws{url.removeprefix('http')}/v1/events/ws"):
                pass
        assert caught.value.response.status_code == 503
        assert await status_of(url, address="127.0.0.2") == 200
        await wait_until(lambda: limits.open == 2, what="refused connections to be closed")


async def test_a_trusted_proxy_has_no_limit_of_its_own(valkey: Valkey, redis_client: Any) -> None:
    proxies = TrustedProxies(parse_networks("127.0.0.1"))
    limits = ConnectionLimits(total=100, per_address=2, proxies=proxies)
    async with running(new_app(valkey.url), limits=limits) as url, Subscriber(url), Subscriber(url):
        await wait_until(lambda: limits.open == 2)
        assert await status_of(url) == 200


async def test_a_full_server_answers_503_and_then_closes(valkey: Valkey, redis_client: Any) -> None:
    limits = ConnectionLimits(total=2)
    async with running(new_app(valkey.url), limits=limits) as url, Subscriber(url), Subscriber(url) as second:
        await wait_until(lambda: limits.open == 2)
        assert await status_of(url) == 503
        async with contextlib.AsyncExitStack() as stack:
            for _ in range(REFUSED_AT_ONCE + 20):
                _, writer = await opened(url)
                stack.callback(writer.close)
            await wait_until(lambda: limits.open >= 2)
            assert limits.open <= 2 + REFUSED_AT_ONCE
        assert not second.ended


GET: Final = b"GET /v1/tags HTTP/1.1\r\nHost: x\r\n\r\n"


async def opened(url: str, address: str = "127.0.0.1") -> tuple[asyncio.StreamReader, asyncio.StreamWriter]:
    parts = httpx.URL(url)
    return await asyncio.open_connection(parts.host, parts.port, local_addr=(address, 0))


async def head(reader: asyncio.StreamReader) -> bytes:
    async with asyncio.timeout(5):
        return await reader.readuntil(b"\r\n\r\n")


async def status_of(url: str, address: str = "127.0.0.1") -> int:
    reader, writer = await opened(url, address)
    writer.write(GET)
    answer = await head(reader)
    writer.close()
    return int(answer.split(b" ", 2)[1])
