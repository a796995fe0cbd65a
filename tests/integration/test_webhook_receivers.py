"""W01 to W16: receivers that hang, lie, trickle, flap or go away. Nothing is lost, nobody else waits."""

from __future__ import annotations

import asyncio
import gzip
import time
from typing import Any

import pytest

from shared.tasks import cancel_and_wait
from shared.webhooks import verify
from tests.support.announcing import log, publication
from tests.support.fetching import Asked, RequestContext, http, origin
from tests.support.notifying import Notify, genuine, notifying
from tests.support.serving import publish

pytestmark = pytest.mark.redis
BUDGET = 0.5
"""Seconds of one delivery in these tests; 15 in production."""


async def hang(asked: Asked) -> None:
    """Take the request and say nothing."""
    await asked.writer.wait_closed()


async def delivered(redis_client: Any, answer: Any, *, sends: int = 1) -> tuple[Any, list[Asked], Any]:
    """What became of one delivery to such a receiver, while a good one beside it gets its own."""
    async with (
        notifying(redis_client, total_seconds=BUDGET, connect_seconds=BUDGET) as notify,
        origin(answer) as bad,
        origin(lambda _: http()) as good,
    ):
        one, _ = await notify.subscribe(bad.url())
        other, _ = await notify.subscribe(good.url())
        await publish(redis_client)
        await notify.read()
        began = time.monotonic()
        for _ in range(sends):
            await notify.send()
            notify.clock.move(seconds=400)
        took = time.monotonic() - began
        assert took < sends * BUDGET + 3, took
        assert (await notify.listed(other))[0].state == "delivered"
        return (await notify.listed(one))[0], bad.asked, await notify.state(one)


async def drip(asked: Asked, piece: bytes, pause: float) -> None:
    """A 200 whose body never ends."""
    asked.writer.write(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n")
    try:
        while True:
            asked.writer.write(b"%x\r\n%b\r\n" % (len(piece), piece))
            await asked.writer.drain()
            await asyncio.sleep(pause)
    except ConnectionError:
        return


async def late(asked: Asked) -> bytes:
    """W08: a 200 after the budget."""
    await asyncio.sleep(BUDGET * 1.5)
    return http()


async def cut(asked: Asked) -> None:
    """W09: the connection is reset in the middle of the body."""
    asked.writer.write(b"HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\nhalf")
    await asked.writer.drain()
    asked.writer.transport.abort()


BOMB = gzip.compress(b"0" * 30_000_000)

BAD = {
    "W01 hang": (hang, "time"),
    "W02 one byte at a time": (lambda asked: drip(asked, b".", 0.05), "time"),
    "W03 endless body": (lambda asked: drip(asked, b"x" * 65_536, 0), "larger"),
    "W03 large content-length": (lambda _: b"HTTP/1.1 200 OK\r\nContent-Length: 1000000000\r\n\r\nx", "larger"),
    "W04 302": (lambda _: http("302 Found", Location="http://127.0.0.1:1/"), "302"),
    "W04 307": (lambda _: http("307 Temporary Redirect", Location="http://169.254.169.254/"), "307"),
    "W08 late": (late, "time"),
    "W09 reset": (cut, "interrupted"),
    "W12 cookie and challenge": (
        lambda _: http("401 Unauthorized", Set_Cookie="a=b", WWW_Authenticate="Basic realm=x"),
        "401",
    ),
    "W16 gzip bomb": (lambda _: http(body=BOMB, Content_Encoding="gzip"), "larger"),
}


@pytest.mark.parametrize("name", BAD)
async def test_a_bad_answer_is_a_failure_that_is_tried_again(redis_client: Any, name: str) -> None:
    answer, word = BAD[name]
    record, asked, state = await delivered(redis_client, answer, sends=2)
    assert [word in each.error for each in record.tries] == [True, True], record.tries
    assert (record.state, record.attempts, len(asked)) == ("waiting", 2, 2)
    assert len({each.headers["webhook-id"] for each in asked}) == 1
    assert not any("cookie" in each.headers or "authorization" in each.headers for each in asked)
    assert (state.status, state.failures) == ("active", 2)


async def test_w05_gone_is_the_end(redis_client: Any) -> None:
    record, asked, state = await delivered(redis_client, lambda _: http("410 Gone"), sends=3)
    assert (record.state, len(asked), state.status, state.reason) == ("failed", 1, "disabled", "gone")


@pytest.mark.parametrize(
    ("asks", "waits"),
    [
        ("315360000", 86_400),  # W06: ten years are a day
        ("Fri, 31 Dec 2100 23:59:59 GMT", 86_400),
        ("60", 60),
        ("-5", 5),  # W07: what cannot be read is the schedule's
        ("soon", 5),
        ("1e9", 5),
        ("9" * 400, 86_400),
        ("\u0665", 5),
        ("Thu, 99 Foo 2026", 5),
        ("1 Jan 99999999999999999999 0:00 GMT", 5),
        ("1 Jan 2026 0:00 +9999999999999999", 5),
        ("0", 5),
    ],
)
async def test_w06_w07_retry_after_is_obeyed_within_bounds(redis_client: Any, asks: str, waits: int) -> None:
    answer = http("429 Too Many Requests", Retry_After="?").replace(b"?", asks.encode())
    async with notifying(redis_client) as notify, origin(lambda _: answer) as hook:
        await notify.subscribe(hook.url())
        await publish(redis_client)
        await notify.read()
        await notify.send()
        notify.clock.move(seconds=waits - 3)
        await notify.send()
        assert len(hook.asked) == 1
        notify.clock.move(seconds=4)
        await notify.send()
        assert len(hook.asked) == 2


async def test_w11_an_endpoint_that_flaps_gets_everything(redis_client: Any) -> None:
    """Two of three answers are bad."""
    count = 0

    def flap(_: Asked) -> bytes:
        nonlocal count
        count += 1
        return http() if count % 3 == 0 else http("503 Service Unavailable")

    async with notifying(redis_client) as notify, origin(flap) as hook:
        one, _ = await notify.subscribe(hook.url())
        for number in range(12):
            await log(redis_client, publication(external_id=f"n{number}"))
        await notify.read()
        for _ in range(60):
            await notify.send()
            notify.clock.move(hours=5)
        records = await notify.listed(one)
        assert {each.state for each in records} == {"delivered"}
        assert len(records) == 12
        assert (await notify.state(one)).status == "active"


async def test_w13_two_subscriptions_to_one_endpoint_get_one_each_under_their_own_ids(redis_client: Any) -> None:
    async with notifying(redis_client) as notify, origin(lambda _: http()) as hook:
        (_, first), (_, second) = [await notify.subscribe(hook.url()) for _ in range(2)]
        await publish(redis_client)
        await notify.read()
        await notify.send()
        assert len({asked.headers["webhook-id"] for asked in hook.asked}) == len(hook.asked) == 2
        assert [genuine(asked, first, notify.clock) for asked in hook.asked].count(True) == 1
        assert [genuine(asked, second, notify.clock) for asked in hook.asked].count(True) == 1


async def test_w14_an_endpoint_deleted_while_a_request_hangs_leaves_nothing(redis_client: Any) -> None:
    async with notifying(redis_client, total_seconds=BUDGET) as notify, origin(hang) as hook:
        one, _ = await notify.subscribe(hook.url())
        await publish(redis_client)
        await notify.read()
        await notify.dispatcher.step()
        await notify.subscriptions.delete(one)
        await notify.webhooks.delete(one.id)
        await notify.dispatcher.idle()
        notify.clock.move(days=1)
        await notify.send()
        assert len(hook.asked) <= 1
        assert [key async for key in redis_client.scan_iter("{p0}:webhook-*:*")] == []


async def test_w15_a_secret_rotated_between_attempts_signs_the_next_one_beside_the_old(redis_client: Any) -> None:
    async with notifying(redis_client) as notify, origin(lambda _: http("500 Oops")) as hook:
        one, old = await notify.subscribe(hook.url())
        await publish(redis_client)
        await notify.read()
        await notify.send()
        new = await notify.webhooks.rotate(await notify.state(one))
        for pause in (6, 86_400):
            notify.clock.move(seconds=pause)
            await notify.send()
        first, second, third = hook.asked
        assert [genuine(asked, old, notify.clock) for asked in (first, second)] == [False, False]  # too old by now
        assert holds(second, new.shown)
        assert holds(second, old.shown)
        assert holds(third, new.shown)
        assert not holds(third, old.shown), "a day later the old secret has ended"
        assert not holds(first, new.shown)


def holds(asked: Asked, secret: str) -> bool:
    """Whether the signature was right at its own time."""
    head = asked.headers
    stamp = head["webhook-timestamp"]
    return verify(secret, head["webhook-id"], stamp, head["webhook-signature"], asked.body, now=float(stamp))


async def test_an_endpoint_that_moves_to_a_private_address_is_never_dialled(redis_client: Any) -> None:
    async with notifying(redis_client, allowed=()) as notify, origin(lambda _: http()) as hook:
        one, _ = await notify.subscribe(hook.url(host="localhost"))
        await publish(redis_client)
        await notify.read()
        await notify.send()
        assert hook.connections == 0
        (record,) = await notify.listed(one)
        assert "not public" in record.tries[0].error
        assert "127.0.0.1" not in record.tries[0].error


@pytest.mark.slow
@pytest.mark.timeout(180)
async def test_a_hundred_that_hang_slow_down_none_of_a_hundred_that_answer(redis_client: Any) -> None:
    """F31. Every good endpoint gets ten events while every bad one holds on to all that it is given."""
    async with (
        notifying(redis_client, total_seconds=8.0) as notify,
        origin(hang) as bad,
        origin(lambda _: http()) as good,
    ):
        for number in range(100):
            await notify.subscribe(good.url(f"/{number}"))
        alone = sorted(await race(redis_client, notify, good, 1_000))
        for number in range(100):
            await notify.subscribe(bad.url(f"/{number}"))
        beside = sorted(await race(redis_client, notify, good, 1_000))
        for name, waits in (("alone", alone), ("beside 100 that hang", beside)):
            print(f"\n100 that answer, {name}: p50 {waits[499]:.3f} s, p99 {waits[989]:.3f} s", end="")
        print(f"; {len(bad.asked)} requests held on to")
        assert len(bad.asked) >= 100
        assert len(good.asked) == 2_000


async def race(redis_client: Any, notify: Notify, good: RequestContext, wanted: int) -> list[float]:
    """Ten events, a few at a time; seconds from each being in the log to each good endpoint having it."""
    before, came = len(good.asked), dict[str, list[float]]()
    written: dict[str, float] = {}
    running = [asyncio.create_task(work) for work in (notify.fanout.run(), notify.dispatcher.run())]
    try:
        for number in range(10):
            written[await log(redis_client, publication(external_id=f"n{before}-{number}"))] = time.monotonic()
            seen = len(good.asked)
            async with asyncio.timeout(30):
                while len(good.asked) - before < (number + 1) * wanted // 10:
                    await asyncio.sleep(0.01)
                    for asked in good.asked[seen:]:
                        cursor = asked.body.split(b'"sequence":"')[1].split(b'"')[0].decode()
                        came.setdefault(cursor, []).append(time.monotonic())
                    seen = len(good.asked)
            for asked in good.asked[seen:]:
                cursor = asked.body.split(b'"sequence":"')[1].split(b'"')[0].decode()
                came.setdefault(cursor, []).append(time.monotonic())
        return [at - written[cursor] for cursor, times in came.items() for at in times]
    finally:
        await cancel_and_wait(running)
