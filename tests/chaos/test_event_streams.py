"""Must-show: two independent clients through drops and restarts; each receives exactly the log, in order, once."""

from __future__ import annotations

import asyncio
import contextlib
import os
import random
import shutil
import signal
import subprocess
import sys
from pathlib import Path
from typing import Any

import httpx
import pytest
import redis
from httpx_sse import SSEError, aconnect_sse

from shared.store import connect
from shared.store.publication_log import EARLIEST
from shared.tasks import cancel_and_wait
from shared.topology import PUBLICATIONS
from tests.chaos.dropping_proxy import DroppingProxy
from tests.chaos.processes import Service
from tests.chaos.sizes import sized
from tests.e2e.test_reader_browser import options
from tests.support.announcing import announce
from tests.support.builders import wait_until
from tests.support.valkey import Valkey, free_port

pytestmark = [pytest.mark.chaos, pytest.mark.slow, pytest.mark.browser, pytest.mark.redis, pytest.mark.timeout(300)]

CONNECTIONS = sized(200, 40)
DROPS = sized(20, 5)
BROWSER_STREAMS = 4
EVENTS = sized(300, 120)

PAGE = b"""<!doctype html><title>0</title><script>
"use strict";
const streams = location.hash.slice(1).split(",").map((place) => ({ids: [], last: place, opens: 0}));
function follow(stream) {
  const source = new EventSource(`/v1/events?last_event_id=${stream.last}`);
  source.onopen = () => { stream.opens += 1; };
  source.onmessage = (event) => { stream.ids.push(JSON.parse(event.data).sequence); };
  const keep = (event) => { if (event.lastEventId) stream.last = event.lastEventId; };
  for (const name of ["hello", "gap", "message"]) source.addEventListener(name, keep);
  source.addEventListener("gap", () => { stream.ids.push("gap"); });
  // a refusal (503 while Redis is away) closes an EventSource for good: open another one from the last id
  source.onerror = () => { if (source.readyState === 2) setTimeout(follow, 500, stream); };
}
streams.forEach(follow);
setInterval(() => { fetch("/report", {method: "POST", body: JSON.stringify(streams)}).catch(() => 0); }, 500);
</script>"""


class Reader:
    """An httpx-sse client that reconnects from its last id until it is stopped."""

    def __init__(self, name: str, url: str) -> None:
        self.name = name
        self.ids: list[str] = []
        self.gaps: list[str] = []
        self.connections = 0
        self._url = url
        self._cursor = EARLIEST

    async def run(self, http: httpx.AsyncClient) -> None:
        while True:
            with contextlib.suppress(httpx.HTTPError, SSEError):
                await self._connection(http)
            await asyncio.sleep(0.05)

    async def _connection(self, http: httpx.AsyncClient) -> None:
        headers = {"Last-Event-ID": self._cursor, "X-Client": self.name}
        async with aconnect_sse(http, "GET", f"{self._url}/v1/events", headers=headers) as source:
            if source.response.status_code != 200:
                return
            self.connections += 1
            async for event in source.aiter_sse():
                if event.event == "gap":
                    self.gaps.append(event.data)
                elif event.event == "message" and event.data:
                    self.ids.append(event.id)
                self._cursor = event.id or self._cursor


class Browser:
    """Headless Chromium on a page with a few EventSources; the page posts what they received."""

    def __init__(self, profile: Path) -> None:
        self._profile = profile
        self._process: asyncio.subprocess.Process | None = None

    async def start(self, url: str) -> None:
        program = shutil.which("chromium")
        assert program is not None
        self._process = await asyncio.create_subprocess_exec(
            *options(program, self._profile), "--remote-debugging-port=0", url,
            stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, start_new_session=True,
        )  # fmt: skip

    async def stop(self) -> None:
        if self._process is None:
            return
        with contextlib.suppress(ProcessLookupError):
            os.killpg(self._process.pid, signal.SIGKILL)
        await self._process.wait()


async def the_log(client: Any) -> list[str]:
    return [entry_id.decode() for entry_id, _ in await client.xrange(PUBLICATIONS.key)]


def serve_process(directory: Path, valkey: Valkey) -> Service:
    port = free_port()
    environment = {
        **os.environ,
        "BROADSHEET_REDIS_URL": valkey.url,
        "BROADSHEET_INDEX_URL": f"embedded:{directory / 'index'}",
        "BROADSHEET_ENVIRONMENT": "local",
        "SERVE_PORT": str(port),
        "SERVE_SSE_PER_IP": "2000",
    }
    return Service("serve", [sys.executable, "-m", "services.serve.app"], port, environment, directory / "serve.log")


async def restart(serve: Service, number: signal.Signals) -> None:
    assert serve.process is not None
    serve.kill(number)
    await asyncio.to_thread(serve.process.wait, 30)
    serve.start()


async def is_live(serve: Service, http: httpx.AsyncClient) -> bool:
    try:
        return (await http.get(f"{serve.base_url}/livez")).status_code == 200
    except httpx.HTTPError:
        return False


async def restart_valkey(valkey: Valkey) -> None:
    await asyncio.to_thread(valkey.kill)
    await asyncio.to_thread(valkey.start)


async def until_log_has(client: Any, wanted: int) -> None:
    async def enough() -> bool:
        try:
            return await client.xlen(PUBLICATIONS.key) >= wanted
        except redis.exceptions.RedisError:
            return False

    await wait_until(enough, timeout=60, what=f"{wanted} entries in the log")


async def publish_all(client: Any) -> None:
    """Small steps; a Redis that is away is waited for. What is in the log in the end is the truth."""
    for _ in range(EVENTS // 3):
        while True:
            try:
                await announce(client, 3, paragraphs=(), dek="")
                break
            except redis.exceptions.RedisError as error:
                print(f"publisher waits: {type(error).__name__}")
                await asyncio.sleep(0.3)
        await asyncio.sleep(0.1)


async def until_both_have(readers: list[Reader], proxy: DroppingProxy, wanted: int) -> None:
    def seen() -> bool:
        lengths = [len(reader.ids) for reader in readers] + [len(stream["ids"]) for stream in proxy.report]
        return len(lengths) == CONNECTIONS + BROWSER_STREAMS and min(lengths) >= wanted

    await wait_until(seen, timeout=60, what=f"{wanted} events everywhere")


async def test_two_independent_clients_receive_exactly_the_log(
    own_valkey: Valkey, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    if shutil.which("chromium") is None:
        pytest.skip("no Chromium on PATH: EventSource was NOT checked")
    client = connect(own_valkey.url)
    serve = serve_process(tmp_path, own_valkey)
    serve.start()
    browser = Browser(tmp_path / "profile")
    proxy = DroppingProxy(serve.port, DROPS, random.Random(5), drops_of_browser=DROPS * BROWSER_STREAMS, page=PAGE)
    tasks: list[asyncio.Task[Any]] = []
    try:
        async with (
            proxy.running(),
            httpx.AsyncClient(
                timeout=httpx.Timeout(10, read=60),
                limits=httpx.Limits(max_connections=None, max_keepalive_connections=0),
            ) as http,
        ):
            await wait_until(lambda: is_live(serve, http), timeout=60, what="serve")
            readers = [Reader(f"client-{number}", proxy.url) for number in range(CONNECTIONS)]
            tasks = [asyncio.create_task(reader.run(http)) for reader in readers]
            places = ",".join(["0-0"] * BROWSER_STREAMS)
            await browser.start(f"{proxy.url}/page#{places}")
            publishing = asyncio.create_task(publish_all(client))
            for wanted, disturb in (
                (EVENTS // 6, lambda: restart(serve, signal.SIGKILL)),
                (EVENTS // 3, lambda: restart_valkey(own_valkey)),
                (EVENTS // 2, lambda: restart(serve, signal.SIGTERM)),
            ):
                await until_log_has(client, wanted)
                await disturb()
            await publishing
            await wait_until(
                lambda: (
                    all(proxy.cuts[reader.name] >= DROPS for reader in readers)
                    and proxy.cuts["browser"] >= DROPS * BROWSER_STREAMS
                ),
                timeout=120,
                what="the drops",
            )
            await announce(client, 3)  # after the last drop: everybody is live
            log = await the_log(client)
            await until_both_have(readers, proxy, len(log))
    finally:
        await cancel_and_wait(tasks)
        await browser.stop()
        serve.kill()
        assert serve.process is not None
        serve.process.wait(10)
        await client.aclose()
    wrong = [reader.name for reader in readers if reader.ids != log or reader.gaps]
    opens = [stream["opens"] for stream in proxy.report]
    cuts = [proxy.cuts[reader.name] for reader in readers]
    print(
        f"\nlog {len(log)} entries; httpx-sse: {CONNECTIONS} clients, {sum(reader.connections for reader in readers)}"
        f" connections, {sum(cuts)} cuts, fewest {min(cuts)}; Chromium: {BROWSER_STREAMS} EventSources, opened {opens},"
        f" {proxy.cuts['browser']} cuts; 2 restarts of serve, 1 of Valkey; clients that differ from the log: {wrong}"
    )
    assert not wrong
    for stream in proxy.report:
        assert stream["ids"] == log
