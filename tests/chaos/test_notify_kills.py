"""notify is killed a hundred times while it sends: every event reaches every webhook, always under the same id."""

from __future__ import annotations

import asyncio
import os
import random
import sys
import time
from collections import defaultdict
from pathlib import Path
from typing import Any

import httpx
import orjson
import pytest
from standardwebhooks import Webhook

from tests.chaos.processes import Service
from tests.chaos.sizes import sized
from tests.support.announcing import log, publication
from tests.support.builders import wait_until
from tests.support.fetching import Asked, http, origin
from tests.support.notifying import Notify, notifying
from tests.support.serving import WEBHOOK_KEY
from tests.support.valkey import Valkey, free_port

pytestmark = [pytest.mark.chaos, pytest.mark.slow, pytest.mark.redis, pytest.mark.timeout(900)]
KILLS = sized(100, 20)
PROCESSES = 4
HOOKS = 3
OLD_ENOUGH_SECONDS = 0.2


class Receiver:
    """Keeps every request, and answers after a while, so that kills meet requests that are under way."""

    def __init__(self) -> None:
        self.came: dict[tuple[str, str], list[str]] = defaultdict(list)
        self.asked: list[Asked] = []

    async def __call__(self, asked: Asked) -> bytes:
        self.asked.append(asked)
        event = orjson.loads(asked.body)
        self.came[asked.path, event["id"]].append(asked.headers["webhook-id"])
        await asyncio.sleep(random.uniform(0.02, 0.3))
        return http()


def processes(directory: Path, valkey: Valkey) -> list[Service]:
    """Some notify processes on one Valkey, not yet started."""
    found = []
    for number in range(PROCESSES):
        port = free_port()
        environment = os.environ | {
            "BROADSHEET_REDIS_URL": valkey.url,
            "BROADSHEET_ENVIRONMENT": "local",
            "BROADSHEET_WEBHOOK_KEY": WEBHOOK_KEY,
            "BROADSHEET_FETCH_ALLOW": "127.0.0.0/8",
            "BROADSHEET_FETCH_PORTS": "any",
            "NOTIFY_HEALTH_PORT": str(port),
            "NOTIFY_TOTAL_SECONDS": "1",
        }
        command = [sys.executable, "-m", "services.notify.app"]
        found.append(Service(f"notify-{number}", command, port, environment, directory / f"notify-{number}.log"))
    return found


async def kill_them(services: list[Service]) -> int:
    """SIGKILL the one that has been ready longest, and start it again, a hundred times."""
    ready: dict[str, float] = {}
    killed = 0
    async with httpx.AsyncClient() as client:
        while killed < KILLS:
            for service in services:
                if not service.alive():
                    ready.pop(service.name, None)
                    service.start()
                elif service.name not in ready and await service.ready(client):
                    ready[service.name] = time.monotonic()
            able = [one for one in services if time.monotonic() - ready.get(one.name, 1e12) > OLD_ENOUGH_SECONDS]
            if able:
                victim = min(able, key=lambda one: ready[one.name])
                victim.kill()
                assert victim.process is not None
                victim.process.wait(5)
                killed += 1
            await asyncio.sleep(0.05)
    return killed


async def write(redis_client: Any, stop: asyncio.Event) -> list[str]:
    """Events until it is told to stop; their ids."""
    ids: list[str] = []
    while not stop.is_set():
        event = publication(external_id=f"n{len(ids)}", title=f"The ferry, part {len(ids)}")
        await log(redis_client, event)
        ids.append(event.meta.event_id)
        await asyncio.sleep(0.4)
    return ids


async def test_a_hundred_kills_lose_nothing_and_change_no_id(redis_client: Any, valkey: Valkey, tmp_path: Path) -> None:
    receiver, services = Receiver(), processes(tmp_path, valkey)
    began = time.monotonic()
    try:
        async with notifying(redis_client) as notify, origin(receiver) as hook:
            secrets = {f"/{n}": (await notify.subscribe(hook.url(f"/{n}")))[1] for n in range(HOOKS)}
            stop = asyncio.Event()
            writing = asyncio.create_task(write(redis_client, stop))
            killed = await kill_them(services)
            stop.set()
            ids = await writing
            for service in services:
                if not service.alive():
                    service.start()
            wanted = {(path, one) for path in secrets for one in ids}
            # each kill leaves up to four leases, and an endpoint has four: what waits is sent once they have run out
            await wait_until(lambda: wanted <= set(receiver.came), timeout=180, what="every event at every webhook")
            await nothing_waits(notify)
            for asked in receiver.asked:
                body = Webhook(secrets[asked.path].shown).verify(asked.body, asked.headers)
                assert body["id"] in ids
            repeats = sum(len(each) - 1 for each in receiver.came.values())
            assert all(len(set(each)) == 1 for each in receiver.came.values()), "an event came under two ids"
            assert len({each[0] for each in receiver.came.values()}) == len(wanted) == len(receiver.came)
            print(
                f"\n{killed} kills in {time.monotonic() - began:.0f} s: {len(ids)} events to {HOOKS} webhooks, "
                f"{len(receiver.asked)} requests, {repeats} of them again after a kill, 0 lost, "
                f"{len(receiver.asked)} signatures accepted by the official verifier"
            )
            assert killed == KILLS
            assert repeats > 0, "no kill hit a request: this shows nothing"
    finally:
        for service in services:
            if service.alive():
                service.kill()
                assert service.process is not None
                service.process.wait(5)


async def nothing_waits(notify: Notify) -> None:
    """Wait until the queue is empty."""

    async def empty() -> bool:
        return await notify.deliveries.next_due_ms() is None

    await wait_until(empty, timeout=40, what="an empty queue")
