"""SSE client libraries of other projects read the event stream and resume it."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Callable
from itertools import islice
from typing import Any

import httpx
import pytest
import requests
from httpx_sse import connect_sse
from ld_eventsource import SSEClient as LaunchDarklyClient
from ld_eventsource.config import ConnectStrategy
from requests_sse import EventSource
from sseclient import SSEClient

from tests.support.announcing import announce, log, withdrawal
from tests.support.serving import new_app, running
from tests.support.valkey import Valkey

pytestmark = pytest.mark.redis
Received = list[tuple[str, str]]
"""Id and data of each unnamed event."""
Client = Callable[[str, int], Received]


def sseclient_py(url: str, count: int) -> Received:
    response = requests.get(url, stream=True, headers={"Accept": "text/event-stream"}, timeout=20)
    client = SSEClient(response)
    events = (event for event in client.events() if event.event == "message")
    found = [(event.id, event.data) for event in islice(events, count)]
    client.close()
    return found


def launchdarkly(url: str, count: int) -> Received:
    client = LaunchDarklyClient(connect=ConnectStrategy.http(url=url))
    events = (event for event in client.events if event.event == "message")
    found = [(event.last_event_id, event.data) for event in islice(events, count)]
    client.close()
    return found


def requests_sse(url: str, count: int) -> Received:
    with EventSource(url, timeout=20) as source:
        events = (event for event in source if event.type == "message")
        return [(event.last_event_id, event.data) for event in islice(events, count)]


def httpx_sse(url: str, count: int) -> Received:
    with httpx.Client(timeout=20) as client, connect_sse(client, "GET", url) as source:
        events = (event for event in source.iter_sse() if event.event == "message")
        return [(event.id, event.data) for event in islice(events, count)]


@pytest.mark.parametrize("client", [sseclient_py, launchdarkly, requests_sse, httpx_sse])
async def test_a_client_library_reads_resumes_and_follows(valkey: Valkey, redis_client: Any, client: Client) -> None:
    ids = await announce(redis_client, 3, external_id="a")
    ids.append(await log(redis_client, withdrawal(external_id="a", reason="Zwölf – “quoted”\u2028line")))
    async with running(new_app(valkey.url)) as url:
        stream = f"{url}/v1/events"
        first = await asyncio.to_thread(client, f"{stream}?since=earliest", 2)
        assert [ident for ident, _ in first] == ids[:2]
        assert [json.loads(data)["sequence"] for _, data in first] == ids[:2]
        rest = await asyncio.to_thread(client, f"{stream}?last_event_id={first[-1][0]}", 2)
        assert [ident for ident, _ in rest] == ids[2:]
        live = asyncio.create_task(asyncio.to_thread(client, f"{stream}?last_event_id={ids[-1]}", 1))
        (new,) = await announce(redis_client, external_id="b")
        assert [ident for ident, _ in await live] == [new]
        filtered = await asyncio.to_thread(client, f"{stream}?since=earliest&type=article.retracted&q=line", 1)
        assert json.loads(filtered[0][1])["data"]["reason"].startswith("Zwölf")
