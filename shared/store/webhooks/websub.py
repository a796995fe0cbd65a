"""The WebSub hub at rest: who follows which feed until when, and what each followed feed says now.

A follower is an endpoint of the webhook queue with an id of its own kind, so that leases, retries and the breaker are
the same. What is asked of the hub waits as a delivery named `subscribe` or `unsubscribe` until the callback agreed.
"""

from __future__ import annotations

import hashlib
from dataclasses import asdict, dataclass, field
from typing import Final

import orjson
from redis.asyncio import Redis

from shared.store import keys
from shared.store.connection import RedisClient, Scripts, unavailable_when_down
from shared.store.webhooks.deliveries import Deliveries, Delivery
from shared.store.webhooks.endpoints import Endpoint, Endpoints, queue_keys

PREFIX: Final = "ws_"
"""What the id of a follower begins with; saved searches have another."""
SUBSCRIBE: Final = "subscribe"
UNSUBSCRIBE: Final = "unsubscribe"
CONTENT: Final = "content"
MAX_FOLLOWERS: Final = 10_000
_PART: Final = 500

_FORGET: Final = """#!lua flags=allow-oom
-- KEYS the five of the endpoint, waiting, everybody, the topic's followers, topics, the topic's content
-- ARGV 1 id 2 topic 3 the end of its lease, or '' whatever that is: answers 0 when it was renewed meanwhile
redis.call('ZCARD', KEYS[6])
if ARGV[3] ~= '' and (redis.call('HGET', KEYS[1], 'until_ms') or '0') ~= ARGV[3] then return 0 end
redis.call('ZREM', KEYS[6], ARGV[1])
redis.call('SREM', KEYS[7], ARGV[1])
redis.call('SREM', KEYS[8], ARGV[1])
redis.call('DEL', KEYS[1], KEYS[2], KEYS[3], KEYS[4], KEYS[5])
if redis.call('EXISTS', KEYS[8]) == 0 then
  redis.call('SREM', KEYS[9], ARGV[2])
  redis.call('DEL', KEYS[10])
end
return 1
"""


@dataclass(frozen=True, slots=True)
class WebSubRequest:
    """A request to the hub. `sealed` is the follower's secret at rest, empty for none."""

    mode: str
    callback: str
    topic: str
    lease_seconds: int
    sealed: str = field(default="", repr=False)

    @property
    def follower_id(self) -> str:
        """One callback follows one topic once."""
        return follower_id(self.callback, self.topic)


@dataclass(frozen=True, slots=True)
class Follower:
    """Who follows a topic. `until_ms` is 0 until the callback agreed for the first time."""

    id: str
    callback: str
    topic: str
    until_ms: int
    sealed: str = field(repr=False)
    request: WebSubRequest | None = None
    """The latest request that waits for the callback's answer."""


@dataclass(frozen=True, slots=True)
class Topic:
    """A followed feed as it was last fetched; `digest` names its content."""

    url: str
    etag: str = ""
    digest: str = ""
    media_type: str = ""
    announced_digest: str = ""
    """The digest that was queued for every subscriber."""
    body: bytes = field(default=b"", repr=False)


def follower_id(callback: str, topic: str) -> str:
    """The id of a callback that follows a topic."""
    return PREFIX + hashlib.sha256(f"{callback}\n{topic}".encode()).hexdigest()[:40]


class WebSub:
    """Raises StoreUnavailable."""

    def __init__(self, client: Redis) -> None:
        self._client: RedisClient = client
        self._endpoints = Endpoints(client)
        self._deliveries = Deliveries(client)
        self._scripts = Scripts(client)

    async def ask(self, request: WebSubRequest, *, now_ms: int) -> bool:
        """Keep a request and have its callback asked; False when there are too many followers."""
        ident, key = request.follower_id, keys.webhook("endpoint", request.follower_id)
        async with unavailable_when_down():
            known = await self._client.exists(key)
            if not known and await self._client.scard(keys.WEBSUB_FOLLOWERS) >= MAX_FOLLOWERS:
                return False
        if not known:
            await self._endpoints.put(
                Endpoint(ident, request.callback, sealed="", ping="", since="0-0", status="active", created_ms=now_ms)
            )
        async with unavailable_when_down():
            await self._client.hset(key, mapping={"topic": request.topic, "wish": orjson.dumps(asdict(request))})
            await self._client.sadd(keys.WEBSUB_FOLLOWERS, ident)
        made = Delivery(f"{ident}-{request.mode}", request.mode, "", request.topic, now_ms)
        return await self._deliveries.again(ident, made, now_ms=now_ms, new=True)

    async def follower(self, ident: str) -> Follower | None:
        """One follower, also one that has not agreed yet."""
        async with unavailable_when_down():
            row = await self._client.hmget(
                keys.webhook("endpoint", ident), "sink", "topic", "until_ms", "secret", "wish"
            )
        if row[0] is None or row[1] is None:
            return None
        request = WebSubRequest(**orjson.loads(row[4])) if row[4] else None
        return Follower(ident, row[0].decode(), row[1].decode(), int(row[2] or 0), (row[3] or b"").decode(), request)

    async def agreed(self, request: WebSubRequest, *, until_ms: int) -> None:
        """The callback wants this: it follows until then."""
        row = {"until_ms": str(until_ms), "secret": request.sealed}
        async with unavailable_when_down(), self._client.pipeline(transaction=True) as pipe:
            pipe.hset(keys.webhook("endpoint", request.follower_id), mapping=row)
            pipe.sadd(keys.websub_topic("followers", request.topic), request.follower_id)
            pipe.sadd(keys.WEBSUB_TOPICS, request.topic)
            await pipe.execute()

    async def forget(self, follower: Follower, *, unless_renewed: bool = False) -> None:
        """It follows no more; a topic without followers is forgotten too. All of it is one step: others come and go."""
        topic = follower.topic
        names = (
            *(*queue_keys(follower.id), keys.WEBSUB_FOLLOWERS, keys.websub_topic("followers", topic)),
            *(keys.WEBSUB_TOPICS, keys.websub_topic("content", topic)),
        )
        args = (follower.id, topic, str(follower.until_ms) if unless_renewed else "")
        async with unavailable_when_down():
            await self._scripts.run(_FORGET, [(names, args)])

    async def expired(self, *, now_ms: int) -> list[Follower]:
        """Those whose lease has run out and who did not ask again."""
        async with unavailable_when_down():
            everybody = [one.decode() for one in await self._client.smembers(keys.WEBSUB_FOLLOWERS)]
            ends: list[bytes | None] = []
            for first in range(0, len(everybody), _PART):
                async with self._client.pipeline(transaction=False) as pipe:
                    for one in everybody[first : first + _PART]:
                        pipe.hget(keys.webhook("endpoint", one), "until_ms")
                    ends += await pipe.execute()
        over = [one for one, end in zip(everybody, ends, strict=True) if end is not None and int(end) <= now_ms]
        found = [await self.follower(one) for one in over]
        return [one for one in found if one is not None and one.until_ms <= now_ms]

    async def topics(self) -> list[str]:
        """Every followed topic."""
        async with unavailable_when_down():
            return sorted(one.decode() for one in await self._client.smembers(keys.WEBSUB_TOPICS))

    async def followers(self, topic: str) -> list[str]:
        """Ids of those that follow it."""
        async with unavailable_when_down():
            return [one.decode() for one in await self._client.smembers(keys.websub_topic("followers", topic))]

    async def content(self, topic: str) -> Topic:
        """What the topic said when it was last fetched."""
        async with unavailable_when_down():
            row = await self._client.hgetall(keys.websub_topic("content", topic))
        text = {name.decode(): value for name, value in row.items()}
        if not text:
            return Topic(topic)
        named = {name: text[name].decode() for name in ("etag", "digest", "media_type")}
        return Topic(topic, body=text["body"], announced_digest=text["told"].decode(), **named)

    async def keep(self, topic: Topic) -> None:
        """Remember what a topic says now."""
        row = {
            "etag": topic.etag,
            "digest": topic.digest,
            "media_type": topic.media_type,
            "told": topic.announced_digest,
        }
        async with unavailable_when_down():
            await self._client.hset(keys.websub_topic("content", topic.url), mapping=row | {"body": topic.body})

    async def queue_content(self, ident: str, topic: Topic, *, now_ms: int) -> None:
        """Have the follower sent what the topic says now."""
        made = Delivery(f"{ident}-{topic.digest[:16]}", CONTENT, "", topic.url, now_ms)
        await self._deliveries.again(ident, made, now_ms=now_ms, new=True)

    async def place(self) -> str:
        """The cursor up to which every topic was looked at."""
        async with unavailable_when_down():
            return (await self._client.hget(keys.WEBHOOK_STATE, "hub") or b"").decode()

    async def move(self, cursor: str) -> None:
        """Every topic was looked at after the log had reached this cursor."""
        async with unavailable_when_down():
            await self._client.hset(keys.WEBHOOK_STATE, "hub", cursor)
