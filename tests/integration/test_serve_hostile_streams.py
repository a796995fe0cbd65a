"""Bad inputs E01 to E20 of the event stream: no 5xx, no crash, each answered in a second or cut by a documented limit.

E02 and E03 (future and trimmed ids) are in test_serve_events.py, E15 to E19, which need a WebSocket, in
test_serve_sockets.py; the vectors of the format are in tests/unit/serve.
"""

from __future__ import annotations

import asyncio
import json
import socket
import struct
import time
from typing import Any
from urllib.parse import urlsplit

import httpx
import pytest

from shared.store import Credentials
from shared.tasks import cancel_and_wait
from tests.support.announcing import announce
from tests.support.builders import wait_until
from tests.support.event_stream import Subscriber
from tests.support.serving import new_app, running
from tests.support.valkey import Valkey

pytestmark = pytest.mark.redis
BATCH = {"Accept": "application/cloudevents-batch+json"}


class Timed:
    """Asserts that a block took less than a second of wall time, or what it is given."""

    def __init__(self, seconds: float = 1.0) -> None:
        self._seconds = seconds

    def __enter__(self) -> None:
        self._began = time.monotonic()

    def __exit__(self, kind: type[BaseException] | None, *_: object) -> None:
        if kind is None:
            assert time.monotonic() - self._began < self._seconds


async def healthy(url: str, redis_client: Any) -> None:
    """The next good input is unharmed."""
    async with Subscriber(url) as client:
        await wait_until(lambda: client.parser.events)
        (new,) = await announce(redis_client)
        await wait_until(lambda: client.ids == [new])


def raw_request(url: str, *lines: str, query: str = "") -> socket.socket:
    parts = urlsplit(url)
    sock = socket.create_connection((parts.hostname, parts.port), timeout=5)
    sock.sendall("\r\n".join([f"GET /v1/events{query} HTTP/1.1", "Host: x", *lines, "", ""]).encode())
    return sock


@pytest.mark.parametrize(
    "asked",
    [
        "garbage",
        "-",
        "0",
        "1-2-3",
        "１２３-４",
        "*",
        "$",
        ">",
        "+",
        "() -",
        "9" * 5000,
        "18446744073709551616-0",
        "a" * 7000,
    ],
)
async def test_e01_a_garbage_id_begins_at_the_beginning_and_says_so(
    valkey: Valkey, redis_client: Any, asked: str
) -> None:
    ids = await announce(redis_client, 2)
    async with running(new_app(valkey.url)) as url, httpx.AsyncClient() as client:
        with Timed():
            answer = await client.get(f"{url}/v1/events", params={"last_event_id": asked}, headers=BATCH)
        assert answer.status_code == 200
        assert answer.headers["mercure-last-event-id"] == "earliest"
        assert [event["sequence"] for event in answer.json()] == ids


async def test_e04_a_megabyte_of_id_is_refused(valkey: Valkey, redis_client: Any) -> None:
    async with running(new_app(valkey.url)) as url:
        for size, statuses in ((20_000, {b"431"}), (1_000_000, {b"400", b"431", b""})):
            with Timed():
                sock = await asyncio.to_thread(raw_request, url)
                sock.close()
                answer = await asyncio.to_thread(_answer_to_huge, url, size)
            assert answer in statuses
        await healthy(url, redis_client)


def _answer_to_huge(url: str, size: int) -> bytes:
    """The status, or nothing when the connection was cut while we sent."""
    try:
        with raw_request(url, f"Last-Event-ID: {'x' * size}") as sock:
            return sock.recv(100).split(b" ")[1]
    except (ConnectionError, IndexError):
        return b""


@pytest.mark.slow
async def test_e05_many_replays_of_everything_leave_room_for_others(valkey: Valkey, redis_client: Any) -> None:
    ids = await announce(redis_client, 1_000)
    async with running(new_app(valkey.url, sse_per_ip=100)) as url:
        replays = [Subscriber(url, headers={"Last-Event-ID": "0-0"}) for _ in range(30)]
        for replay in replays:
            await replay.__aenter__()
        async with httpx.AsyncClient() as client:
            assert (await client.get(f"{url}/livez")).status_code == 200
        try:
            for replay in replays:
                await wait_until(lambda replay=replay: len(replay.ids) == 1_000, timeout=30)
                assert replay.ids == ids
        finally:
            for replay in replays:
                await replay.__aexit__(None, None, None)


async def test_e06_ten_thousand_topics_are_refused(valkey: Valkey, redis_client: Any) -> None:
    async with running(new_app(valkey.url)) as url, httpx.AsyncClient() as client:
        for query in (
            "&".join(f"topic=/streams/t{number}" for number in range(2_500)),
            "&".join(f"topic=/streams/{number}" for number in range(101)),
            "tag=" + "|".join(str(number) for number in range(1_500)),
            "tag=" + "," * 7_000,
            "q=" + "%28" * 2_000,
        ):
            with Timed():
                answer = await client.get(f"{url}/v1/events?{query}")
            assert answer.status_code in {400, 414}
        topics = "?" + "&".join(f"topic=/streams/t{number}" for number in range(10_000))  # too long for httpx
        with Timed():
            sock = await asyncio.to_thread(raw_request, url, query=topics)
            head = await asyncio.to_thread(sock.recv, 12)
            sock.close()
        assert head in {b"HTTP/1.1 400", b"HTTP/1.1 414"}
        await healthy(url, redis_client)


async def test_e07_everything_is_not_for_a_key_that_may_not(valkey: Valkey, redis_client: Any) -> None:
    key, _ = await Credentials(redis_client).create("feeder", frozenset({"ingest"}), sources={"*"})
    async with running(new_app(valkey.url, public_events=False)) as url, httpx.AsyncClient() as client:
        for headers, status in (({}, 401), ({"X-Api-Key": key}, 403), ({"X-Api-Key": "bsk_x"}, 401)):
            for media in ("text/event-stream", "application/x-ndjson", "application/cloudevents-batch+json"):
                answer = await client.get(f"{url}/v1/events?topic=*", headers=headers | {"Accept": media})
                assert answer.status_code == status


@pytest.mark.slow
@pytest.mark.parametrize("how", ["expired", "revoked"])
async def test_e08_e09_a_key_that_ends_ends_its_streams_and_no_others(
    valkey: Valkey, redis_client: Any, how: str
) -> None:
    credentials = Credentials(redis_client)
    key, credential = await credentials.create(
        "mine", frozenset({"subscribe"}), days=3 / 86_400 if how == "expired" else None
    )
    app = new_app(valkey.url)
    async with (
        running(app) as url,
        Subscriber(url) as anonymous,
        Subscriber(url, headers={"X-Api-Key": key}) as mine,
    ):
        await wait_until(lambda: mine.parser.events and anonymous.parser.events)
        if how == "revoked":
            await credentials.revoke(credential.key_id)
        await wait_until(lambda: mine.ended, timeout=15)
        assert not anonymous.ended
        async with httpx.AsyncClient() as client:
            assert (await client.get(f"{url}/v1/events", headers={"X-Api-Key": key})).status_code == 401


@pytest.mark.slow
async def test_e10_e11_who_reads_nothing_or_a_byte_a_second_is_cut(valkey: Valkey, redis_client: Any) -> None:
    app = new_app(valkey.url)
    async with running(app) as url, Subscriber(url) as live:
        await wait_until(lambda: live.parser.events)
        never = await asyncio.to_thread(raw_request, url)
        slow = await asyncio.to_thread(raw_request, url)
        await wait_until(lambda: app.state.services.connection_limiter.open == 3)

        async def sip() -> None:
            slow.setblocking(False)
            while True:
                await asyncio.get_running_loop().sock_recv(slow, 1)
                await asyncio.sleep(1)

        sipping = asyncio.create_task(sip())
        ids = await announce(redis_client, 120, dek="long " * 10_000)
        await wait_until(lambda: app.state.services.connection_limiter.open == 1, what="both evictions", timeout=40)
        await wait_until(lambda: len(live.ids) == 120)
        assert live.ids == ids
        await cancel_and_wait([sipping])
        never.close()
        slow.close()


@pytest.mark.slow
async def test_e12_one_address_cannot_take_all_places(valkey: Valkey, redis_client: Any) -> None:
    app = new_app(valkey.url, sse_per_ip=20)
    async with running(app) as url:
        sockets = [await asyncio.to_thread(raw_request, url) for _ in range(300)]
        heads = [await asyncio.to_thread(sock.recv, 12) for sock in sockets]
        assert heads.count(b"HTTP/1.1 200") == 20
        assert heads.count(b"HTTP/1.1 429") == 280
        for sock in sockets:
            sock.close()
        await wait_until(lambda: app.state.services.connection_limiter.open == 0)
        await healthy(url, redis_client)


@pytest.mark.parametrize(
    "title", ["x\n\ndata: evil", "\r\rid: 666-0", "a\u2028b\u2029c", "\u0085\x0b\x0c", "event: gap\n\n"]
)
async def test_e13_e14_line_breaks_stay_inside_their_event(valkey: Valkey, redis_client: Any, title: str) -> None:
    ids = await announce(redis_client, 1, title=title)
    async with (
        running(new_app(valkey.url)) as url,
        Subscriber(url, params={"since": "earliest"}) as client,
        httpx.AsyncClient() as http,
    ):
        await wait_until(lambda: client.ids)
        assert client.ids == ids
        assert [event.event for event in client.parser.events] == ["hello", "message"]
        assert json.loads(client.parser.events[1].data)["data"]["title"] == title
        answer = await http.get(f"{url}/v1/events", headers={"Accept": "application/x-ndjson"})
        (line,) = answer.content.removesuffix(b"\n").split(b"\n")
        assert json.loads(line)["data"]["title"] == title


async def test_e20_a_half_open_or_reset_connection_gives_its_place_back(valkey: Valkey, redis_client: Any) -> None:
    app = new_app(valkey.url)
    async with running(app) as url:
        half = await asyncio.to_thread(raw_request, url)
        half.shutdown(socket.SHUT_WR)  # the client has said all it wants; it may still read
        reset = await asyncio.to_thread(raw_request, url)
        await wait_until(lambda: app.state.services.connection_limiter.open >= 1)
        reset.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        reset.close()
        half.close()
        await wait_until(lambda: app.state.services.connection_limiter.open == 0)
        await healthy(url, redis_client)


async def test_requests_that_are_no_requests(valkey: Valkey, redis_client: Any) -> None:
    async with running(new_app(valkey.url)) as url:
        for lines in (
            ("Upgrade: websocket", "Connection: Upgrade"),
            ("Upgrade: websocket", "Connection: Upgrade", "Sec-WebSocket-Key: x", "Sec-WebSocket-Version: 13"),
            (
                "Upgrade: websocket",
                "Connection: Upgrade",
                "Sec-WebSocket-Version: 99",
                "Sec-WebSocket-Key: " + "A" * 24,
            ),
            ("Upgrade: h2c", "Connection: Upgrade", "Accept: x/y"),
            ("Accept: " + "a/b," * 2_000,),
            ("Content-Length: 5", "Transfer-Encoding: chunked"),
            ("Last-Event-ID: \x01\x02",),
        ):
            with Timed():
                sock = await asyncio.to_thread(raw_request, url, *lines)
                head = await asyncio.to_thread(sock.recv, 12)
                sock.close()
            assert head == b"" or head.split(b" ")[1][:1] in {b"2", b"4"}, (lines, head)
        await healthy(url, redis_client)
