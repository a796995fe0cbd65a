"""Disables the webhooks of API keys that were revoked or have expired."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import Final

import structlog

from shared.clock import now
from shared.errors import StoreUnavailable
from shared.observability import log_events, metrics
from shared.store import Credentials
from shared.store.articles.port import Credential
from shared.store.subscriptions.registry import Subscriptions
from shared.store.webhooks.endpoints import Endpoints

ROUND_SECONDS: Final = 2.0
SETTLE_MS: Final = 60_000
"""An ended key is examined again for this long: serve accepts a revoked key for up to three more seconds."""
_PAGE: Final = 500
log = structlog.get_logger(__name__)


class KeyWatcher:
    """Examines all keys every two seconds. Deliveries in flight are finished; nothing else is sent for an ended key."""

    def __init__(
        self, credentials: Credentials, subscriptions: Subscriptions, endpoints: Endpoints, *, now_ms: Callable[[], int]
    ) -> None:
        self._credentials = credentials
        self._subscriptions = subscriptions
        self._endpoints = endpoints
        self._now_ms = now_ms
        self._first_seen: dict[str, int] = {}

    async def run(self) -> None:
        """Run until cancelled."""
        while True:
            try:
                await self.step()
            except StoreUnavailable as error:
                log.warning(log_events.STORE_UNAVAILABLE, component="notify.keys", reason=str(error))
            await asyncio.sleep(ROUND_SECONDS)

    async def step(self) -> int:
        """Disable the webhooks of keys that ended; returns how many were disabled."""
        disabled = 0
        for credential in await self._credentials.all():
            if reason := credential.ended(now()):
                first_seen = self._first_seen.setdefault(credential.key_id, self._now_ms())
                if self._now_ms() - first_seen <= SETTLE_MS:
                    disabled += await self._disable(credential, reason)
        return disabled

    async def _disable(self, credential: Credential, reason: str) -> int:
        disabled, offset, total = 0, 0, 1
        while offset < total:
            found, total = await self._subscriptions.of_owner(credential.key_id, offset=offset, limit=_PAGE)
            offset += _PAGE
            ids = [one.id for one in found if one.sink is not None]
            for one in await self._endpoints.disable(ids, reason=reason, now_ms=self._now_ms()):
                disabled += 1
                metrics.WEBHOOK_DISABLED.labels(reason).inc()
                log.warning(log_events.WEBHOOK_DISABLED, subscription=one, reason=reason)
        return disabled
