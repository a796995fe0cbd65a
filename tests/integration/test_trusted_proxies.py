"""Requests of trusted proxies over real sockets: limits, access lines and origins are those of the client."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import httpx
import orjson
import pytest
import structlog
from pydantic import ValidationError
from websockets.asyncio.client import connect
from websockets.exceptions import InvalidStatus

from services.ingest.settings import IngestSettings
from shared.store import Credentials
from tests.support.announcing import announce
from tests.support.builders import wait_until
from tests.support.event_stream import Subscriber
from tests.support.ingest_http import ingest_process
from tests.support.serving import new_app, running, serve_settings
from tests.support.valkey import Valkey

pytestmark = pytest.mark.redis


def reader(address: str, header: str = "X-Forwarded-For") -> dict[str, str]:
    return {header: address}


async def stream_status(url: str, headers: dict[str, str]) -> int:
    async with httpx.AsyncClient() as client, client.stream("GET", f"{url}/v1/events", headers=headers) as answer:
        return answer.status_code


async def test_readers_behind_a_trusted_proxy_have_their_own_limits(valkey: Valkey, redis_client: Any) -> None:
    app = new_app(valkey.url, sse_per_ip=1, trusted_proxies="127.0.0.0/8")
    async with running(app) as url, Subscriber(url, headers=reader("203.0.113.1")):
        await wait_until(lambda: app.state.services.connection_limiter.open == 1)
        assert await stream_status(url, reader("203.0.113.1")) == 429
        assert await stream_status(url, reader("9.9.9.9, 203.0.113.1")) == 429, "the client wrote the left one"
        assert await stream_status(url, reader("for=203.0.113.1", "Forwarded")) == 429
        assert await stream_status(url, reader("203.0.113.2")) == 200
        assert await stream_status(url, {}) == 200


async def test_headers_of_others_are_not_believed(valkey: Valkey, redis_client: Any) -> None:
    app = new_app(valkey.url, sse_per_ip=1, trusted_proxies="192.0.2.1")
    async with running(app) as url, Subscriber(url, headers=reader("203.0.113.1")):
        await wait_until(lambda: app.state.services.connection_limiter.open == 1)
        assert await stream_status(url, reader("203.0.113.2")) == 429


async def test_a_key_has_its_own_limit_and_not_that_of_its_address(valkey: Valkey, redis_client: Any) -> None:
    key, _ = await Credentials(redis_client).create("site", frozenset({"subscribe"}))
    other, _ = await Credentials(redis_client).create("other", frozenset({"subscribe"}))
    site = {"X-Api-Key": key}
    app = new_app(valkey.url, sse_per_ip=1, sse_per_key=2)
    async with running(app) as url, Subscriber(url), Subscriber(url, headers=site), Subscriber(url, headers=site):
        await wait_until(lambda: app.state.services.connection_limiter.open == 3)
        assert await stream_status(url, {}) == 429
        assert await stream_status(url, site) == 429
        assert await stream_status(url, {"X-Api-Key": other}) == 200


async def test_a_poll_without_a_wait_is_no_stream(valkey: Valkey, redis_client: Any) -> None:
    ids = await announce(redis_client, 2)
    app = new_app(valkey.url, sse_per_ip=1)
    batch = {"Accept": "application/cloudevents-batch+json"}
    async with running(app) as url, Subscriber(url), httpx.AsyncClient() as client:
        await wait_until(lambda: app.state.services.connection_limiter.open == 1)
        answer = await client.get(f"{url}/v1/events", headers=batch, params={"last_event_id": ids[0]})
        assert [event["sequence"] for event in answer.json()] == ids[1:]
        waiting = await client.get(f"{url}/v1/events", headers=batch, params={"timeout": "100"})
        assert waiting.status_code == 429


async def test_the_access_line_names_the_client(valkey: Valkey, redis_client: Any) -> None:
    for trusted, address in (("127.0.0.1", "198.51.100.7"), ("", "127.0.0.1")):
        app = new_app(valkey.url, trusted_proxies=trusted)
        async with running(app) as url, httpx.AsyncClient() as client:
            with structlog.testing.capture_logs() as lines:
                await client.get(f"{url}/v1/tags", headers=reader("198.51.100.7"))
            assert [line["client"] for line in lines if line["event"] == "request.completed"] == [address]


async def test_the_origin_of_a_socket_is_checked_against_the_host_that_the_browser_used(
    valkey: Valkey, redis_client: Any
) -> None:
    headers = {"X-Forwarded-Host": "news.example", "X-Forwarded-Proto": "https"}
    async with running(new_app(valkey.url, trusted_proxies="127.0.0.1")) as url:
        address = f"ws{url.removeprefix('http')}/v1/events/ws"
        async with connect(address, origin="https://news.example", additional_headers=headers) as socket:  # type: ignore[arg-type]
            assert await socket.recv()
    async with running(new_app(valkey.url)) as url:
        address = f"ws{url.removeprefix('http')}/v1/events/ws"
        with pytest.raises(InvalidStatus):
            async with connect(address, origin="https://news.example", additional_headers=headers):  # type: ignore[arg-type]
                pass


async def test_access_lines_of_ingest_name_the_client(valkey: Valkey, redis_client: Any, tmp_path: Path) -> None:
    log = tmp_path / "log"
    with ingest_process(valkey.url, log, INGEST_TRUSTED_PROXIES="127.0.0.1") as (port, _):
        async with httpx.AsyncClient() as client:
            await client.get(f"http://127.0.0.1:{port}/v1/sources", headers=reader("198.51.100.7"))

        def clients() -> list[str]:
            lines = [orjson.loads(line) for line in log.read_bytes().splitlines() if line.startswith(b"{")]
            return [line["client"] for line in lines if line["event"] == "request.completed"]

        await wait_until(lambda: clients() == ["198.51.100.7"], what="the access line")


@pytest.mark.parametrize("text", ["*", "proxy.example", "10.0.0.1/8"])
def test_a_setting_that_is_no_network_stops_the_start(text: str) -> None:
    for make in (
        lambda: serve_settings("redis://127.0.0.1", trusted_proxies=text),
        lambda: IngestSettings(trusted_proxies=text),
    ):
        with pytest.raises(ValidationError, match="is not an address or a network"):
            make()
