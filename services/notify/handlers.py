"""Dispatcher of due deliveries: many endpoints at once, a few requests each, failing endpoints in a pool of their own.

An endpoint with a failed last attempt, or without a response yet, uses the slow pool, so that endpoints that hang never
use up the concurrency of endpoints that respond. WebSub callbacks, which anyone may register, have their own slow pool.
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
"""When a pool is full its endpoints are deferred by this time."""
_KNOWN: Final = 100_000
log = structlog.get_logger(__name__)


class Dispatcher:
    """Leases due deliveries and attempts them. Nothing is lost when the process dies: leases expire."""

    def __init__(
        self,
        webhook_sender: WebhookSender,
        websub_hub: WebSubHub,
        deliveries: Deliveries,
        *,
        parallel: int,
        lease_seconds: float,
    ) -> None:
        self._webhook_sender = webhook_sender
        self._websub_hub = websub_hub
        self._deliveries = deliveries
        self._lease_ms = int(lease_seconds * 1000)
        self._capacity = {"fast": parallel - parallel // 4 * 2, "slow": parallel // 4, "websub": parallel // 4}
        self._running: dict[asyncio.Task[None], str] = {}
        self._succeeded: dict[str, bool] = {}
        self._woken = asyncio.Event()

    def wake(self) -> None:
        """Signal that a delivery became due."""
        self._woken.set()

    async def run(self) -> None:
        """Send until cancelled; in-flight requests are cancelled too and redelivered when their lease expires."""
        try:
            while True:
                self._woken.clear()
                try:
                    pause = await self.step()
                except StoreUnavailable as error:
                    log.warning(log_events.STORE_UNAVAILABLE, component="dispatch", reason=str(error))
                    pause = DOWN_SECONDS
                await self._wait(pause)
        finally:
            await cancel_and_wait(self._running)

    async def step(self) -> float:
        """Start due deliveries for which there is capacity; returns seconds until the next call."""
        at = self._webhook_sender.now_ms()
        ready = await self._deliveries.ready(now_ms=at, limit=LOOK_AHEAD)
        metrics.WEBHOOK_ENDPOINTS_WAITING.set(len(ready))
        chosen, crowded = self._choose(ready)
        await self._deliveries.postpone(crowded, until_ms=at + CROWDED_MS)
        for endpoint_id, delivery in await self._deliveries.lease(chosen, now_ms=at, lease_ms=self._lease_ms):
            task = asyncio.create_task(self._attempt(endpoint_id, delivery))
            self._running[task] = self._lane(endpoint_id)
            task.add_done_callback(self._on_done)
        if len(ready) >= LOOK_AHEAD:
            return 0.0
        soonest = await self._deliveries.next_due_ms()
        return IDLE_SECONDS if soonest is None else min(IDLE_SECONDS, max(0.0, (soonest - at) / 1000))

    async def idle(self) -> None:
        """Wait until nothing is in flight."""
        while self._running:
            await asyncio.wait(self._running)

    def _lane(self, endpoint_id: str) -> str:
        if self._succeeded.get(endpoint_id):
            return "fast"
        return "websub" if endpoint_id.startswith(PREFIX) else "slow"

    def _choose(self, ready: Sequence[str]) -> tuple[list[str], list[str]]:
        """Endpoints for which there is capacity now, and the others."""
        used = list(self._running.values())
        free = {lane: size - used.count(lane) for lane, size in self._capacity.items()}
        chosen, crowded = [], []
        for one in ready:
            lane = self._lane(one)
            if free[lane] > 0:
                free[lane] -= 1  # one endpoint may take up to four leases: pool sizes are approximate
                chosen.append(one)
            else:
                crowded.append(one)
        return chosen, crowded

    async def _attempt(self, endpoint_id: str, delivery: Delivery) -> None:
        try:
            attempts = self._websub_hub if endpoint_id.startswith(PREFIX) else self._webhook_sender
            good = await attempts.attempt(endpoint_id, delivery)
        except StoreUnavailable as error:
            log.warning(log_events.STORE_UNAVAILABLE, component="dispatch", subscription=endpoint_id, reason=str(error))
            return
        if good is None:
            return
        if len(self._succeeded) >= _KNOWN:
            self._succeeded.clear()
        self._succeeded[endpoint_id] = good
        if good and delivery.type == PING:
            log.info(log_events.WEBHOOK_VERIFIED, subscription=endpoint_id)

    def _on_done(self, task: asyncio.Task[None]) -> None:
        self._running.pop(task, None)
        self._woken.set()
        if not task.cancelled() and (error := task.exception()) is not None:
            # An internal error in one delivery: it is redelivered when its lease expires.
            metrics.WEBHOOK_ATTEMPTS.labels("defect").inc()
            log.error(log_events.DELIVERY_FAILED, reason=repr(error), exc_info=error)

    async def _wait(self, seconds: float) -> None:
        if seconds:
            try:
                async with asyncio.timeout(seconds):
                    await self._woken.wait()
            except TimeoutError:
                return
        else:
            await asyncio.sleep(0)
