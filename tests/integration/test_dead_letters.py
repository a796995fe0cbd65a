"""Dead letters as an operator handles them, lag, and housekeeping."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest
import structlog

from shared.broker import declare, heartbeat
from shared.broker.dead_letters import DeadLetters
from shared.broker.lag import lag
from shared.broker.trim import delete_idle_consumers, delete_stale_starts, run_housekeeping, safe_trim
from shared.envelope import encode_event
from shared.errors import Permanent
from shared.store import keys
from shared.topology import ARTICLE_ENRICHED, PUBLICATIONS
from tests.integration.consuming import GROUP, STREAM, Recorder, add, dead, received, working
from tests.support.builders import wait_until
from tests.support.valkey import Valkey


async def _dead_letter_some(valkey: Valkey, client: Any) -> None:
    for name in ("hopeless", "worse"):
        await add(client, name)
    await client.xadd(STREAM.key, {"junk": b"\xff\x00", "more": "text"})
    handler = Recorder(client)
    handler.plans = {
        "hopeless": [Permanent("no body", rule="no-body")],
        "worse": [Permanent("too long", rule="too-long")],
    }
    async with working(valkey.url, handler):
        await wait_until(lambda: _died(client, 3))


async def _died(client: Any, count: int) -> bool:
    return len(await dead(client)) == count


async def test_listing_showing_and_filtering(valkey: Valkey, redis_client: Any) -> None:
    await _dead_letter_some(valkey, redis_client)
    letters = DeadLetters(redis_client)
    everything = await letters.list()
    assert sorted(letter.rule for letter in everything) == ["malformed-entry", "no-body", "too-long"]
    assert [letter.rule for letter in await letters.list(STREAM, rule="no-body")] == ["no-body"]
    assert await letters.list(ARTICLE_ENRICHED) == []
    assert len(await letters.list(limit=2)) == 2
    (letter,) = await letters.list(STREAM, rule="no-body")
    assert (letter.stream, letter.reason, letter.attempts) == (STREAM.name, "no body", 1)
    assert letter.body is not None
    assert '"correlation_id":"hopeless"' in letter.body
    assert await letters.show(STREAM, letter.dead_id) == letter
    (junk,) = await letters.list(STREAM, rule="malformed-entry")
    assert junk.fields == {"junk": "\\xff\x00", "more": "text"}
    assert junk.body is None
    with pytest.raises(Permanent, match="not an entry id"):
        await letters.show(STREAM, "+ COUNT 1")


async def test_a_retry_goes_back_into_the_same_stage_once(valkey: Valkey, redis_client: Any) -> None:
    await _dead_letter_some(valkey, redis_client)
    letters = DeadLetters(redis_client)
    (letter,) = await letters.list(STREAM, rule="no-body")
    entry_id = await letters.retry(STREAM, letter.dead_id)
    handler = Recorder(redis_client)
    async with working(valkey.url, handler):
        await wait_until(lambda: handler.seen)
    assert handler.seen == [("hopeless", 1)]
    assert (await redis_client.xrange(STREAM.key, entry_id, entry_id))[0][1].keys() == {b"__data__"}
    with pytest.raises(Permanent) as gone:
        await letters.retry(STREAM, letter.dead_id)
    assert gone.value.rule == "no-such-dead-letter"


async def test_dropping_needs_a_reason_and_is_written_down(valkey: Valkey, redis_client: Any) -> None:
    await _dead_letter_some(valkey, redis_client)
    letters = DeadLetters(redis_client)
    (letter,) = await letters.list(STREAM, rule="too-long")
    with pytest.raises(Permanent, match="needs a reason"):
        await letters.drop(STREAM, letter.dead_id, " ")
    with structlog.testing.capture_logs() as lines:
        assert await letters.drop(STREAM, letter.dead_id, "a test page")
        assert not await letters.drop(STREAM, letter.dead_id, "again")
    (line,) = lines
    assert (line["event"], line["reason"], line["entry_id"]) == ("dead_letter.dropped", "a test page", letter.entry_id)
    assert len(await letters.list()) == 2


async def test_lag_counts_what_waits_what_is_pending_and_what_is_dead(redis_client: Any) -> None:
    for name in "abc":
        await add(redis_client, name)
    await redis_client.xadd(STREAM.dead_key, {"dead_rule": "x"})
    missing = {item.group: item for item in await lag(redis_client)}
    assert (missing[GROUP].missing, missing[GROUP].waiting, missing[GROUP].dead) == (True, 3, 1)
    await declare(redis_client)
    await redis_client.xreadgroup(GROUP, "somebody", {STREAM.key: ">"}, count=2)
    found = {item.group: item for item in await lag(redis_client)}
    assert (found[GROUP].waiting, found[GROUP].pending, found[GROUP].missing) == (1, 2, False)
    assert 0 <= found[GROUP].oldest_age_seconds < 60
    assert (found["index"].waiting, found["index"].oldest_age_seconds) == (0, 0.0)


async def test_trimming_never_takes_what_a_group_has_not_finished(redis_client: Any) -> None:
    for n in range(1, 1001):
        await redis_client.xadd(STREAM.key, {"__data__": encode_event(received("old"))}, id=f"{n}-0")
    assert await safe_trim(redis_client, STREAM) == 0, "without its group nothing may go"
    await declare(redis_client)
    assert await safe_trim(redis_client, STREAM) == 0, "nothing was delivered yet"
    rows = await redis_client.xreadgroup(GROUP, "somebody", {STREAM.key: ">"}, count=900)
    entries = rows[STREAM.key.encode()][0] if isinstance(rows, dict) else rows[0][1]
    await redis_client.xack(STREAM.key, GROUP, *(entry_id for entry_id, _ in entries if entry_id != b"700-0"))
    gone = await safe_trim(redis_client, STREAM)
    assert 0 < gone <= 699
    assert len(await redis_client.xrange(STREAM.key, "700-0", "+")) == 301
    await add(redis_client, "fresh")
    await redis_client.xgroup_setid(STREAM.key, GROUP, "$")
    await redis_client.xack(STREAM.key, GROUP, "700-0")
    await safe_trim(redis_client, STREAM)
    (newest,) = await redis_client.xrevrange(STREAM.key, count=1)
    assert b"fresh" in newest[1][b"__data__"], "a finished entry stays as long as the stream keeps entries"
    assert await safe_trim(redis_client, PUBLICATIONS) == 0


async def test_only_idle_consumers_without_entries_are_removed(redis_client: Any) -> None:
    await declare(redis_client)
    await add(redis_client, "a")
    await redis_client.xreadgroup(GROUP, "holder", {STREAM.key: ">"})
    await redis_client.xgroup_createconsumer(STREAM.key, GROUP, "empty")
    assert await delete_idle_consumers(redis_client, STREAM, GROUP) == 0
    await wait_until(lambda: _idle(redis_client))
    assert await delete_idle_consumers(redis_client, STREAM, GROUP, idle=timedelta(milliseconds=5)) == 1
    assert [row["name"] for row in await redis_client.xinfo_consumers(STREAM.key, GROUP)] == [b"holder"]


async def _idle(client: Any) -> bool:
    return all(row["idle"] > 10 for row in await client.xinfo_consumers(STREAM.key, GROUP))


async def test_housekeeping_is_done_by_one_and_forgets_finished_notes(redis_client: Any) -> None:
    await declare(redis_client)
    entry_id = await add(redis_client, "a")
    await redis_client.xreadgroup(GROUP, "holder", {STREAM.key: ">"})
    await redis_client.hset(keys.started(STREAM.name), mapping={entry_id: 1, "5-0": 2})
    assert await run_housekeeping(redis_client, STREAM, GROUP)
    assert not await run_housekeeping(redis_client, STREAM, GROUP)
    assert await redis_client.hkeys(keys.started(STREAM.name)) == [entry_id.encode()]
    assert await delete_stale_starts(redis_client, STREAM, GROUP) == 0


async def test_a_heartbeat_says_whether_anybody_reads(redis_client: Any) -> None:
    assert not await heartbeat.is_reading(redis_client, GROUP)
    await declare(redis_client)
    await redis_client.xgroup_createconsumer(STREAM.key, GROUP, "one")
    await heartbeat.write_heartbeat(redis_client, GROUP, "one", reading=False)
    assert not await heartbeat.is_reading(redis_client, GROUP)
    await heartbeat.write_heartbeat(redis_client, GROUP, "one", reading=True)
    assert await heartbeat.is_reading(redis_client, GROUP)
    assert 0 < await redis_client.ttl(keys.heartbeat(GROUP, "one")) <= 15
