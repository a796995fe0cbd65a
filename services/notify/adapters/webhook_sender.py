"""One attempt at one delivery: what is said is made now, signed now, and what came of it is written down."""

from __future__ import annotations

import asyncio
import random
import time
from collections.abc import Callable
from dataclasses import replace
from datetime import datetime
from typing import Final

import structlog

from services.notify.adapters.messages import Messages
from services.notify.domain import message
from services.notify.domain.retry_policy import AttemptResult, RetryDecision, decide_retry
from shared.clock import now
from shared.fetch import FetchError, GuardedClient
from shared.observability import metrics
from shared.store.webhooks.deliveries import TRIES_KEPT, Deliveries, Delivery, State, Try, Verdict
from shared.store.webhooks.endpoints import Endpoint, Endpoints
from shared.webhooks import EncryptionError, Keys, SecretCipher, signature_header

ANSWER_BYTES: Final = 64 * 1024
_AT_THE_STORE: Final = 12
"""Attempts that speak to Redis at once: connections are few, and an attempt that gets none waits for its lease."""
USER_AGENT: Final = "Broadsheet-Webhooks/1"
log = structlog.get_logger(__name__)


class WebhookSender:
    """Attempts deliveries. `clock` and `chance` are for tests; `client` follows no redirect."""

    def __init__(
        self,
        client: GuardedClient,
        messages: Messages,
        endpoints: Endpoints,
        deliveries: Deliveries,
        cipher: SecretCipher,
        *,
        clock: Callable[[], datetime] = now,
        chance: Callable[[], float] = random.random,
    ) -> None:
        self._client = client
        self._messages = messages
        self._endpoints = endpoints
        self._deliveries = deliveries
        self._cipher = cipher
        self._chance = chance
        self._semaphore = asyncio.Semaphore(_AT_THE_STORE)
        self.clock = clock

    def now_ms(self) -> int:
        """The clock in Unix ms."""
        return int(self.clock().timestamp() * 1000)

    async def attempt(self, endpoint_id: str, delivery: Delivery) -> bool | None:
        """Send once and give the delivery back; whether the endpoint took it, None when nothing was sent.

        Raises StoreUnavailable.
        """
        async with self._semaphore:
            endpoint = await self._endpoints.get(endpoint_id)
            if endpoint is None:
                return None  # deleted meanwhile, and its deliveries with it
            body = await self._messages.body(endpoint_id, delivery, now=self.clock())
        began, started_ms = time.monotonic(), self.now_ms()
        answered = AttemptResult(0, "the event is not in the log any more") if body is None else None
        answered = answered or await self._send(endpoint, delivery.id, body or b"")
        took_ms = int((time.monotonic() - began) * 1000)
        attempts = delivery.attempts + 1
        follows = decide_retry(answered, attempts=attempts, now=self.clock(), chance=self._chance())
        if body is None:
            follows = RetryDecision(good=True)  # not an error of the endpoint, and no retry can succeed
        tried = Try(started_ms, answered.status, took_ms, answered.error)
        await self._give_back(endpoint, delivery, tried, follows, lost=body is None)
        return None if body is None else follows.good

    async def _give_back(
        self, endpoint: Endpoint, delivery: Delivery, tried: Try, follows: RetryDecision, *, lost: bool
    ) -> None:
        over: State = "failed" if lost or not follows.good else "delivered"
        record = replace(
            delivery,
            attempts=delivery.attempts + 1,
            tries=(*delivery.tries, tried)[-TRIES_KEPT:],
            state="waiting" if follows.retry_after is not None else over,
        )
        at = self.now_ms()
        verdict = Verdict(
            record,
            None if lost else follows.good,
            due_ms=None if follows.retry_after is None else at + int(follows.retry_after * 1000),
            closed_until_ms=at + int(follows.pause * 1000) if follows.pause else 0,
            disable=follows.disable,
        )
        async with self._semaphore:
            said = await self._deliveries.finish(endpoint.id, verdict, now_ms=at)
        metrics.WEBHOOK_ATTEMPTS.labels("delivered" if follows.good and not lost else "failed").inc()
        metrics.WEBHOOK_SECONDS.observe(tried.took_ms / 1000)
        if said == "late":
            log.info("webhook.late", subscription=endpoint.id, delivery=delivery.id)
        elif said:
            metrics.WEBHOOK_DISABLED.labels(said).inc()
            log.warning("webhook.disabled", subscription=endpoint.id, reason=said, status=tried.status)

    async def _send(self, endpoint: Endpoint, message_id: str, body: bytes) -> AttemptResult:
        stamp = int(self.clock().timestamp())
        try:
            keys = self._keys(endpoint)
        except EncryptionError as error:
            log.exception("webhook.secret_decrypt_failed", subscription=endpoint.id)
            return AttemptResult(0, str(error))
        headers = {
            "Content-Type": message.CONTENT_TYPE,
            "User-Agent": USER_AGENT,
            "Accept-Encoding": "identity",
            "webhook-id": message_id,
            "webhook-timestamp": str(stamp),
            "webhook-signature": signature_header(keys, message_id, stamp, body),
        }
        try:
            answer = await self._client.post(endpoint.sink, body, headers=headers, max_bytes=ANSWER_BYTES)
        except FetchError as error:
            return AttemptResult(0, str(error)[:200])
        why = "" if 200 <= answer.status < 300 else f"the endpoint answers {answer.status}"
        return AttemptResult(answer.status, why, answer.headers.get("retry-after", ""))

    def _keys(self, endpoint: Endpoint) -> Keys:
        at = self.now_ms()
        kept = self._cipher.decrypt(endpoint.sealed, owner=endpoint.id)
        return tuple(key for key in kept if key.until_ms is None or key.until_ms > at)
