"""Redis gone, full, read-only, emptied: the worker waits without a hot loop, heals, and loses nothing."""

from __future__ import annotations

import asyncio
import contextlib
import signal
import subprocess
from typing import Any

import pytest
from redis.exceptions import ConnectionError as RedisConnectionError

from shared.broker import make_worker, serve_worker
from shared.broker.run import wait_for_redis
from shared.errors import Permanent, StoreUnavailable, UnsupportedServer
from shared.store import connect
from tests.integration.consuming import GROUP, STREAM, Recorder, add, dead, pending, settings, spawn, working
from tests.support.builders import wait_until
from tests.support.valkey import Valkey, free_port


async def finished(client: Any, *names: str) -> bool:
    return {name.encode() for name in names} <= await client.smembers("done")


@pytest.mark.parametrize("vanish", ["XGROUP DESTROY", "FLUSHALL", "DEL"])
async def test_a_vanished_group_is_made_again_at_the_beginning(valkey: Valkey, redis_client: Any, vanish: str) -> None:
    await add(redis_client, "before")
    handler = Recorder(redis_client)
    async with working(valkey.url, handler) as (worker, task):
        await wait_until(lambda: finished(redis_client, "before"))
        if vanish == "FLUSHALL":
            await redis_client.flushall()
        elif vanish == "DEL":
            await redis_client.delete(STREAM.key)
        else:
            await redis_client.xgroup_destroy(STREAM.key, GROUP)
        await add(redis_client, "after")
        await wait_until(lambda: finished(redis_client, "after"))
        assert await wait_until(worker.ready)
        assert not task.done()


@pytest.mark.slow
@pytest.mark.parametrize("fault", ["READONLY", "NOREPLICAS"])
async def test_a_server_that_refuses_writes_is_asked_seldom_and_then_read_again(own_valkey: Valkey, fault: str) -> None:
    client = connect(own_valkey.url)
    handler = Recorder(client)
    async with working(own_valkey.url, handler) as (_, task):
        await add(client, "before")
        await wait_until(lambda: finished(client, "before"))
        await _refuse_writes(client, fault)
        await asyncio.sleep(1.0)  # past the first, short pauses
        asked = await _commands(client)
        await asyncio.sleep(2.0)
        rate = (await _commands(client) - asked - 1) / 2.0
        assert rate < 5, f"{rate:.1f} commands a second against a server that is {fault}"
        await _accept_writes(client, fault)
        await add(client, "after")
        await wait_until(lambda: finished(client, "after"), timeout=8)
        assert not task.done()
    assert await dead(client) == []
    await client.aclose()


async def _commands(client: Any) -> int:
    return int((await client.info("stats"))["total_commands_processed"])


async def _refuse_writes(client: Any, fault: str) -> None:
    if fault == "READONLY":
        await client.execute_command("REPLICAOF", "127.0.0.1", free_port())
    else:
        await client.config_set("min-replicas-to-write", 1)


async def _accept_writes(client: Any, fault: str) -> None:
    if fault == "READONLY":
        await client.execute_command("REPLICAOF", "NO", "ONE")
    else:
        await client.config_set("min-replicas-to-write", 0)


async def test_a_full_store_is_drained_and_its_hopeless_entries_are_dead_lettered(own_valkey: Valkey) -> None:
    client = connect(own_valkey.url)
    for name in ("fine", "hopeless", "flaky"):
        await add(client, name)
    await client.xgroup_create(STREAM.key, GROUP, id="0")
    await client.xgroup_create("{p0}:article.enriched.v1", "index", id="0", mkstream=True)
    handled: list[str] = []

    async def handle(deliveries: Any) -> dict[str, Exception]:
        failures: dict[str, Exception] = {}
        for delivery in deliveries:
            handled.append(delivery.event.meta.correlation_id)
            if handled[-1] == "fine" or delivery.attempt == 2:
                await client.xack(STREAM.key, GROUP, delivery.entry_id)
            else:
                failures[delivery.entry_id] = Permanent("no") if handled[-1] == "hopeless" else RuntimeError("not yet")
        return failures

    await client.config_set("maxmemory", "1mb")
    async with working(own_valkey.url, handle):
        await wait_until(lambda: nothing_pending(client))
        assert len(await dead(client)) == 1
    assert handled.count("flaky") == 2
    await client.aclose()


async def nothing_pending(client: Any) -> bool:
    return await pending(client) == 0 and not (await client.xinfo_groups(STREAM.key))[0]["lag"]


@pytest.mark.slow
async def test_a_killed_and_restarted_server_loses_nothing(own_valkey: Valkey) -> None:
    client = connect(own_valkey.url)
    handler = Recorder(client)
    first, second = [f"first-{n}" for n in range(50)], [f"second-{n}" for n in range(50)]
    for name in first:
        await add(client, name)
    async with working(own_valkey.url, handler) as (worker, task):
        await wait_until(lambda: handler.seen)
        own_valkey.kill()
        await wait_until(lambda: worker.gate.redis.is_failing, timeout=5)
        await asyncio.to_thread(own_valkey.start)
        for name in second:
            await add(client, name)
        await wait_until(lambda: finished(client, *first, *second))
        await wait_until(lambda: nothing_pending(client))
        assert not task.done()
    assert await dead(client) == []
    await client.aclose()


async def test_a_worker_that_starts_before_its_server_waits_for_it(tmp_path: Any) -> None:
    server = Valkey(tmp_path / "late")
    worker = make_worker(GROUP, STREAM, Recorder(None), settings(server.url))
    worker.subscriber._stream_sub.polling_interval = 200
    task = asyncio.create_task(serve_worker(worker))
    with contextlib.suppress(RedisConnectionError):
        await worker.client.ping()
    assert not task.done()
    assert not await worker.ready()
    await asyncio.to_thread(server.start)
    try:
        await wait_until(worker.ready)
        signal.raise_signal(signal.SIGTERM)
        assert await task == 0
    finally:
        server.kill()


async def test_patience_with_an_absent_server_ends(tmp_path: Any) -> None:
    worker = make_worker(GROUP, STREAM, Recorder(None), settings(f"redis://127.0.0.1:{free_port()}/0"))
    with pytest.raises(StoreUnavailable):
        await wait_for_redis(worker, within=0.3)
    await worker.client.aclose()


async def test_a_signal_during_the_wait_ends_it_politely() -> None:
    worker = make_worker(GROUP, STREAM, Recorder(None), settings(f"redis://127.0.0.1:{free_port()}/0"))
    task = asyncio.create_task(serve_worker(worker))
    await asyncio.sleep(0)
    signal.raise_signal(signal.SIGTERM)
    assert await asyncio.wait_for(task, 5) == 0


async def test_an_old_server_and_a_wrong_key_end_the_worker_with_an_error(
    valkey: Valkey, redis_client: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def old(client: Any) -> str:
        raise UnsupportedServer("Redis 6.2.0 is below the floor 7.0")

    await redis_client.set(STREAM.key, "not a stream")
    worker = make_worker(GROUP, STREAM, Recorder(redis_client), settings(valkey.url))
    assert await serve_worker(worker) == 1
    monkeypatch.setattr("shared.broker.run.check_server", old)
    worker = make_worker(GROUP, STREAM, Recorder(redis_client), settings(valkey.url))
    assert await serve_worker(worker) == 1


async def test_a_stream_that_becomes_something_else_ends_the_worker_with_an_error(
    valkey: Valkey, redis_client: Any
) -> None:
    async with working(valkey.url, Recorder(redis_client)) as (worker, task):
        await wait_until(worker.ready)
        await redis_client.set(STREAM.key, "not a stream")
        assert await asyncio.wait_for(task, 10) == 1
        assert not await worker.ready()


@pytest.mark.slow
@pytest.mark.chaos
async def test_sigterm_finishes_what_is_in_hand_and_exits_with_zero(valkey: Valkey, redis_client: Any) -> None:
    names = [f"slow-{n}" for n in range(3)]
    for name in names:
        await add(redis_client, name)
    process = spawn(valkey.url)
    try:
        await wait_until(lambda: redis_client.scard("begun"), timeout=20)
        process.send_signal(signal.SIGTERM)
        assert await asyncio.to_thread(process.wait, 10) == 0
    finally:
        process.kill()
    assert await finished(redis_client, *names)
    assert await pending(redis_client) == 0


@pytest.mark.slow
@pytest.mark.chaos
async def test_entries_that_take_their_process_with_them_die_and_their_neighbours_go_on(
    valkey: Valkey, redis_client: Any
) -> None:
    good = [f"good-{n}" for n in range(40)]
    for name in (*good[:20], "killer", *good[20:30], "looper", *good[30:]):
        await add(redis_client, name)
    workers: list[subprocess.Popen[bytes]] = []
    deaths = 0

    async def everything_ended() -> bool:
        nonlocal deaths
        for gone in [worker for worker in workers if worker.poll() is not None]:
            assert gone.returncode != 0
            workers.remove(gone)
            deaths += 1
        while len(workers) < 2:
            workers.append(spawn(valkey.url, STALL_SECONDS=1))
        return len(await dead(redis_client)) == 2 and await nothing_pending(redis_client)

    try:
        await wait_until(everything_ended, timeout=50)
    finally:
        for worker in workers:
            worker.kill()
            worker.wait()
    assert await finished(redis_client, *good)
    assert {letter["dead_rule"] for letter in await dead(redis_client)} == {"process-killer"}
    assert int(await redis_client.get("deaths:killer")) <= 4
    assert int(await redis_client.get("deaths:looper")) <= 4
    assert deaths <= 6
