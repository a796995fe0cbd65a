"""A thousand WebSub callbacks on names that never resolve, beside webhooks that respond: real notify, real sockets."""

from __future__ import annotations

import asyncio
import os
import sys
import time
from pathlib import Path
from typing import Any

import httpx
import orjson
import pytest

from shared.store.webhooks.websub import WebSubRequest, subscriber_id
from tests.chaos.processes import Service
from tests.integration.test_websub import TOPIC
from tests.support.announcing import log, publication
from tests.support.builders import wait_until
from tests.support.fetching import Asked, http, origin
from tests.support.nameserver import name_server
from tests.support.notifying import SOURCE, Notify, notifying
from tests.support.serving import WEBHOOK_KEY
from tests.support.valkey import Valkey, free_port

pytestmark = [pytest.mark.chaos, pytest.mark.slow, pytest.mark.redis, pytest.mark.timeout(300)]
CALLBACKS = 1_000
HOOKS = 10
EVENTS = 40
P99_SECONDS = 2.0


async def test_webhooks_stay_fast_beside_a_thousand_callbacks_on_slow_names(
    redis_client: Any, valkey: Valkey, tmp_path: Path
) -> None:
    arrived: dict[tuple[str, str], float] = {}

    def receive(asked: Asked) -> bytes:
        arrived[asked.path, orjson.loads(asked.body)["id"]] = time.monotonic()
        return http()

    async with (
        name_server(hook_test="127.0.0.1") as dns,
        origin(receive) as hook,
        origin(lambda _: http(body=b"<feed/>")) as serve,
        notifying(redis_client) as notify,
    ):
        service = notify_process(tmp_path, valkey, nameserver=dns.address, serve_url=serve.url(""))
        hooks = [
            (await notify.subscribe(hook.url(f"/{number}", host="hook.test"), active=number > 0))[0]
            for number in range(HOOKS)
        ]
        for number in range(CALLBACKS):
            await follow(notify, f"http://n{number}.slow.test/")
        service.start()
        try:
            async with httpx.AsyncClient() as client:
                await wait_until(lambda: service.ready(client), timeout=30, what="notify")
            logged: dict[str, float] = {}
            for number in range(EVENTS):
                event = publication(external_id=f"n{number}", title=f"The ferry, part {number}")
                logged[event.meta.event_id] = time.monotonic()
                await log(redis_client, event)
                await asyncio.sleep(0.25)
            wanted = {(f"/{number}", one) for number in range(1, HOOKS) for one in logged}
            await wait_until(lambda: wanted <= set(arrived), timeout=60, what="every event at every webhook")
            slow_asked = sum(name.endswith(".slow.test") for name in dns.questions)
            took = sorted(arrived[path, one] - logged[one] for path, one in wanted)
            print(f"p50 {took[len(took) // 2]:.3f} s, p99 {took[len(took) * 99 // 100]:.3f} s, {slow_asked} slow names")
            assert took[len(took) * 99 // 100] < P99_SECONDS
            assert slow_asked > CALLBACKS // 4, "the callbacks were tried meanwhile"
            assert [(await notify.state(one)).failures for one in hooks] == [0] * HOOKS
        finally:
            service.kill()
            assert service.process is not None
            service.process.wait(5)


async def follow(notify: Notify, callback: str) -> None:
    """A WebSub request as serve queues it."""
    sealed = notify.cipher.encrypt_bytes(b"secret", owner=subscriber_id(callback, TOPIC))
    request = WebSubRequest("subscribe", callback, TOPIC, 3_600, sealed)
    assert await notify.websub.submit(request, now_ms=notify.sender.now_ms())


def notify_process(directory: Path, valkey: Valkey, *, nameserver: str, serve_url: str) -> Service:
    """A notify process, not yet started."""
    port = free_port()
    environment = os.environ | {
        "BROADSHEET_REDIS_URL": valkey.url,
        "BROADSHEET_ENVIRONMENT": "local",
        "BROADSHEET_WEBHOOK_KEY": WEBHOOK_KEY,
        "BROADSHEET_FETCH_ALLOW": "127.0.0.0/8",
        "BROADSHEET_FETCH_PORTS": "any",
        "BROADSHEET_FETCH_NAMESERVERS": nameserver,
        "NOTIFY_HEALTH_PORT": str(port),
        "NOTIFY_PUBLIC_URL": SOURCE,
        "NOTIFY_SERVE_URL": serve_url,
    }
    command = [sys.executable, "-m", "services.notify.app"]
    return Service("notify", command, port, environment, directory / "notify.log")
