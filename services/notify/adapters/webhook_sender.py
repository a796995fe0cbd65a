"""One attempt at one webhook delivery: build the body, sign it, POST it, and record the outcome."""

from __future__ import annotations

import asyncio
import random
import time
from collections.abc import Callable
from dataclasses import replace
from datetime import datetime
from typing import Final

import structlog

from services.notify.adapters.messages import Messages, Undeliverable
from services.notify.domain import message
from services.notify.domain.retry_policy import AttemptResult, RetryDecision, decide_retry
from shared.clock import now
from shared.fetch import FetchError, FetchFailed, GuardedClient
from shared.observability import log_events, metrics
from shared.observability.log_context import log_context
from shared.observability.trace_context import HEADER as TRACEPARENT
from shared.store.webhooks.deliveries import (
    MAX_ATTEMPTS_KEPT,
    Deliveries,
    Delivery,
    DeliveryAttempt,
    DeliveryUpdate,
    State,
)
from shared.store.webhooks.endpoints import Endpoint, Endpoints
from shared.webhooks import EncryptionError, Keys, SecretCipher, signature_header

MAX_RESPONSE_BYTES: Final = 64 * 1024
_MAX_STORE_CALLS: Final = 12
"""Attempts that may use Redis concurrently: an attempt that waits too long for a connection loses its lease."""
USER_AGENT: Final = "Broadsheet-Webhooks/1"
log = structlog.get_logger(__name__)


class WebhookSender:
    """Attempts deliveries. `clock` and `chance` are for tests; `client` must not follow redirects."""

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
        self._store_calls = asyncio.Semaphore(_MAX_STORE_CALLS)
        self.clock = clock

    def now_ms(self) -> int:
        """The clock in Unix milliseconds."""
        return int(self.clock().timestamp() * 1000)

    async def attempt(self, endpoint_id: str, delivery: Delivery) -> bool | None:
        """Send once and record the outcome. Returns whether the endpoint accepted it, None if nothing was sent.

        Raises StoreUnavailable.
        """
        async with self._store_calls:
            endpoint = await self._endpoints.get(endpoint_id)
            if endpoint is None:
                return None  # deleted, with its deliveries
            try:
                body = await self._messages.body(endpoint_id, delivery, now=self.clock())
            except Undeliverable as error:
                await self._drop(endpoint, delivery, str(error))
                return None
        event = self._messages.event_of(delivery)
        keys = event.log_keys() if event else {}
        traceparent = event.meta.traceparent if event else None
        with log_context(subscription=endpoint_id, delivery=delivery.id, attempt=delivery.attempts + 1, **keys):
            return await self._attempt(endpoint, delivery, body, traceparent)

    async def _attempt(
        self, endpoint: Endpoint, delivery: Delivery, body: bytes, traceparent: str | None
    ) -> bool | None:
        began, started_ms = time.monotonic(), self.now_ms()
        result = await self._send(endpoint, delivery.id, body, traceparent)
        took_ms = int((time.monotonic() - began) * 1000)
        decision = decide_retry(result, attempts=delivery.attempts + 1, now=self.clock(), chance=self._chance())
        if decision.good is None:
            await self._defer(endpoint, delivery, result.error, decision)
            return None
        await self._record(
            endpoint, delivery, DeliveryAttempt(started_ms, result.status, took_ms, result.error), decision
        )
        return decision.good

    async def _drop(self, endpoint: Endpoint, delivery: Delivery, reason: str) -> None:
        """Finish a delivery that can never be sent; does not count as a failure of the endpoint."""
        at = self.now_ms()
        record = _after(delivery, DeliveryAttempt(at, 0, 0, reason), "failed")
        await self._deliveries.finish(endpoint.id, DeliveryUpdate(record, None, due_ms=None), now_ms=at)
        metrics.WEBHOOK_ATTEMPTS.labels("failed").inc()

    async def _defer(self, endpoint: Endpoint, delivery: Delivery, reason: str, decision: RetryDecision) -> None:
        """Keep a delivery that could not be sent for a reason of ours; it uses no attempt."""
        at = self.now_ms()
        update = DeliveryUpdate(delivery, None, due_ms=at + int((decision.retry_after or 0.0) * 1000))
        async with self._store_calls:
            await self._deliveries.finish(endpoint.id, update, now_ms=at)
        metrics.WEBHOOK_ATTEMPTS.labels("deferred").inc()
        log.warning(log_events.WEBHOOK_DEFERRED, reason=reason)

    async def _record(
        self, endpoint: Endpoint, delivery: Delivery, attempt: DeliveryAttempt, decision: RetryDecision
    ) -> None:
        final: State = "delivered" if decision.good else "failed"
        at = self.now_ms()
        update = DeliveryUpdate(
            _after(delivery, attempt, final if decision.retry_after is None else "waiting"),
            decision.good,
            due_ms=None if decision.retry_after is None else at + int(decision.retry_after * 1000),
            closed_until_ms=at + int(decision.pause * 1000) if decision.pause else 0,
            disable=decision.disable,
        )
        async with self._store_calls:
            outcome = await self._deliveries.finish(endpoint.id, update, now_ms=at)
        metrics.WEBHOOK_ATTEMPTS.labels("delivered" if decision.good else "failed").inc()
        metrics.WEBHOOK_SECONDS.observe(attempt.took_ms / 1000)
        if decision.good:
            log.info(log_events.WEBHOOK_DELIVERED, status=attempt.status, took_ms=attempt.took_ms)
        if outcome == "late":
            log.info(log_events.WEBHOOK_LEASE_EXPIRED)
        elif outcome:
            metrics.WEBHOOK_DISABLED.labels(outcome).inc()
            log.warning(log_events.WEBHOOK_DISABLED, reason=outcome, status=attempt.status)

    async def _send(self, endpoint: Endpoint, message_id: str, body: bytes, traceparent: str | None) -> AttemptResult:
        timestamp = int(self.clock().timestamp())
        try:
            keys = self._signing_keys(endpoint)
        except EncryptionError as error:
            log.exception(log_events.WEBHOOK_SECRET_DECRYPT_FAILED)
            return AttemptResult(0, str(error))
        headers = {
            "Content-Type": message.CONTENT_TYPE,
            "User-Agent": USER_AGENT,
            "Accept-Encoding": "identity",
            "webhook-id": message_id,
            "webhook-timestamp": str(timestamp),
            "webhook-signature": signature_header(keys, message_id, timestamp, body),
        }
        if traceparent is not None:
            headers[TRACEPARENT] = traceparent
        try:
            response = await self._client.post(endpoint.sink, body, headers=headers, max_bytes=MAX_RESPONSE_BYTES)
        except FetchError as error:
            return AttemptResult(0, str(error)[:200], is_local=isinstance(error, FetchFailed) and error.is_local)
        error_text = "" if 200 <= response.status < 300 else f"the endpoint answered {response.status}"
        return AttemptResult(response.status, error_text, response.headers.get("retry-after", ""))

    def _signing_keys(self, endpoint: Endpoint) -> Keys:
        at = self.now_ms()
        keys = self._cipher.decrypt(endpoint.sealed, owner=endpoint.id)
        return tuple(key for key in keys if key.until_ms is None or key.until_ms > at)


def _after(delivery: Delivery, attempt: DeliveryAttempt, state: State) -> Delivery:
    """The delivery after one more attempt."""
    tries = (*delivery.tries, attempt)[-MAX_ATTEMPTS_KEPT:]
    return replace(delivery, attempts=delivery.attempts + 1, tries=tries, state=state)
