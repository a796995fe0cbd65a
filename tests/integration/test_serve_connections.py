from __future__ import annotations

import asyncio
import contextlib
from typing import Any
from urllib.parse import urlsplit

import httpx
import pytest

from tests.integration.test_serve_hostile_streams import healthy
from tests.support.announcing import announce
from tests.support.serving import new_app, running
from tests.support.valkey import Valkey

pytestmark = pytest.mark.redis


async def test_a_head_that_does_not_end_is_given_up(valkey: Valkey, redis_client: Any) -> None:
    async with running(new_app(valkey.url)) as url:
        for start in (b"GET /v1/events HTTP/1.1\r\nX-Long: ", b"GET /"):
            parts = urlsplit(url)
            reader, writer = await asyncio.open_connection(parts.hostname, parts.port)
            writer.write(start)
            sent = 0
            with contextlib.suppress(ConnectionError):
                while sent < 4_000_000 and not reader.at_eof():
                    writer.write(b"a" * 16_384)
                    await writer.drain()
                    sent += 16_384
                    await asyncio.sleep(0)
            writer.transport.abort()
            assert sent < 4_000_000
        await healthy(url, redis_client)


async def test_garbage_behind_a_request_ends_the_stream_and_writes_nothing_into_it(
    valkey: Valkey, redis_client: Any
) -> None:
    await announce(redis_client, 1)
    async with running(new_app(valkey.url)) as url:
        parts = urlsplit(url)
        reader, writer = await asyncio.open_connection(parts.hostname, parts.port)
        writer.write(b"GET /v1/events?last_event_id=earliest HTTP/1.1\r\nHost: x\r\n\r\n")
        async with asyncio.timeout(10):
            await reader.readuntil(b"data: ")
            writer.write(b"\x00\x01 no request\r\n\r\n")
            rest = await reader.read()
        writer.close()
        assert b"HTTP/1.1 400" not in rest
        await healthy(url, redis_client)


async def test_a_client_of_http_1_0_gets_a_stream_without_chunks(valkey: Valkey, redis_client: Any) -> None:
    await announce(redis_client, 1)
    async with running(new_app(valkey.url)) as url:
        parts = urlsplit(url)
        reader, writer = await asyncio.open_connection(parts.hostname, parts.port)
        writer.write(b"GET /v1/events?last_event_id=earliest HTTP/1.0\r\nHost: x\r\n\r\n")
        async with asyncio.timeout(10):
            head = await reader.readuntil(b"\r\n\r\n")
            body = await reader.readuntil(b"data: ")
        writer.transport.abort()
        assert b"transfer-encoding" not in head.lower()
        assert not body[:1].isdigit()


async def test_head_answers_like_get_without_a_body(valkey: Valkey, redis_client: Any) -> None:
    async with running(new_app(valkey.url)) as url, httpx.AsyncClient(base_url=url) as client:
        for path in ("/feeds/front.atom", "/v1/search?q=ferry", "/", "/v1/schemas", "/static/reader.css"):
            whole, head = await client.get(path), await client.head(path)
            assert (whole.status_code, head.status_code, head.content) == (200, 200, b""), path
            for name in ("content-type", "content-length", "etag"):
                if not path.startswith("/v1/search"):  # says how long it took
                    assert head.headers.get(name) == whole.headers.get(name), (path, name)
        hub = (await client.head("/feeds/front.atom")).headers["link"]
        assert 'rel="self"' in hub
        assert (await client.head("/v1/nothing")).status_code == 404
        assert (await client.head("/v1/events")).status_code == 405
        assert (await client.head("/v1/articles/" + "a" * 26)).status_code == 404
