"""Consuming without loss, on a real Valkey: what becomes of entries that go wrong, and of those beside them."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest

from shared.broker import declare, heartbeat
from shared.broker.group import WorkGroup
from shared.envelope import encode
from shared.errors import Permanent, Retryable, StoreUnavailable
from shared.search.errors import SearchUnavailable
from shared.store import keys
from tests.integration.consuming import GROUP, STREAM, Recorder, add, dead, pending, received, working
from tests.support.builders import make_acceptance, wait_until
from tests.support.valkey import Valkey


async def finished(client: Any, *names: str) -> bool:
    return {name.encode() for name in names} <= await client.smembers("done")


@pytest.mark.slow
async def test_a_backlog_written_before_the_first_start_is_consumed(valkey: Valkey, redis_client: Any) -> None:
    names = [f"early-{n}" for n in range(150)]
    for name in names:
        await add(redis_client, name)
    handler = Recorder(redis_client)
    async with working(valkey.url, handler) as (worker, _):
        await wait_until(lambda: finished(redis_client, *names))
        assert await worker.ready()
        assert await wait_until(lambda: heartbeat.is_reading(redis_client, GROUP))
    assert max(len(batch) for batch in handler.batches) <= 64
    assert await pending(redis_client) == 0


async def test_garbage_is_dead_lettered_entry_by_entry_and_the_rest_handled(valkey: Valkey, redis_client: Any) -> None:
    garbage: list[dict[Any, Any]] = [
        {"title": "no envelope at all"},
        {"__data__": b"\x89BIN\r\n\x1a\n\xff\xff"},
        {"__data__": b"\xff\xfe\x00"},
        {"__data__": b"{}"},
        {"__data__": b"[]"},
        {"__data__": encode({"k": "v"}, b"\xff\xff not json")},
        {"__data__": encode({}, b"[" * 100_000)},
        {b"\xff\xfe": b"\x00"},
        {"__data__": encode({}, received("x").to_json().replace(b'"rev":1', b'"rev":0'))},
        {"__data__": encode({}, received("x").to_json().replace(b'"version":1', b'"version":9'))},
    ]
    for n, fields in enumerate(garbage):
        await add(redis_client, f"good-{n}")
        await redis_client.xadd(STREAM.key, fields)
    handler = Recorder(redis_client)
    async with working(valkey.url, handler):
        await wait_until(lambda: finished(redis_client, *(f"good-{n}" for n in range(len(garbage)))))
        letters = await wait_until(lambda: all_dead(redis_client, len(garbage)))
    assert await pending(redis_client) == 0
    assert {letter["dead_rule"] for letter in letters} == {"malformed-entry", "invalid-event"}
    assert all(letter["dead_reason"] for letter in letters)
    assert {attempt for _, attempt in handler.seen} == {1}


async def all_dead(client: Any, count: int) -> list[dict[str, str]]:
    letters = await dead(client)
    return letters if len(letters) >= count else []


@pytest.mark.slow
async def test_a_defect_is_redelivered_alone_and_dies_after_five_deliveries(valkey: Valkey, redis_client: Any) -> None:
    for name in ("before", "poison", "after"):
        await add(redis_client, name)
    handler = Recorder(redis_client)
    handler.raises["poison"] = ZeroDivisionError("no such luck")
    async with working(valkey.url, handler):
        await wait_until(lambda: finished(redis_client, "before", "after"))
        assert handler.attempts("after")[-1] == 1, "a neighbour had to wait for a redelivery"
        (letter,) = await wait_until(lambda: all_dead(redis_client, 1))
    assert letter["dead_rule"] == "max-deliveries"
    assert "ZeroDivisionError: no such luck" in letter["dead_reason"]
    assert letter["dead_attempts"] == "5"
    assert sorted(set(handler.attempts("poison"))) == [1, 2, 3, 4, 5]
    assert handler.batches[-1] == ["poison"]
    assert await pending(redis_client) == 0


async def test_a_retryable_failure_comes_back_and_a_permanent_one_does_not(valkey: Valkey, redis_client: Any) -> None:
    for name in ("flaky", "hopeless", "fine"):
        await add(redis_client, name)
    handler = Recorder(redis_client)
    handler.plans = {
        "flaky": [Retryable("not yet"), Retryable("nor now")],
        "hopeless": [Permanent("no", rule="no-body")],
    }
    async with working(valkey.url, handler):
        await wait_until(lambda: finished(redis_client, "flaky", "fine"))
        (letter,) = await wait_until(lambda: all_dead(redis_client, 1))
        await wait_until(lambda: unbegun(redis_client), what="the notes of begun entries are gone")
    assert handler.attempts("flaky") == [1, 2, 3]
    assert handler.attempts("hopeless") == [1]
    assert (letter["dead_rule"], letter["dead_reason"]) == ("no-body", "no")


async def unbegun(client: Any) -> bool:
    return not await client.exists(keys.started(STREAM.name))


async def test_a_permanent_failure_marks_the_article_as_rejected(valkey: Valkey, redis_client: Any, store: Any) -> None:
    (outcome,) = await store.accept([make_acceptance(external_id="hopeless")])

    async def refuse(deliveries: Any) -> dict[str, Exception]:
        return {delivery.entry_id: Permanent("nothing to read", rule="no-body") for delivery in deliveries}

    async with working(valkey.url, refuse):
        await wait_until(lambda: all_dead(redis_client, 1))
    (record,) = await store.records([outcome.article_id])
    assert (record.state, record.rejected_rev, record.reason) == ("rejected", 1, "nothing to read")


async def test_an_outage_of_store_or_engine_counts_against_no_entry(valkey: Valkey, redis_client: Any) -> None:
    names = [f"entry-{n}" for n in range(20)]
    for name in names:
        await add(redis_client, name)
    handler = Recorder(redis_client)
    handler.plans = {name: [SearchUnavailable("away"), StoreUnavailable("away")] * 4 for name in names}
    async with working(valkey.url, handler, RECLAIM_IDLE_MS=50) as (worker, _):
        worker.gate.dependencies._longest = 0.2  # otherwise eight pauses take too long for a test
        await wait_until(lambda: finished(redis_client, *names), timeout=20)
    assert await dead(redis_client) == []
    assert max(attempt for _, attempt in handler.seen) == 1
    assert len(handler.attempts("entry-0")) == 9


async def test_entries_nobody_answers_for_die_after_five_deliveries(valkey: Valkey, redis_client: Any) -> None:
    await add(redis_client, "forgotten")
    seen: list[int] = []

    async def forget(deliveries: Any) -> dict[str, Exception]:
        seen.extend(delivery.attempt for delivery in deliveries)
        return {}

    async with working(valkey.url, forget, RECLAIM_IDLE_MS=50):
        (letter,) = await wait_until(lambda: all_dead(redis_client, 1))
    assert seen == [1, 2, 3, 4, 5]
    assert letter["dead_rule"] == "max-deliveries"


async def test_a_handler_that_never_returns_is_cut_off_and_its_neighbours_go_on(
    valkey: Valkey, redis_client: Any
) -> None:
    for name in ("before", "stuck", "after"):
        await add(redis_client, name)
    recorder = Recorder(redis_client)

    async def hang(deliveries: Any) -> Any:
        if any(delivery.event.meta.correlation_id == "stuck" for delivery in deliveries):
            await asyncio.Event().wait()
        return await recorder(deliveries)

    async with working(valkey.url, hang, RECLAIM_IDLE_MS=50, HANDLE_SECONDS=0.1):
        await wait_until(lambda: finished(redis_client, "before", "after"))
        (letter,) = await wait_until(lambda: all_dead(redis_client, 1))
    assert "HandlerTimeout" in letter["dead_reason"]


async def test_work_in_hand_is_not_taken_over_however_long_it_takes(valkey: Valkey, redis_client: Any) -> None:
    await add(redis_client, "long")
    attempts: list[int] = []

    async def slow(deliveries: Any) -> dict[str, Exception]:
        attempts.extend(delivery.attempt for delivery in deliveries)
        await asyncio.sleep(1.0)
        for delivery in deliveries:
            await redis_client.xack(STREAM.key, GROUP, delivery.entry_id)
        return {}

    async with working(valkey.url, slow):
        await wait_until(lambda: attempts)
        await redis_client.xgroup_createconsumer(STREAM.key, GROUP, "onlooker")
        await asyncio.sleep(0.6)  # four times the take-over time
        rows = await redis_client.xpending_range(STREAM.key, GROUP, min="-", max="+", count=5, idle=150)
        assert rows == [], "an entry in hand looks abandoned"
        await wait_until(lambda: nothing_pending(redis_client))
    assert attempts == [1]


async def nothing_pending(client: Any) -> bool:
    return await pending(client) == 0


async def test_too_many_deaths_stop_the_worker_instead_of_killing_everything(valkey: Valkey, redis_client: Any) -> None:
    for n in range(60):
        await add(redis_client, f"entry-{n}")

    async def bad_deploy(deliveries: Any) -> dict[str, Exception]:
        return {delivery.entry_id: Permanent("I refuse everything") for delivery in deliveries}

    async with working(valkey.url, bad_deploy, MAX_DEAD_LETTERS_PER_MINUTE=10) as (_, task):
        assert await task == 1
    assert len(await dead(redis_client)) == 10
    assert await pending(redis_client) == 50


async def test_a_pending_entry_that_was_deleted_is_let_go(valkey: Valkey, redis_client: Any) -> None:
    await declare(redis_client)
    entry_id = await add(redis_client, "gone")
    await add(redis_client, "there")
    await redis_client.xreadgroup(GROUP, "dead-worker", {STREAM.key: ">"})
    await redis_client.xdel(STREAM.key, entry_id)
    handler = Recorder(redis_client)
    async with working(valkey.url, handler):
        await wait_until(lambda: nothing_pending(redis_client))
    assert handler.seen == [("there", 2)]


async def left_behind(client: Any, count: int) -> list[str]:
    """Entries that a dead worker had in hand; their names."""
    await declare(client)
    names = [f"left-{n}" for n in range(count)]
    for name in names:
        await add(client, name)
    await client.xreadgroup(GROUP, "dead-worker", {STREAM.key: ">"})
    return names


async def test_what_a_dead_worker_had_in_hand_is_taken_over_together(valkey: Valkey, redis_client: Any) -> None:
    names = await left_behind(redis_client, 60)
    handler = Recorder(redis_client)
    async with working(valkey.url, handler):
        await wait_until(lambda: finished(redis_client, *names))
        await wait_until(lambda: unbegun(redis_client))
    assert handler.batches == [names[:50], names[50:]]


async def test_what_came_back_from_a_dead_chunk_is_taken_over_alone(valkey: Valkey, redis_client: Any) -> None:
    names = await left_behind(redis_client, 10)
    begun = [entry_id for entry_id, _ in await redis_client.xrange(STREAM.key)]
    group = WorkGroup(redis_client, STREAM, GROUP, "second-dead-worker")
    await group.record_starts([entry_id.decode() for entry_id in begun])
    handler = Recorder(redis_client)
    async with working(valkey.url, handler):
        await wait_until(lambda: finished(redis_client, *names))
        await wait_until(lambda: unbegun(redis_client))
    assert handler.batches == [[name] for name in names]


async def test_after_two_deaths_alone_an_entry_is_dead_and_after_one_it_is_not(
    valkey: Valkey, redis_client: Any
) -> None:
    await left_behind(redis_client, 2)
    (killer, _), (innocent, _) = await redis_client.xrange(STREAM.key)
    group = WorkGroup(redis_client, STREAM, GROUP, "second-dead-worker")
    for begun in ([killer, innocent], [killer, innocent], [killer]):  # a chunk, then each alone, then one again
        await group.record_starts([entry_id.decode() for entry_id in begun])
    handler = Recorder(redis_client)
    async with working(valkey.url, handler):
        (letter,) = await wait_until(lambda: all_dead(redis_client, 1))
        await wait_until(lambda: nothing_pending(redis_client))
    assert (letter["dead_rule"], letter["dead_reason"]) == ("process-killer", "4 processes died while they handled it")
    assert handler.batches == [["left-1"]]
