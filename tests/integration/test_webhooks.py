"""Webhooks end to end inside one process: the log, the queue, real sockets, and a clock that is moved."""

from __future__ import annotations

from typing import Any

import orjson
import pytest
from standardwebhooks import Webhook

from shared.articles import ArticleState
from shared.events import Withdrawal
from shared.store.webhooks.deliveries import DISABLED_AFTER_MS, MAX_WAITING
from tests.support.announcing import announce, log, publication, story_change, withdrawal
from tests.support.builders import make_article
from tests.support.fetching import Asked, http, origin
from tests.support.notifying import genuine, notifying
from tests.support.serving import publish, set_state

pytestmark = pytest.mark.redis
HOUR = 3600


def answering(status: str = "200 OK", **headers: str) -> Any:
    return lambda _: http(status, **headers)


async def test_an_event_reaches_each_endpoint_that_wants_it_signed_and_once(redis_client: Any) -> None:
    async with notifying(redis_client) as notify, origin(answering()) as hook:
        first, secret = await notify.subscribe(hook.url("/one"))
        second, _ = await notify.subscribe(hook.url("/two"), "harbour")
        await notify.subscribe(hook.url("/none"), "volcano")
        article, cursor = await publish(redis_client, title="The ferry comes to the harbour")
        assert await notify.read() == 2
        await notify.send()
        await notify.read()
        await notify.send()
        assert sorted(one.path for one in hook.asked) == ["/one", "/two"]
        asked = next(one for one in hook.asked if one.path == "/one")
        assert asked.headers["content-type"] == "application/cloudevents+json"
        assert genuine(asked, secret, notify.clock)
        event = Webhook(secret.shown).verify(asked.body, asked.headers)
        assert event["type"] == "org.broadsheet.article.published.v1"
        assert (event["subject"], event["sequence"], event["specversion"]) == (article.id, cursor, "1.0")
        assert event["source"] == "https://news.example.org"
        (done,) = await notify.listed(first)
        assert (done.id, done.state, done.attempts, done.tries[0].status) == (
            asked.headers["webhook-id"],
            "delivered",
            1,
            200,
        )
        assert (await notify.listed(second))[0].id != done.id
        assert await notify.deliveries.next_due_ms() is None


async def test_nothing_is_sent_before_the_endpoint_has_answered_a_ping(redis_client: Any) -> None:
    said = ["503 Service Unavailable", "200 OK", "200 OK"]
    async with notifying(redis_client) as notify, origin(lambda _: http(said.pop(0))) as hook:
        one, secret = await notify.subscribe(hook.url(), active=False)
        await publish(redis_client)
        assert await notify.read() == 1
        await notify.send()
        await notify.send()
        assert [orjson.loads(asked.body)["type"] for asked in hook.asked] == ["org.broadsheet.webhook.ping.v1"]
        assert (await notify.state(one)).status == "pending"
        notify.clock.move(seconds=6)
        await notify.send()
        assert (await notify.state(one)).status == "active"
        await notify.send()
        kinds = [orjson.loads(asked.body)["type"].split(".")[2] for asked in hook.asked]
        assert kinds == ["webhook", "webhook", "article"]
        assert all(genuine(asked, secret, notify.clock) or asked is hook.asked[0] for asked in hook.asked)


async def test_ten_attempts_on_the_schedule_under_one_id_then_it_waits_for_a_replay(redis_client: Any) -> None:
    async with notifying(redis_client) as notify, origin(answering("500 Oops")) as hook:
        one, _ = await notify.subscribe(hook.url())
        await publish(redis_client)
        await notify.read()
        pauses = (0, 5, 300, 1800, 2 * HOUR, 5 * HOUR, 10 * HOUR, 14 * HOUR, 20 * HOUR, 24 * HOUR)
        for number, pause in enumerate(pauses, 1):
            if pause:
                notify.clock.move(seconds=pause - 2)
                await notify.send()
                assert len(hook.asked) == number - 1, f"attempt {number} came too early"
                notify.clock.move(seconds=2)
            await notify.send()
            assert len(hook.asked) == number
        notify.clock.move(days=1)
        await notify.send()
        assert len({asked.headers["webhook-id"] for asked in hook.asked}) == 1
        assert len({asked.headers["webhook-timestamp"] for asked in hook.asked}) == 10
        (done,) = await notify.listed(one)
        assert (done.state, done.attempts, len(hook.asked)) == ("failed", 10, 10)
        assert await notify.webhooks.retry(await notify.state(one), done.id)
        await notify.send()
        assert hook.asked[-1].headers["webhook-id"] == done.id
        assert len(hook.asked) == 11


async def test_a_publication_that_is_retracted_before_it_is_sent_is_dropped(redis_client: Any) -> None:
    async with notifying(redis_client) as notify, origin(answering()) as hook:
        one, _ = await notify.subscribe(hook.url())
        article, _ = await publish(redis_client)
        await notify.read()
        await set_state(redis_client, article.id, ArticleState.RETRACTED, "The quote was invented.")
        await notify.send()
        assert hook.asked == []
        (dropped,) = await notify.listed(one)
        assert (dropped.state, "retracted" in dropped.tries[-1].error) == ("failed", True)
        await log(redis_client, withdrawal(id=article.id))
        await notify.read()
        await notify.send()
        (only,) = hook.asked
        event = orjson.loads(only.body)
        assert event["type"] == "org.broadsheet.article.retracted.v1"
        assert b"ferry line" not in hook.asked[0].body
        assert event["data"]["id"] == article.id


async def test_withdrawals_and_stories_are_delivered_too(redis_client: Any) -> None:
    async with notifying(redis_client) as notify, origin(answering()) as hook:
        await notify.subscribe(hook.url())
        for event in (withdrawal(), withdrawal(kind=Withdrawal.TYPE), story_change()):
            await log(redis_client, event)
        assert await notify.read() == 3
        await notify.send()
        kinds = sorted(orjson.loads(asked.body)["type"].removeprefix("org.broadsheet.") for asked in hook.asked)
        assert kinds == ["article.retracted.v1", "article.withdrawn.v1", "story.created.v1"]


async def test_a_large_event_is_delivered_as_its_address(redis_client: Any) -> None:
    async with notifying(redis_client) as notify, origin(answering()) as hook:
        await notify.subscribe(hook.url())
        article = make_article()
        await log(redis_client, publication(authors=tuple(f"Mara Holt the {n}th of Lindmouth" for n in range(900))))
        await notify.read()
        await notify.send()
        event = orjson.loads(hook.asked[0].body)
        assert len(hook.asked[0].body) < 20_000
        assert event["dataref"] == f"https://news.example.org/v1/articles/{article.id}"
        assert (event["data"]["id"], event["data"]["rev"]) == (article.id, 1)


async def test_410_disables_at_once_and_enabling_tells_what_was_missed(redis_client: Any) -> None:
    said = ["410 Gone"]
    async with notifying(redis_client) as notify, origin(lambda _: http(said[0])) as hook:
        one, _ = await notify.subscribe(hook.url())
        await publish(redis_client)
        await notify.read()
        await notify.send()
        state = await notify.state(one)
        assert (state.status, state.reason) == ("disabled", "gone")
        missed, _ = [await log(redis_client, publication(external_id=name)) for name in ("a2", "a3")]
        assert await notify.read() == 2  # they matched, and were not queued
        await notify.send()
        assert len(hook.asked) == 1
        said[0] = "200 OK"
        assert await notify.webhooks.enable(await notify.state(one)) == missed
        await notify.webhooks.replay(await notify.state(one), after="0-0", until=None)
        while await notify.replay_worker.step():
            pass
        await notify.send()
        assert len(hook.asked) == 4
        assert len({asked.headers["webhook-id"] for asked in hook.asked}) == 3, "the first came again under its id"
        assert (await notify.state(one)).status == "active"


async def test_five_days_of_failures_disable_exactly_once(redis_client: Any) -> None:
    async with notifying(redis_client) as notify, origin(answering("500 Oops")) as hook:
        one, _ = await notify.subscribe(hook.url())
        disabled = []
        for day in range(8):
            await log(redis_client, publication(external_id=f"d{day}"))
            await notify.read()
            await notify.send()
            notify.clock.move(days=1, minutes=6)
            disabled.append((await notify.state(one)).status)
        assert disabled == ["active"] * 5 + ["disabled"] * 3
        state = await notify.state(one)
        assert (state.reason, state.missed_from is not None) == ("failing", True)
        assert state.disabled_at is not None
        assert state.failing_since is not None
        assert state.disabled_at - state.failing_since >= DISABLED_AFTER_MS
        tried = len(hook.asked)
        await notify.send()
        assert len(hook.asked) == tried


async def test_an_endpoint_that_falls_too_far_behind_is_disabled_and_loses_nothing(
    redis_client: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("shared.store.webhooks.deliveries.MAX_WAITING", 3)
    assert MAX_WAITING == 10_000
    async with notifying(redis_client) as notify, origin(answering()) as hook:
        one, _ = await notify.subscribe(hook.url())
        cursors = [await log(redis_client, publication(external_id=f"n{n}")) for n in range(5)]
        await notify.read()
        state = await notify.state(one)
        assert (state.status, state.reason, state.missed_from) == ("disabled", "queue-full", cursors[3])
        assert await notify.webhooks.enable(state) == cursors[3]
        await notify.send()
        assert len(hook.asked) == 3


async def test_events_from_before_the_subscription_are_not_for_it(redis_client: Any) -> None:
    async with notifying(redis_client) as notify, origin(answering()) as hook:
        await notify.subscribe(hook.url("/first"))
        await announce(redis_client, 3)
        late, _ = await notify.subscribe(hook.url("/late"))
        await announce(redis_client, 1)
        assert await notify.read() == 5
        for _ in range(2):
            await notify.send()
        assert [asked.path for asked in hook.asked].count("/late") == 1
        assert len(await notify.listed(late)) == 1


async def test_a_reader_that_died_anywhere_neither_loses_nor_repeats(redis_client: Any) -> None:
    """Two readers at once, each of which is thrown away after every step: the mark and the queue move together."""
    async with notifying(redis_client) as notify, notifying(redis_client) as rival, origin(answering()) as hook:
        one, _ = await notify.subscribe(hook.url())
        await notify.fanout.step()
        cursors = [await log(redis_client, publication(external_id=f"n{n}")) for n in range(40)]
        made = 0
        for _ in range(60):
            made += await notify.fanout.step() + await rival.fanout.step()
            rival.fanout._checkpoint = None
        assert made == 40
        queued = await notify.listed(one)
        assert sorted(each.cursor for each in queued) == sorted(cursors)
        assert len({each.id for each in queued}) == 40


async def test_a_lease_that_ran_out_is_sent_again_under_the_same_id(redis_client: Any) -> None:
    async with notifying(redis_client) as notify, origin(answering()) as hook:
        one, _ = await notify.subscribe(hook.url())
        await publish(redis_client)
        await notify.read()
        at = notify.sender.now_ms()
        ((_, held),) = await notify.deliveries.lease([one.id], now_ms=at, lease_ms=20_000)  # and dies
        await notify.send()
        assert hook.asked == []
        notify.clock.move(seconds=21)
        await notify.send()
        assert [asked.headers["webhook-id"] for asked in hook.asked] == [held.id]


async def test_at_most_four_requests_at_once_and_the_breaker_lets_one_probe_through(redis_client: Any) -> None:
    async with notifying(redis_client) as notify, origin(answering("500 Oops")) as hook:
        one, _ = await notify.subscribe(hook.url())
        for number in range(30):
            await log(redis_client, publication(external_id=f"n{number}"))
        await notify.read()
        at = notify.sender.now_ms()
        assert len(await notify.deliveries.lease([one.id], now_ms=at, lease_ms=1)) == 4
        notify.clock.move(seconds=1)
        await notify.send()
        assert len(hook.asked) == 4
        await notify.send()
        counts = []
        for _ in range(5):
            before = len(hook.asked)
            notify.clock.move(seconds=400)
            await notify.send()
            counts.append(len(hook.asked) - before)
        assert counts == [1, 1, 1, 1, 1]


def of(hook_asked: list[Asked], path: str) -> list[Asked]:
    return [asked for asked in hook_asked if asked.path == path]


async def test_types_narrow_what_is_delivered(redis_client: Any) -> None:
    async with notifying(redis_client) as notify, origin(answering()) as hook:
        one, _ = await notify.subscribe(hook.url())
        await notify.subscriptions.replace(one, q="ferry", types=("article.corrected",), sink=one.sink, broad=False)
        await log(redis_client, publication())
        await log(redis_client, publication(kind="article.corrected"))
        assert await notify.read() == 1


async def test_a_deleted_subscription_gets_nothing_more(redis_client: Any) -> None:
    async with notifying(redis_client) as notify, origin(answering()) as hook:
        one, _ = await notify.subscribe(hook.url())
        await publish(redis_client)
        await notify.read()
        await notify.subscriptions.delete(one)
        await notify.webhooks.delete(one.id)
        await log(redis_client, publication(external_id="a2"))
        assert await notify.read() == 0
        await notify.send()
        assert hook.asked == []
        assert [key async for key in redis_client.scan_iter("{p0}:webhook-*:*")] == []
