"""The health pages of a real worker in this process."""

from __future__ import annotations

import asyncio
import re
import signal
from typing import Any

import httpx

from shared.broker import make_worker, serve_worker
from shared.tasks import cancel_and_wait
from tests.integration.consuming import GROUP, STREAM, Recorder, add, settings
from tests.support.builders import wait_until
from tests.support.valkey import Valkey, free_port


async def test_a_worker_tells_how_it_is(valkey: Valkey, redis_client: Any) -> None:
    port = free_port()
    worker = make_worker(GROUP, STREAM, Recorder(redis_client), settings(valkey.url))
    worker.subscriber._stream_sub.polling_interval = 200
    await add(redis_client, "one")
    task = asyncio.create_task(serve_worker(worker, port=port))
    async with httpx.AsyncClient(base_url=f"http://127.0.0.1:{port}", trust_env=False) as http:
        await wait_until(worker.ready)
        page = await http.get("/readyz")
        assert page.status_code == 200
        assert page.json()["reader"] is page.json()["reclaimer"] is page.json()["read_lately"] is True
        assert (await http.get("/livez")).status_code == (await http.get("/startupz")).status_code == 200
        text = (await http.get("/metrics")).text
        assert 'broadsheet_stream_lag_entries{group="enrich",stream="article.received.v1"} 0.0' in text
        assert "broadsheet_read_age_seconds" in text
        used = re.search(r'^broadsheet_redis_memory_bytes\{kind="used"\} (\S+)$', text, re.MULTILINE)
        assert used
        assert float(used[1]) > 100_000
        assert "broadsheet_redis_last_write_ok 1.0" in text
    signal.raise_signal(signal.SIGTERM)
    assert await task == 0


async def test_a_dead_reclaimer_or_an_old_read_is_not_ready(valkey: Valkey, redis_client: Any) -> None:
    worker = make_worker(GROUP, STREAM, Recorder(redis_client), settings(valkey.url))
    worker.subscriber._stream_sub.polling_interval = 200
    task = asyncio.create_task(serve_worker(worker))
    await wait_until(worker.ready)
    assert worker.gate.last_read is not None
    worker.gate.last_read -= 31
    assert not worker.checks()["read_lately"]
    await wait_until(worker.ready)
    assert worker.reclaiming is not None
    await cancel_and_wait([worker.reclaiming])
    assert await task == 1, "a worker without its reclaimer must not live on"
    assert not await worker.ready()


async def test_a_taken_port_ends_the_worker_with_an_error(valkey: Valkey, redis_client: Any) -> None:
    server = await asyncio.start_server(lambda *_: None, "127.0.0.1", 0)
    port = server.sockets[0].getsockname()[1]
    worker = make_worker(GROUP, STREAM, Recorder(redis_client), settings(valkey.url))
    assert await serve_worker(worker, port=port) == 1
    server.close()
