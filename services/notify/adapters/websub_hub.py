"""WebSub hub: verifies subscriber intent and delivers feed updates (W3C WebSub sections 5-7)."""

from __future__ import annotations

import asyncio
import hashlib
import hmac
import secrets
import time
from collections.abc import Callable, Coroutine
from dataclasses import replace
from datetime import datetime
from typing import Any, Final, TypeVar
from urllib.parse import urlencode

import structlog

from services.notify.adapters.topic_poller import TopicPoller
from services.notify.domain.retry_policy import AttemptResult, RetryDecision, decide_retry
from shared.clock import now
from shared.fetch import FetchError, FetchFailed, GuardedClient
from shared.observability import log_events, metrics
from shared.store.webhooks.deliveries import (
    MAX_ATTEMPTS_KEPT,
    Deliveries,
    Delivery,
    DeliveryAttempt,
    DeliveryUpdate,
    State,
)
from shared.store.webhooks.websub import CONTENT, SUBSCRIBE, Subscriber, WebSub, WebSubRequest
from shared.webhooks import SecretCipher

ANSWER_BYTES: Final = 64 * 1024
T = TypeVar("T")
_MAX_STORE_CALLS: Final = 12
"""Calls of Redis at once: an attempt that gets no connection waits until its lease expires."""
DONE: Final = RetryDecision(good=True)
log = structlog.get_logger(__name__)


class WebSubHub:
    """Attempts deliveries to WebSub subscribers. `hub_url` is the public URL of the hub."""

    def __init__(
        self,
        client: GuardedClient,
        topics: TopicPoller,
        websub: WebSub,
        deliveries: Deliveries,
        cipher: SecretCipher,
        *,
        hub_url: str,
        clock: Callable[[], datetime] = now,
    ) -> None:
        self._client = client
        self._topics = topics
        self._websub = websub
        self._deliveries = deliveries
        self._cipher = cipher
        self._hub_url = hub_url
        self._clock = clock
        self._store_calls = asyncio.Semaphore(_MAX_STORE_CALLS)

    async def attempt(self, ident: str, delivery: Delivery) -> bool | None:
        """One attempt. Returns whether the callback accepted it, None if it was not called. Raises StoreUnavailable."""
        subscriber = await self._stored(self._websub.subscriber(ident))
        if subscriber is None:
            return None
        if delivery.type == CONTENT:
            return await self._deliver_content(subscriber, delivery)
        return await self._verify(subscriber, delivery)

    # --- verification of intent ---------------------------------------------------------------------------------------

    async def _verify(self, subscriber: Subscriber, delivery: Delivery) -> bool | None:
        request = subscriber.request
        if request is None or request.mode != delivery.type:
            await self._record_unsent(subscriber, delivery, "replaced by a later request", DONE)
            return None
        seen = await self._topics.refresh(request.topic) if request.mode == SUBSCRIBE else "here"
        if seen == "unknown":  # serve is unavailable; the feed may exist
            result = AttemptResult(0, "serve is unavailable; the feed was not checked")
            later = self._decide(result, delivery)
            if later.retry_after is not None:
                await self._record_unsent(subscriber, delivery, result.error, later)
                return None
        if seen == "here":
            result = await self._challenge(request)
            if result.is_local:
                await self._record_unsent(subscriber, delivery, result.error, self._decide(result, delivery))
                return None
        else:
            await self._deny(request)
            result = AttemptResult(0, "there is no such feed")
        await self._apply_answer(subscriber, request, agreed=result.good)
        await self._record(subscriber, delivery, result, RetryDecision(good=result.good), good=result.good)
        return result.good

    async def _challenge(self, request: WebSubRequest) -> AttemptResult:
        challenge = secrets.token_urlsafe(32)
        query = {"hub.mode": request.mode, "hub.topic": request.topic, "hub.challenge": challenge}
        if request.mode == SUBSCRIBE:
            query["hub.lease_seconds"] = str(request.lease_seconds)
        try:
            answer = await self._client.get(_with_query(request.callback, query), max_bytes=ANSWER_BYTES)
        except FetchError as error:
            return _failure(error)
        if not 200 <= answer.status < 300:
            return AttemptResult(answer.status, f"the callback answers {answer.status}")
        if not hmac.compare_digest(answer.body.strip(), challenge.encode()):
            return AttemptResult(answer.status, "the callback did not echo the challenge")
        return AttemptResult(answer.status)

    async def _deny(self, request: WebSubRequest) -> None:
        query = {"hub.mode": "denied", "hub.topic": request.topic, "hub.reason": "there is no such feed"}
        try:
            await self._client.get(_with_query(request.callback, query), max_bytes=ANSWER_BYTES)
        except FetchError as error:
            log.info(log_events.WEBSUB_DENIAL_CALLBACK_FAILED, reason=str(error))

    async def _apply_answer(self, subscriber: Subscriber, request: WebSubRequest, *, agreed: bool) -> None:
        metrics.WEBSUB_INTENTS.labels(request.mode, "agreed" if agreed else "refused").inc()
        if request.mode == SUBSCRIBE and agreed:
            await self._stored(self._websub.confirm(request, until_ms=self._now_ms() + request.lease_seconds * 1000))
        elif agreed:
            await self._stored(self._websub.delete(subscriber))  # unsubscribed
        elif not subscriber.until_ms:
            await self._stored(self._websub.delete(subscriber, unless_renewed=True))  # never confirmed

    # --- content ------------------------------------------------------------------------------------------------------

    async def _deliver_content(self, subscriber: Subscriber, delivery: Delivery) -> bool | None:
        if subscriber.until_ms <= self._now_ms():
            await self._stored(self._websub.delete(subscriber, unless_renewed=True))
            return None
        topic = await self._stored(self._websub.content(subscriber.topic))
        if not delivery.id.endswith(topic.digest[:16] or "-"):
            await self._record_unsent(subscriber, delivery, "replaced by newer content", DONE)
            return None
        headers = {
            "Content-Type": topic.media_type,
            "Link": f'<{self._hub_url}>; rel="hub", <{subscriber.topic}>; rel="self"',
        }
        if subscriber.sealed:
            secret = self._cipher.decrypt_bytes(subscriber.sealed, owner=subscriber.id)
            headers["X-Hub-Signature"] = f"sha256={hmac.new(secret, topic.body, hashlib.sha256).hexdigest()}"
        began = time.monotonic()
        try:
            answer = await self._client.post(subscriber.callback, topic.body, headers=headers, max_bytes=ANSWER_BYTES)
            reason = "" if 200 <= answer.status < 300 else f"the callback answers {answer.status}"
            result = AttemptResult(answer.status, reason, answer.headers.get("retry-after", ""))
        except FetchError as error:
            result = _failure(error)
        metrics.WEBHOOK_SECONDS.observe(time.monotonic() - began)
        decision = self._decide(result, delivery)
        if decision.disable:
            await self._stored(self._websub.delete(subscriber))  # 410: gone permanently
            return False
        await self._record(subscriber, delivery, result, decision, good=decision.good)
        return decision.good

    async def _record_unsent(
        self, subscriber: Subscriber, delivery: Delivery, reason: str, decision: RetryDecision
    ) -> None:
        """Finish or defer a delivery that was not sent; the callback's circuit breaker does not change."""
        await self._record(subscriber, delivery, AttemptResult(0, reason), decision, good=None)

    def _decide(self, result: AttemptResult, delivery: Delivery) -> RetryDecision:
        chance = secrets.randbelow(100) / 100
        return decide_retry(result, attempts=delivery.attempts + 1, now=self._clock(), chance=chance)

    async def _record(
        self,
        subscriber: Subscriber,
        delivery: Delivery,
        result: AttemptResult,
        decision: RetryDecision,
        *,
        good: bool | None,
    ) -> None:
        at = self._now_ms()
        if decision.good is None:
            later = DeliveryUpdate(delivery, None, due_ms=at + int((decision.retry_after or 0.0) * 1000))
            await self._stored(self._deliveries.finish(subscriber.id, later, now_ms=at, may_disable=False))
            metrics.WEBHOOK_ATTEMPTS.labels("deferred").inc()
            log.warning(log_events.WEBHOOK_DEFERRED, subscription=subscriber.id, reason=result.error)
            return
        final: State = "delivered" if decision.good else "failed"
        attempt = DeliveryAttempt(at, result.status, 0, result.error)
        record = replace(
            delivery,
            attempts=delivery.attempts + 1,
            tries=(*delivery.tries, attempt)[-MAX_ATTEMPTS_KEPT:],
            state="waiting" if decision.retry_after is not None else final,
        )
        due = None if decision.retry_after is None else at + int(decision.retry_after * 1000)
        update = DeliveryUpdate(
            record, good, due, closed_until_ms=at + int(decision.pause * 1000) if decision.pause else 0
        )
        await self._stored(self._deliveries.finish(subscriber.id, update, now_ms=at, may_disable=False))
        metrics.WEBHOOK_ATTEMPTS.labels("delivered" if decision.good else "failed").inc()

    async def _stored(self, call: Coroutine[Any, Any, T]) -> T:
        try:
            async with self._store_calls:
                return await call
        finally:
            call.close()  # if it was cancelled before its turn

    def _now_ms(self) -> int:
        return int(self._clock().timestamp() * 1000)


def _failure(error: FetchError) -> AttemptResult:
    return AttemptResult(0, str(error)[:200], is_local=isinstance(error, FetchFailed) and error.is_local)


def _with_query(callback: str, query: dict[str, str]) -> str:
    """The callback URL with these parameters appended."""
    return f"{callback}{'&' if '?' in callback else '?'}{urlencode(query)}"
