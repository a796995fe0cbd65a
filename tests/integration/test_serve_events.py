"""`/v1/events` on a real server and a real Valkey: no gap, no repeat, whatever happens in between."""

from __future__ import annotations

import asyncio
import json
import socket
from typing import Any
from urllib.parse import urlsplit

import httpx
import pytest

from shared.articles import Tag
from shared.store import connect
from shared.topology import PUBLICATIONS
from tests.support.announcing import announce
from tests.support.builders import wait_until
from tests.support.event_stream import Subscriber
from tests.support.serving import new_app, running
from tests.support.valkey import Valkey

pytestmark = pytest.mark.redis


async def test_a_fresh_stream_begins_at_the_head(valkey: Valkey, redis_client: Any) -> None:
    old = await announce(redis_client, 3)
    async with running(new_app(valkey.url)) as url, Subscriber(url) as client:
        await wait_until(lambda: client.parser.events)
        hello = client.parser.events[0]
        assert (hello.event, hello.id, hello.retry) == ("hello", old[-1], 3000)
        assert json.loads(hello.data) == {"from": old[-1], "head": old[-1]}
        assert client.raw.startswith(b"retry: 3000\nevent: hello\n")
        new = await announce(redis_client, 5)
        await wait_until(lambda: len(client.ids) == 5)
        assert client.ids == new
        assert client.response is not None
        assert client.response.headers["content-type"].startswith("text/event-stream")
        assert client.response.headers["cache-control"] == "no-cache, no-transform"
        assert client.response.headers["x-accel-buffering"] == "no"
        assert "mercure-last-event-id" not in client.response.headers
        event = json.loads(client.parser.events[-1].data)
        assert (event["specversion"], event["sequence"], event["data"]["title"]) == ("1.0", new[-1], "Piece 4")


async def test_an_empty_log_says_hello_and_misses_nothing(valkey: Valkey, redis_client: Any) -> None:
    async with running(new_app(valkey.url)) as url, Subscriber(url) as client:
        await wait_until(lambda: client.parser.events)
        assert client.parser.events[0].id == "0-0"
        new = await announce(redis_client, 2)
        await wait_until(lambda: len(client.ids) == 2)
        assert client.ids == new


async def test_resuming_across_drops_has_no_gap_and_no_repeat(valkey: Valkey, redis_client: Any) -> None:
    total, seen, wanted = 600, [], []

    async def produce() -> None:
        for _ in range(total // 20):
            wanted.extend(await announce(redis_client, 20))

    async with running(new_app(valkey.url)) as url:
        producing = asyncio.create_task(produce())
        headers = {"Last-Event-ID": "0-0"}
        for _ in range(60):
            async with Subscriber(url, headers=headers) as client:
                enough = min(25, total - len(seen))
                await wait_until(lambda client=client, enough=enough: len(client.ids) >= enough)
            received = list(client.ids)
            seen += received
            headers = {"Last-Event-ID": client.parser.last_id}
            assert client.parser.last_id == received[-1]
            if len(seen) >= total:
                break
        await producing
    assert seen == wanted


async def test_many_readers_at_different_places_see_the_same(valkey: Valkey, redis_client: Any) -> None:
    first = await announce(redis_client, 250)
    async with running(new_app(valkey.url)) as url:
        starts = ["0-0", first[10], first[100], first[-1]]
        clients = [Subscriber(url, headers={"Last-Event-ID": start}) for start in starts]
        for client in clients:
            await client.__aenter__()
        second = await announce(redis_client, 250)
        everything = first + second
        try:
            for client, start in zip(clients, starts, strict=True):
                begin = everything.index(start) + 1 if start in everything else 0
                await wait_until(lambda client=client: client.ids and client.ids[-1] == second[-1])
                assert client.ids == everything[begin:]
        finally:
            for client in clients:
                await client.__aexit__(None, None, None)


async def first_events(url: str, count: int, **arguments: Any) -> Subscriber:
    async with Subscriber(url, **arguments) as client:
        await wait_until(lambda: len(client.parser.events) >= count, what=f"{count} events")
    return client


@pytest.mark.parametrize(
    ("asked", "reason"),
    [("garbage", "unknown"), ("99999999999999-0", "future"), ("1-" + "9" * 30, "unknown"), ("x" * 9000, "unknown")],
)
async def test_an_id_that_cannot_be_resumed_is_a_gap(
    valkey: Valkey, redis_client: Any, asked: str, reason: str
) -> None:
    ids = await announce(redis_client, 2)
    async with running(new_app(valkey.url)) as url:
        client = await first_events(url, 4, headers={"Last-Event-ID": asked})
        hello, gap = client.parser.events[:2]
        assert (hello.event, hello.id) == ("hello", "0-0")
        assert gap.event == "gap"
        assert json.loads(gap.data) == {"requested": asked[:64], "resumed_from": "earliest", "reason": reason}
        assert client.response is not None
        assert client.response.headers["mercure-last-event-id"] == "earliest"
        assert client.ids == ids


async def test_a_trimmed_id_is_a_gap(valkey: Valkey, redis_client: Any) -> None:
    ids = await announce(redis_client, 5)
    await redis_client.xtrim(PUBLICATIONS.key, maxlen=2, approximate=False)
    async with running(new_app(valkey.url)) as url:
        client = await first_events(url, 4, headers={"Last-Event-ID": ids[0]})
        assert json.loads(client.parser.events[1].data)["reason"] == "trimmed"
        assert client.ids == ids[3:]
        kept = await first_events(url, 2, headers={"Last-Event-ID": ids[3]})
        assert [event.event for event in kept.parser.events] == ["hello", "message"]
        since = await first_events(url, 4, params={"since": "2020-01-01"})
        assert since.parser.events[1].event == "gap"


async def test_who_wins_among_the_ways_to_begin(valkey: Valkey, redis_client: Any) -> None:
    ids = await announce(redis_client, 4)
    async with running(new_app(valkey.url)) as url:
        params = {"last_event_id": ids[1], "since": "earliest"}
        by_header = await first_events(url, 2, params=params, headers={"Last-Event-ID": ids[2]})
        assert by_header.ids == ids[3:]
        assert by_header.response is not None
        assert by_header.response.headers["mercure-last-event-id"] == ids[2]
        by_parameter = await first_events(url, 3, params=params)
        assert by_parameter.ids == ids[2:]
        by_time = await first_events(url, 5, params={"since": "earliest"})
        assert by_time.ids == ids
        ms = ids[2].split("-")[0]
        at = await first_events(url, 2, params={"since": ms})
        assert at.ids[-1] == ids[-1]
        assert all(int(cursor.split("-")[0]) >= int(ms) for cursor in at.ids)


@pytest.mark.parametrize("since", ["yesterday", "-1", "2026-99-99", "1e3", "", "9" * 40])
async def test_garbage_in_since_is_a_400(valkey: Valkey, redis_client: Any, since: str) -> None:
    async with running(new_app(valkey.url)) as url, httpx.AsyncClient() as client:
        answer = await client.get(f"{url}/v1/events", params={"since": since})
        assert (answer.status_code, answer.json()["field"]) == (400, "since")


async def test_heartbeats_and_rotation(valkey: Valkey, redis_client: Any) -> None:
    app = new_app(valkey.url, sse_heartbeat_seconds=0.1, sse_lifetime_seconds=1.0)
    async with running(app) as url, Subscriber(url) as client:
        await wait_until(lambda: client.ended)
        assert 3 <= client.parser.comments.count("hb") <= 11
        assert app.state.services.connection_limiter.open == 0


async def test_a_filter_keeps_its_place_with_id_only_frames(valkey: Valkey, redis_client: Any) -> None:
    async with (
        running(new_app(valkey.url, sse_heartbeat_seconds=0.2)) as url,
        Subscriber(url, params={"tag": "sport"}) as client,
    ):
        await wait_until(lambda: client.parser.events)
        passed_over = await announce(redis_client, 3)
        await wait_until(lambda: client.parser.last_id == passed_over[-1])
        assert client.ids == []
        (wanted,) = await announce(redis_client, 1, tags=(Tag(slug="sport", label="Sport"),))
        await wait_until(lambda: client.ids)
        assert client.ids == [wanted]


async def test_damaged_entries_stop_nobody(valkey: Valkey, redis_client: Any) -> None:
    async with running(new_app(valkey.url)) as url, Subscriber(url) as live:
        await wait_until(lambda: live.parser.events)
        for number in range(150):
            await redis_client.xadd(PUBLICATIONS.key, {"__data__": b"garbage" if number % 2 else b"\x89BIN"})
        ids = await announce(redis_client, 2)
        await wait_until(lambda: len(live.ids) == 2)
        assert live.ids == ids
        late = await first_events(url, 3, params={"since": "earliest"})
        assert late.ids == ids


async def test_hostile_text_stays_inside_its_event(valkey: Valkey, redis_client: Any) -> None:
    title = 'x\n\ndata: {"evil":1}\r\nid: 666-0\r\u2028\u2029 event: gap'
    async with running(new_app(valkey.url)) as url, Subscriber(url) as client:
        await wait_until(lambda: client.parser.events)
        ids = await announce(redis_client, 1, title=title)
        await wait_until(lambda: client.ids)
        assert client.ids == ids
        assert json.loads(client.parser.events[1].data)["data"]["title"] == title
        assert [event.event for event in client.parser.events] == ["hello", "message"]


async def test_a_client_that_does_not_read_is_dropped_and_others_live(valkey: Valkey, redis_client: Any) -> None:
    app = new_app(valkey.url, sse_heartbeat_seconds=0.5)
    async with running(app) as url, Subscriber(url) as reader:
        await wait_until(lambda: reader.parser.events)
        parts = urlsplit(url)
        stuck = socket.socket()
        stuck.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
        stuck.settimeout(5)
        await asyncio.to_thread(stuck.connect, (parts.hostname, parts.port))
        stuck.sendall(b"GET /v1/events HTTP/1.1\r\nHost: x\r\n\r\n")
        await wait_until(lambda: app.state.services.connection_limiter.open == 2)
        ids = await announce(redis_client, 60, dek="long " * 10_000)
        await wait_until(lambda: app.state.services.connection_limiter.open == 1, what="the eviction", timeout=30)
        await wait_until(lambda: len(reader.ids) == 60)
        assert reader.ids == ids
        assert not reader.ended

        def is_reset() -> bool:
            try:
                stuck.send(b" ")
            except (ConnectionResetError, BrokenPipeError):
                return True
            return False

        # aborted, not closed: a close would wait until the client has read everything
        await wait_until(is_reset, what="the reset of the connection")
        stuck.close()


async def test_a_restart_of_redis_loses_nothing(own_valkey: Valkey) -> None:
    client = connect(own_valkey.url)
    first = await announce(client, 3)
    async with (
        running(new_app(own_valkey.url, sse_heartbeat_seconds=0.2)) as url,
        Subscriber(url, params={"since": "earliest"}) as subscriber,
    ):
        await wait_until(lambda: len(subscriber.ids) == 3)
        own_valkey.kill()
        beats = len(subscriber.parser.comments)
        await wait_until(lambda: len(subscriber.parser.comments) >= beats + 3, what="heartbeats without Redis")
        async with httpx.AsyncClient() as http:
            answer = await http.get(f"{url}/v1/events", timeout=20)
            assert answer.status_code == 503
            assert int(answer.headers["retry-after"]) >= 1
        await asyncio.to_thread(own_valkey.start)
        second = await announce(client, 3)
        await wait_until(lambda: len(subscriber.ids) == 6, timeout=20)
        assert subscriber.ids == first + second
        assert not subscriber.ended
    await client.aclose()


async def test_too_many_streams_are_429(valkey: Valkey, redis_client: Any) -> None:
    app = new_app(valkey.url, sse_per_ip=2)
    async with running(app) as url, Subscriber(url), Subscriber(url):
        await wait_until(lambda: app.state.services.connection_limiter.open == 2)
        async with httpx.AsyncClient() as client:
            answer = await client.get(f"{url}/v1/events")
            assert answer.status_code == 429
            assert int(answer.headers["retry-after"]) >= 1
            assert (await client.get(f"{url}/v1/tags")).status_code == 200
    assert app.state.services.connection_limiter.open == 0


async def test_a_stop_ends_streams_at_once(valkey: Valkey, redis_client: Any) -> None:
    loop = asyncio.get_running_loop()
    async with running(new_app(valkey.url)) as url:
        client = Subscriber(url)
        await client.__aenter__()
        await wait_until(lambda: client.parser.events)
        began = loop.time()
    assert loop.time() - began < 5
    await wait_until(lambda: client.ended)
    await client.__aexit__(None, None, None)
