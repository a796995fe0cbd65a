"""What `broadsheet doctor` finds in the queue of webhooks, on a real server."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest

from broadsheet.finding import Finding
from broadsheet.webhook_diagnosis import LATE_MS, webhooks
from shared.clock import now
from shared.store import keys
from shared.store.webhooks.deliveries import HEARTBEAT_LIFETIME_MS, Deliveries
from shared.tasks import cancel_and_wait
from shared.topology import PUBLICATIONS
from tests.support.builders import wait_until
from tests.support.notifying import Notify, notifying
from tests.support.serving import publish

pytestmark = pytest.mark.redis
SINK = "http://127.0.0.1:1/hook"


def at_ms() -> int:
    return round(now().timestamp() * 1000)


async def findings(client: Any) -> dict[str, Finding]:
    return {found.check: found for found in await webhooks(client)}


async def red(client: Any) -> set[str]:
    return {name for name, found in (await findings(client)).items() if not found.ok}


async def nothing_red(client: Any) -> bool:
    return not await red(client)


async def test_a_notify_that_never_ran_is_red(redis_client: Any) -> None:
    assert await red(redis_client) == {"notify heartbeat", "webhook reading"}


async def test_the_loop_of_notify_gives_signs_of_life(redis_client: Any) -> None:
    async with notifying(redis_client) as notify:
        loop = asyncio.create_task(notify.fanout.run())
        await wait_until(lambda: notify.fanout.reading, what="the log is read")
        await wait_until(lambda: nothing_red(redis_client), what="a sign of life")
        await cancel_and_wait([loop])
    found = await findings(redis_client)
    assert found["webhook reading"].found == "up to date"
    assert found["webhook endpoints"].found == "none"
    assert not await Deliveries(redis_client).has_heartbeat(now_ms=at_ms() + HEARTBEAT_LIFETIME_MS), (
        "an old sign of life is none"
    )


async def _beating(redis_client: Any, notify: Notify) -> None:
    await notify.read()
    await notify.deliveries.write_heartbeat(now_ms=at_ms())
    assert await red(redis_client) == set()


async def test_an_event_that_waits_too_long_is_red(redis_client: Any) -> None:
    async with notifying(redis_client) as notify:
        await _beating(redis_client, notify)
        await publish(redis_client)
        assert "behind by" in (await findings(redis_client))["webhook reading"].found
        assert await red(redis_client) == set(), "a moment behind is nothing"
        (entry,) = await redis_client.xrange(PUBLICATIONS.key)
        await redis_client.delete(PUBLICATIONS.key)
        await redis_client.xadd(PUBLICATIONS.key, entry[1], id=f"{at_ms() - LATE_MS - 1000}-0")
        await redis_client.hset(keys.WEBHOOK_STATE, "cursor", "0-0")
        assert await red(redis_client) == {"webhook reading"}


async def test_a_delivery_that_nobody_sends_is_red(redis_client: Any) -> None:
    async with notifying(redis_client) as notify:
        await _beating(redis_client, notify)
        one, _ = await notify.subscribe(SINK, active=False)
        assert await red(redis_client) == set()
        await redis_client.zadd(keys.WEBHOOK_WAITING, {one.id: at_ms() - LATE_MS - 1000})
        assert await red(redis_client) == {"webhook queue"}
        assert (await findings(redis_client))["webhook queue"].found == "the oldest has been due for 61 s"


async def test_a_disabled_endpoint_is_shown_with_its_reason(redis_client: Any) -> None:
    async with notifying(redis_client) as notify:
        await _beating(redis_client, notify)
        await notify.subscribe(SINK)
        gone, _ = await notify.subscribe(SINK, "tram")
        endpoint = keys.webhook("endpoint", gone.id)
        await redis_client.hset(endpoint, mapping={"status": "disabled", "reason": "gone"})
        found = (await findings(redis_client))["webhook endpoints"]
        assert found.ok
        assert found.found.startswith("1 active, 1 disabled (gone 1)")
