"""WebSub: asks callbacks whether they meant it, and brings followers what a feed says now (W3C WebSub 5 to 7)."""

from __future__ import annotations

import hashlib
import hmac
import secrets
import time
from collections.abc import Callable
from dataclasses import replace
from datetime import datetime
from typing import Final
from urllib.parse import urlencode

import structlog

from services.notify.adapters.topic_poller import TopicPoller
from services.notify.domain.retry_policy import AttemptResult, RetryDecision, decide_retry
from shared.clock import now
from shared.fetch import FetchError, GuardedClient
from shared.observability import log_events, metrics
from shared.store.webhooks.deliveries import TRIES_KEPT, Deliveries, Delivery, State, Try, Verdict
from shared.store.webhooks.websub import CONTENT, SUBSCRIBE, Follower, WebSub, WebSubRequest
from shared.webhooks import SecretCipher

ANSWER_BYTES: Final = 64 * 1024
DONE: Final = RetryDecision(good=True)
log = structlog.get_logger(__name__)


class WebSubHub:
    """Attempts what waits for the followers of feeds. `hub_url` is the hub's own public URL."""

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

    async def attempt(self, ident: str, delivery: Delivery) -> bool | None:
        """Once; whether the callback took it, None when it was not asked. Raises StoreUnavailable."""
        follower = await self._websub.follower(ident)
        if follower is None:
            return None
        if delivery.type == CONTENT:
            return await self._bring(follower, delivery)
        return await self._verify(follower, delivery)

    # --- verification of intent ---------------------------------------------------------------------------------------

    async def _verify(self, follower: Follower, delivery: Delivery) -> bool | None:
        request = follower.request
        if request is None or request.mode != delivery.type:
            await self._not_asked(follower, delivery, "another request took its place", DONE)
            return None
        seen = await self._topics.refresh(request.topic) if request.mode == SUBSCRIBE else "here"
        if seen == "unknown":  # a serve that is away for a moment is no reason to deny a feed
            answered = AttemptResult(0, "the feed cannot be asked for now")
            later = self._decide(answered, delivery)
            if later.retry_after is not None:
                await self._not_asked(follower, delivery, answered.error, later)
                return None
        if seen == "here":
            answered = await self._challenge(request)
        else:
            await self._deny(request)
            answered = AttemptResult(0, "there is no such feed")
        await self._settle(follower, request, agreed=answered.good)
        await self._give_back(follower, delivery, answered, RetryDecision(good=answered.good), good=answered.good)
        return answered.good

    async def _challenge(self, request: WebSubRequest) -> AttemptResult:
        challenge = secrets.token_urlsafe(32)
        query = {"hub.mode": request.mode, "hub.topic": request.topic, "hub.challenge": challenge}
        if request.mode == SUBSCRIBE:
            query["hub.lease_seconds"] = str(request.lease_seconds)
        try:
            answer = await self._client.get(_with_query(request.callback, query), max_bytes=ANSWER_BYTES)
        except FetchError as error:
            return AttemptResult(0, str(error)[:200])
        if not 200 <= answer.status < 300:
            return AttemptResult(answer.status, f"the callback answers {answer.status}")
        if not hmac.compare_digest(answer.body.strip(), challenge.encode()):
            return AttemptResult(answer.status, "the callback does not echo the challenge")
        return AttemptResult(answer.status)

    async def _deny(self, request: WebSubRequest) -> None:
        query = {"hub.mode": "denied", "hub.topic": request.topic, "hub.reason": "there is no such feed"}
        try:
            await self._client.get(_with_query(request.callback, query), max_bytes=ANSWER_BYTES)
        except FetchError as error:
            log.info(log_events.WEBSUB_DENIAL_CALLBACK_FAILED, reason=str(error))

    async def _settle(self, follower: Follower, request: WebSubRequest, *, agreed: bool) -> None:
        metrics.WEBSUB_INTENTS.labels(request.mode, "agreed" if agreed else "refused").inc()
        if request.mode == SUBSCRIBE and agreed:
            await self._websub.agreed(request, until_ms=self._now_ms() + request.lease_seconds * 1000)
        elif agreed:
            await self._websub.forget(follower)  # it wanted to go
        elif not follower.until_ms:
            await self._websub.forget(follower, unless_renewed=True)  # it never agreed to anything

    # --- content ------------------------------------------------------------------------------------------------------

    async def _bring(self, follower: Follower, delivery: Delivery) -> bool | None:
        if follower.until_ms <= self._now_ms():
            await self._websub.forget(follower, unless_renewed=True)
            return None
        topic = await self._websub.content(follower.topic)
        if not delivery.id.endswith(topic.digest[:16] or "-"):
            await self._not_asked(follower, delivery, "newer content took its place", DONE)
            return None
        headers = {
            "Content-Type": topic.media_type,
            "Link": f'<{self._hub_url}>; rel="hub", <{follower.topic}>; rel="self"',
        }
        if follower.sealed:
            secret = self._cipher.decrypt_bytes(follower.sealed, owner=follower.id)
            headers["X-Hub-Signature"] = f"sha256={hmac.new(secret, topic.body, hashlib.sha256).hexdigest()}"
        began = time.monotonic()
        try:
            answer = await self._client.post(follower.callback, topic.body, headers=headers, max_bytes=ANSWER_BYTES)
            why = "" if 200 <= answer.status < 300 else f"the callback answers {answer.status}"
            answered = AttemptResult(answer.status, why, answer.headers.get("retry-after", ""))
        except FetchError as error:
            answered = AttemptResult(0, str(error)[:200])
        metrics.WEBHOOK_SECONDS.observe(time.monotonic() - began)
        follows = self._decide(answered, delivery)
        if follows.disable:
            await self._websub.forget(follower)  # 410: it is gone for good
            return False
        await self._give_back(follower, delivery, answered, follows, good=follows.good)
        return follows.good

    async def _not_asked(self, follower: Follower, delivery: Delivery, why: str, follows: RetryDecision) -> None:
        """Give back what never reached the callback: that says nothing about it, so its breaker stays as it is."""
        await self._give_back(follower, delivery, AttemptResult(0, why), follows, good=None)

    def _decide(self, answered: AttemptResult, delivery: Delivery) -> RetryDecision:
        chance = secrets.randbelow(100) / 100
        return decide_retry(answered, attempts=delivery.attempts + 1, now=self._clock(), chance=chance)

    async def _give_back(
        self,
        follower: Follower,
        delivery: Delivery,
        answered: AttemptResult,
        follows: RetryDecision,
        *,
        good: bool | None,
    ) -> None:
        at = self._now_ms()
        over: State = "delivered" if follows.good else "failed"
        tried = Try(at, answered.status, 0, answered.error)
        record = replace(
            delivery,
            attempts=delivery.attempts + 1,
            tries=(*delivery.tries, tried)[-TRIES_KEPT:],
            state="waiting" if follows.retry_after is not None else over,
        )
        due = None if follows.retry_after is None else at + int(follows.retry_after * 1000)
        verdict = Verdict(record, good, due, closed_until_ms=at + int(follows.pause * 1000) if follows.pause else 0)
        await self._deliveries.finish(follower.id, verdict, now_ms=at, may_disable=False)
        metrics.WEBHOOK_ATTEMPTS.labels("delivered" if follows.good else "failed").inc()

    def _now_ms(self) -> int:
        return int(self._clock().timestamp() * 1000)


def _with_query(callback: str, query: dict[str, str]) -> str:
    """The callback with these parameters behind its own."""
    return f"{callback}{'&' if '?' in callback else '?'}{urlencode(query)}"
