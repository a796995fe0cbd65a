"""The log over a WebSocket, by an independent client; and what hostile clients get."""

from __future__ import annotations

import asyncio
import json
from typing import Any

import pytest
from websockets.asyncio.client import ClientConnection, connect
from websockets.exceptions import ConnectionClosed, InvalidStatus
from websockets.frames import Frame, Opcode

from shared.store import Credentials
from tests.support.announcing import announce
from tests.support.builders import wait_until
from tests.support.serving import new_app, running
from tests.support.valkey import Valkey

pytestmark = pytest.mark.redis
SUBPROTOCOL: Any = ["cloudevents.json"]


def address(url: str, query: str = "") -> str:
    return f"ws{url.removeprefix('http')}/v1/events/ws{query}"


async def messages(socket: ClientConnection, count: int) -> list[dict[str, Any]]:
    async with asyncio.timeout(10):
        return [json.loads(await socket.recv()) for _ in range(count)]


async def close_code(socket: ClientConnection) -> int:
    async with asyncio.timeout(10):
        await socket.wait_closed()
    assert socket.close_code is not None
    return socket.close_code


async def refusal(url: str, **arguments: Any) -> tuple[int, dict[str, Any]]:
    with pytest.raises(InvalidStatus) as caught:
        async with connect(url, **arguments):
            pass
    response = caught.value.response
    return response.status_code, json.loads(response.body or b"{}")


async def test_history_and_live_are_one_stream(valkey: Valkey, redis_client: Any) -> None:
    old = await announce(redis_client, 150)
    async with (
        running(new_app(valkey.url)) as url,
        connect(address(url, "?since=earliest"), subprotocols=SUBPROTOCOL) as socket,
    ):
        assert socket.subprotocol == "cloudevents.json"
        hello, *events = await messages(socket, 151)
        assert (hello["type"], hello["data"]) == ("org.broadsheet.stream.hello.v1", {"from": "0-0", "head": old[-1]})
        assert [event["sequence"] for event in events] == old
        new = await announce(redis_client, 3)
        assert [event["sequence"] for event in await messages(socket, 3)] == new


async def test_the_same_path_takes_an_upgrade_too(valkey: Valkey, redis_client: Any) -> None:
    async with running(new_app(valkey.url)) as url, connect(f"ws{url.removeprefix('http')}/v1/events") as socket:
        assert (await messages(socket, 1))[0]["type"] == "org.broadsheet.stream.hello.v1"


async def test_resuming_and_gaps(valkey: Valkey, redis_client: Any) -> None:
    ids = await announce(redis_client, 3)
    async with running(new_app(valkey.url)) as url:
        async with connect(address(url), additional_headers={"Last-Event-ID": ids[1]}) as socket:
            _, event = await messages(socket, 2)
            assert event["sequence"] == ids[2]
            assert socket.response is not None
            assert socket.response.headers["mercure-last-event-id"] == ids[1]
        async with connect(address(url, "?last_event_id=nonsense")) as socket:
            _, gap, first = await messages(socket, 3)
            assert gap["type"] == "org.broadsheet.stream.gap.v1"
            assert gap["data"] == {"requested": "nonsense", "resumed_from": "earliest", "reason": "unknown"}
            assert first["sequence"] == ids[0]


async def test_a_quiet_filter_is_told_its_position(valkey: Valkey, redis_client: Any) -> None:
    app = new_app(valkey.url, sse_heartbeat_seconds=0.2)
    async with running(app) as url, connect(address(url, "?tag=sport")) as socket:
        await messages(socket, 1)
        passed_over = await announce(redis_client, 2)
        (position,) = await messages(socket, 1)
        assert position["type"] == "org.broadsheet.stream.position.v1"
        assert position["data"] == {"position": passed_over[-1]}


async def test_rotation_and_a_stop_close_politely(valkey: Valkey, redis_client: Any) -> None:
    app = new_app(valkey.url, sse_lifetime_seconds=0.5, sse_heartbeat_seconds=0.2)
    async with running(app) as url, connect(address(url)) as socket:
        assert await close_code(socket) == 1000
        await wait_until(lambda: app.state.services.connection_limiter.open == 0)
    async with running(new_app(valkey.url)) as url:
        socket = await connect(address(url))
        await messages(socket, 1)
    assert await close_code(socket) == 1012


async def test_who_may_connect(valkey: Valkey, redis_client: Any) -> None:
    key, _ = await Credentials(redis_client).create("mine", frozenset({"subscribe"}))
    wrong, _ = await Credentials(redis_client).create("feeder", frozenset({"ingest"}), sources={"*"})
    async with running(new_app(valkey.url, public_events=False)) as url:
        assert (await refusal(address(url)))[0] == 401
        assert (await refusal(address(url), additional_headers={"X-Api-Key": wrong}))[0] == 403
        async with connect(address(url), additional_headers={"Authorization": f"Bearer {key}"}) as socket:
            await messages(socket, 1)
        offered: Any = ["cloudevents.json", f"bearer.{key}"]
        async with connect(address(url), subprotocols=offered) as socket:
            await messages(socket, 1)
            assert socket.subprotocol == "cloudevents.json"
        offered = ["cloudevents.json", "bearer.bsk_nonsense"]
        assert (await refusal(address(url), subprotocols=offered))[0] == 401


async def test_parameters_are_read_as_everywhere(valkey: Valkey, redis_client: Any) -> None:
    async with running(new_app(valkey.url)) as url:
        status, problem = await refusal(address(url, "?type=nonsense"))
        assert (status, problem["field"]) == (400, "type")
        assert (await refusal(address(url, f"?tag={'x' * 9000}")))[0] in {400, 414}


async def test_the_connection_limit_counts_websockets(valkey: Valkey, redis_client: Any) -> None:
    app = new_app(valkey.url, sse_per_ip=1)
    async with running(app) as url:
        async with connect(address(url)) as socket:
            await messages(socket, 1)
            status, problem = await refusal(address(url))
            assert (status, problem["type"]) == (429, "urn:broadsheet:problem:too-many-streams")
        await wait_until(lambda: app.state.services.connection_limiter.open == 0)


async def test_a_wrong_origin_is_refused(valkey: Valkey, redis_client: Any) -> None:  # E15
    async with running(new_app(valkey.url, public_url="https://news.example")) as url:
        for origin in ("https://evil.example", "null", "file://", "https://news.example.evil.example", "x" * 3000):
            assert (await refusal(address(url), origin=origin))[0] == 403
        for origin in ("https://news.example", url):
            async with connect(address(url), origin=origin) as socket:
                await messages(socket, 1)


async def test_a_huge_message_is_refused_unread(valkey: Valkey, redis_client: Any) -> None:  # E16
    async with running(new_app(valkey.url)) as url, connect(address(url)) as other, connect(address(url)) as socket:
        await messages(other, 1)
        await messages(socket, 1)
        with pytest.raises(ConnectionClosed):  # noqa: PT012 - which call meets the close is a matter of timing
            await socket.send("x" * 16 * 1024 * 1024)
            await close_code(socket)
            await socket.send("x")
        new = await announce(redis_client, 1)
        assert [event["sequence"] for event in await messages(other, 1)] == new


async def write_raw(socket: ClientConnection, *frames: Frame) -> None:
    """Frames past the client's own checks."""
    for frame in frames:
        socket.transport.write(frame.serialize(mask=True))


@pytest.mark.parametrize(
    ("frames", "code"),
    [
        ([Frame(Opcode.TEXT, b"", fin=False), *[Frame(Opcode.CONT, b"", fin=False)] * 500], 1008),  # E17
        ([Frame(Opcode.TEXT, b"x" * 4096, fin=False), *[Frame(Opcode.CONT, b"x" * 4096, fin=False)] * 10], 1009),  # E17
        ([Frame(Opcode.PING, b"x" * 125)] * 500, 1008),  # E18
        ([Frame(Opcode.PONG, b"x" * 125)] * 500, 1008),  # E18
        ([Frame(Opcode.TEXT, b"hello")] * 500, 1008),
        ([Frame(Opcode.TEXT, b"\xff\xfe\xfa")], 1007),  # E19
        ([Frame(Opcode.CONT, b"x")], 1002),
    ],
    ids=["empty-fragments", "fragments", "pings", "pongs", "messages", "not-utf-8", "lone-cont"],
)
async def test_a_breach_of_the_protocol_closes_that_socket_only(
    valkey: Valkey, redis_client: Any, frames: list[Frame], code: int
) -> None:
    app = new_app(valkey.url)
    loop = asyncio.get_running_loop()
    async with running(app) as url, connect(address(url)) as other, connect(address(url)) as socket:
        await messages(other, 1)
        await messages(socket, 1)
        began = loop.time()
        await write_raw(socket, *frames)
        assert await close_code(socket) == code
        assert loop.time() - began < 1
        await wait_until(lambda: app.state.services.connection_limiter.open == 1)
        new = await announce(redis_client, 1)
        assert [event["sequence"] for event in await messages(other, 1)] == new


async def test_small_talk_and_pings_do_no_harm(valkey: Valkey, redis_client: Any) -> None:
    async with running(new_app(valkey.url)) as url, connect(address(url)) as socket:
        await messages(socket, 1)
        await socket.send("hello?")
        await socket.send(b"\x00\xff")
        await (await socket.ping())
        new = await announce(redis_client, 1)
        assert [event["sequence"] for event in await messages(socket, 1)] == new


@pytest.mark.slow
async def test_a_revoked_key_ends_the_socket(valkey: Valkey, redis_client: Any) -> None:  # E09
    key, credential = await Credentials(redis_client).create("mine", frozenset({"subscribe"}))
    app = new_app(valkey.url)
    async with running(app) as url, connect(address(url), additional_headers={"X-Api-Key": key}) as socket:
        await messages(socket, 1)
        await Credentials(redis_client).revoke(credential.key_id)
        assert await close_code(socket) == 1008
