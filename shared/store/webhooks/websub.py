"""Stored state of the WebSub hub: subscribers with their leases, and the current content of each topic.

A subscriber is an endpoint of the webhook queue with its own id prefix, so that leases, retries and the circuit breaker
are shared. A request to the hub is queued as a delivery `subscribe` or `unsubscribe` until the callback confirms it.
"""

from __future__ import annotations

import hashlib
from dataclasses import asdict, dataclass, field
from typing import Final

import orjson
from redis.asyncio import Redis

from shared.store import keys
from shared.store.connection import RedisClient, unavailable_when_down
from shared.store.scripts import Arg, Key, Keys, Script, Scripts
from shared.store.webhooks.deliveries import Deliveries, Delivery
from shared.store.webhooks.endpoints import Endpoint, Endpoints, stored_keys

PREFIX: Final = "ws_"
"""Id prefix of WebSub subscribers."""
SUBSCRIBE: Final = "subscribe"
CONTENT: Final = "content"
MAX_SUBSCRIBERS: Final = 10_000
_PART: Final = 500


class DeleteSubscriber(Script):
    """Delete a subscriber, and the topic with its last subscriber. Returns 1, or 0 if the lease was renewed.

    Guarantees: with `until_ms` a subscriber that renewed its lease stays; a topic without subscribers is not polled.
    """

    endpoint: Key
    stored: Keys
    waiting: Key
    subscribers: Key
    topic_subscribers: Key
    topics: Key
    content: Key
    subscriber_id: Arg
    topic: Arg
    until_ms: Arg
    """The expected end of the lease; empty deletes unconditionally."""
    ALLOW_OOM = True

    LUA = """
    redis.call('ZCARD', waiting)
    if until_ms ~= '' and (redis.call('HGET', endpoint, 'until_ms') or '0') ~= until_ms then return 0 end
    redis.call('ZREM', waiting, subscriber_id)
    redis.call('SREM', subscribers, subscriber_id)
    redis.call('SREM', topic_subscribers, subscriber_id)
    redis.call('DEL', unpack(stored))
    if redis.call('EXISTS', topic_subscribers) == 0 then
      redis.call('SREM', topics, topic)
      redis.call('DEL', content)
    end
    return 1
    """


@dataclass(frozen=True, slots=True)
class WebSubRequest:
    """A request to the hub. `sealed` is the encrypted secret of the subscriber, empty for none."""

    mode: str
    callback: str
    topic: str
    lease_seconds: int
    sealed: str = field(default="", repr=False)

    @property
    def subscriber_id(self) -> str:
        """A callback has at most one subscription per topic."""
        return subscriber_id(self.callback, self.topic)


@dataclass(frozen=True, slots=True)
class Subscriber:
    """A subscriber of a topic. `until_ms` is 0 until the callback has confirmed."""

    id: str
    callback: str
    topic: str
    until_ms: int
    sealed: str = field(repr=False)
    request: WebSubRequest | None = None
    """The latest request that is not confirmed yet."""


@dataclass(frozen=True, slots=True)
class Topic:
    """Last fetched state of a topic; `digest` identifies its content."""

    url: str
    etag: str = ""
    digest: str = ""
    media_type: str = ""
    announced_digest: str = ""
    """The digest that was queued for every subscriber."""
    body: bytes = field(default=b"", repr=False)


def subscriber_id(callback: str, topic: str) -> str:
    """The subscriber id of a callback and topic."""
    return PREFIX + hashlib.sha256(f"{callback}\n{topic}".encode()).hexdigest()[:40]


class WebSub:
    """Repository of WebSub subscribers and topics. Raises StoreUnavailable."""

    def __init__(self, client: Redis) -> None:
        self._client: RedisClient = client
        self._endpoints = Endpoints(client)
        self._deliveries = Deliveries(client)
        self._scripts = Scripts(client)

    async def submit(self, request: WebSubRequest, *, now_ms: int) -> bool:
        """Store a request and queue its verification; False if there are too many subscribers."""
        ident, key = request.subscriber_id, keys.webhook("endpoint", request.subscriber_id)
        async with unavailable_when_down():
            known = await self._client.exists(key)
            if not known and await self._client.scard(keys.WEBSUB_SUBSCRIBERS) >= MAX_SUBSCRIBERS:
                return False
        if not known:
            await self._endpoints.put(
                Endpoint(ident, request.callback, sealed="", ping="", since="0-0", status="active", created_ms=now_ms)
            )
        async with unavailable_when_down():
            await self._client.hset(key, mapping={"topic": request.topic, "wish": orjson.dumps(asdict(request))})
            await self._client.sadd(keys.WEBSUB_SUBSCRIBERS, ident)
        made = Delivery(f"{ident}-{request.mode}", request.mode, "", request.topic, now_ms)
        return await self._deliveries.requeue(ident, made, now_ms=now_ms, new=True)

    async def subscriber(self, ident: str) -> Subscriber | None:
        """One subscriber, also an unverified one."""
        async with unavailable_when_down():
            row = await self._client.hmget(
                keys.webhook("endpoint", ident), "sink", "topic", "until_ms", "secret", "wish"
            )
        if row[0] is None or row[1] is None:
            return None
        request = WebSubRequest(**orjson.loads(row[4])) if row[4] else None
        return Subscriber(ident, row[0].decode(), row[1].decode(), int(row[2] or 0), (row[3] or b"").decode(), request)

    async def confirm(self, request: WebSubRequest, *, until_ms: int) -> None:
        """Store a confirmed subscription with the end of its lease."""
        row = {"until_ms": str(until_ms), "secret": request.sealed}
        async with unavailable_when_down(), self._client.pipeline(transaction=True) as pipe:
            pipe.hset(keys.webhook("endpoint", request.subscriber_id), mapping=row)
            pipe.sadd(keys.websub_topic("followers", request.topic), request.subscriber_id)
            pipe.sadd(keys.WEBSUB_TOPICS, request.topic)
            await pipe.execute()

    async def delete(self, subscriber: Subscriber, *, unless_renewed: bool = False) -> None:
        """Delete a subscriber, and its topic with the last subscriber, atomically."""
        topic = subscriber.topic
        call = DeleteSubscriber(
            endpoint=keys.webhook("endpoint", subscriber.id),
            stored=stored_keys(subscriber.id),
            waiting=keys.WEBHOOK_WAITING,
            subscribers=keys.WEBSUB_SUBSCRIBERS,
            topic_subscribers=keys.websub_topic("followers", topic),
            topics=keys.WEBSUB_TOPICS,
            content=keys.websub_topic("content", topic),
            subscriber_id=subscriber.id,
            topic=topic,
            until_ms=subscriber.until_ms if unless_renewed else "",
        )
        await self._scripts.run(call)

    async def expired(self, *, now_ms: int) -> list[Subscriber]:
        """Subscribers with an expired lease and no open request."""
        async with unavailable_when_down():
            ids = [one.decode() for one in await self._client.smembers(keys.WEBSUB_SUBSCRIBERS)]
            ends: list[bytes | None] = []
            for first in range(0, len(ids), _PART):
                async with self._client.pipeline(transaction=False) as pipe:
                    for one in ids[first : first + _PART]:
                        pipe.hget(keys.webhook("endpoint", one), "until_ms")
                    ends += await pipe.execute()
        over = [one for one, end in zip(ids, ends, strict=True) if end is not None and int(end) <= now_ms]
        found = [await self.subscriber(one) for one in over]
        return [one for one in found if one is not None and one.until_ms <= now_ms]

    async def topics(self) -> list[str]:
        """All topics with subscribers."""
        async with unavailable_when_down():
            return sorted(one.decode() for one in await self._client.smembers(keys.WEBSUB_TOPICS))

    async def subscribers(self, topic: str) -> list[str]:
        """Subscriber ids of a topic."""
        async with unavailable_when_down():
            return [one.decode() for one in await self._client.smembers(keys.websub_topic("followers", topic))]

    async def content(self, topic: str) -> Topic:
        """The last fetched content of a topic."""
        async with unavailable_when_down():
            row = await self._client.hgetall(keys.websub_topic("content", topic))
        text = {name.decode(): value for name, value in row.items()}
        if not text:
            return Topic(topic)
        named = {name: text[name].decode() for name in ("etag", "digest", "media_type")}
        return Topic(topic, body=text["body"], announced_digest=text["told"].decode(), **named)

    async def store_content(self, topic: Topic) -> None:
        """Store the current content of a topic."""
        row = {
            "etag": topic.etag,
            "digest": topic.digest,
            "media_type": topic.media_type,
            "told": topic.announced_digest,
        }
        async with unavailable_when_down():
            await self._client.hset(keys.websub_topic("content", topic.url), mapping=row | {"body": topic.body})

    async def queue_content(self, ident: str, topic: Topic, *, now_ms: int) -> None:
        """Queue delivery of the current content to a subscriber."""
        made = Delivery(f"{ident}-{topic.digest[:16]}", CONTENT, "", topic.url, now_ms)
        await self._deliveries.requeue(ident, made, now_ms=now_ms, new=True)

    async def cursor(self) -> str:
        """The cursor up to which all topics were checked."""
        async with unavailable_when_down():
            return (await self._client.hget(keys.WEBHOOK_STATE, "hub") or b"").decode()

    async def store_cursor(self, cursor: str) -> None:
        """Store the cursor up to which all topics were checked."""
        async with unavailable_when_down():
            await self._client.hset(keys.WEBHOOK_STATE, "hub", cursor)
