"""The loop that sends what is due: many endpoints at once, a few requests each, and slow ones in a lane of their own.

An endpoint whose last attempt failed, or that never answered yet, sends in the slow lane: however many of them hang,
they cannot take the places of those that answer.
"""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from typing import Final

import structlog

from services.notify.adapters.webhook_sender import WebhookSender
from services.notify.adapters.websub_hub import WebSubHub
from shared.errors import StoreUnavailable
from shared.observability import log_events, metrics
from shared.store.webhooks.deliveries import PING, Deliveries, Delivery
from shared.store.webhooks.websub import PREFIX
from shared.tasks import cancel_and_wait

LOOK_AHEAD: Final = 500
IDLE_SECONDS: Final = 0.5
DOWN_SECONDS: Final = 2.0
CROWDED_MS: Final = 500
"""When a lane is full its endpoints are looked at again after this time."""
_KNOWN: Final = 100_000
log = structlog.get_logger(__name__)


class Dispatcher:
    """Takes due deliveries and attempts them. Nothing is lost when it dies: leases run out."""

    def __init__(
        self,
        sending: WebhookSender,
        following: WebSubHub,
        deliveries: Deliveries,
        *,
        parallel: int,
        lease_seconds: float,
    ) -> None:
        self._sending = sending
        self._following = following
        self._deliveries = deliveries
        self._lease_ms = int(lease_seconds * 1000)
        self._room = {"fast": parallel - parallel // 2, "slow": parallel // 2}
        self._running: dict[asyncio.Task[None], str] = {}
        self._answers: dict[str, bool] = {}
        self._news = asyncio.Event()

    def wake(self) -> None:
        """Something became due."""
        self._news.set()

    async def run(self) -> None:
        """Send until cancelled; requests under way are cancelled with it and come back when their lease runs out."""
        try:
            while True:
                self._news.clear()
                try:
                    pause = await self.step()
                except StoreUnavailable as error:
                    log.warning(log_events.STORE_UNAVAILABLE, component="dispatch", reason=str(error))
                    pause = DOWN_SECONDS
                await self._rest(pause)
        finally:
            await cancel_and_wait(self._running)

    async def step(self) -> float:
        """Begin what is due and has room; seconds until the next look."""
        at = self._sending.now_ms()
        ready = await self._deliveries.ready(now_ms=at, limit=LOOK_AHEAD)
        metrics.WEBHOOK_ENDPOINTS_WAITING.set(len(ready))
        chosen, crowded = self._choose(ready)
        await self._deliveries.put_off(crowded, until_ms=at + CROWDED_MS)
        for endpoint_id, delivery in await self._deliveries.take(chosen, now_ms=at, lease_ms=self._lease_ms):
            task = asyncio.create_task(self._one(endpoint_id, delivery))
            self._running[task] = self._lane(endpoint_id)
            task.add_done_callback(self._over)
        if len(ready) >= LOOK_AHEAD:
            return 0.0
        soonest = await self._deliveries.next_look()
        return IDLE_SECONDS if soonest is None else min(IDLE_SECONDS, max(0.0, (soonest - at) / 1000))

    async def idle(self) -> None:
        """Wait until nothing is under way."""
        while self._running:
            await asyncio.wait(self._running)

    def _lane(self, endpoint_id: str) -> str:
        return "fast" if self._answers.get(endpoint_id) else "slow"

    def _choose(self, ready: Sequence[str]) -> tuple[list[str], list[str]]:
        """Endpoints for which there is room now, and those for which there is none."""
        used = list(self._running.values())
        room = {lane: size - used.count(lane) for lane, size in self._room.items()}
        chosen, crowded = [], []
        for one in ready:
            lane = self._lane(one)
            if room[lane] > 0:
                room[lane] -= 1  # up to four may come of it: the lanes are approximate, the leases are not
                chosen.append(one)
            else:
                crowded.append(one)
        return chosen, crowded

    async def _one(self, endpoint_id: str, delivery: Delivery) -> None:
        try:
            attempts = self._following if endpoint_id.startswith(PREFIX) else self._sending
            good = await attempts.attempt(endpoint_id, delivery)
        except StoreUnavailable as error:
            log.warning(log_events.STORE_UNAVAILABLE, component="dispatch", subscription=endpoint_id, reason=str(error))
            return
        if good is None:
            return
        if len(self._answers) >= _KNOWN:
            self._answers.clear()
        self._answers[endpoint_id] = good
        if good and delivery.type == PING:
            log.info(log_events.WEBHOOK_VERIFIED, subscription=endpoint_id)

    def _over(self, task: asyncio.Task[None]) -> None:
        self._running.pop(task, None)
        self._news.set()
        if not task.cancelled() and (error := task.exception()) is not None:
            # A defect of ours in one delivery: it comes back when its lease runs out, the others go on.
            metrics.WEBHOOK_ATTEMPTS.labels("defect").inc()
            log.error(log_events.DELIVERY_FAILED, reason=repr(error), exc_info=error)

    async def _rest(self, seconds: float) -> None:
        if seconds:
            try:
                async with asyncio.timeout(seconds):
                    await self._news.wait()
            except TimeoutError:
                return
        else:
            await asyncio.sleep(0)
