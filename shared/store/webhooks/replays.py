"""Parts of the public log that are delivered to an endpoint again: what was asked for, and how far each got."""

from __future__ import annotations

from dataclasses import dataclass

from redis.asyncio import Redis

from shared.store import keys
from shared.store.connection import RedisClient, unavailable_when_down

_ASK = """#!lua
-- KEYS replay, replays, endpoint  ARGV 1 id 2 after 3 until: 0 when there is no endpoint; a newer request replaces one
redis.call('SCARD', KEYS[2])
if redis.call('EXISTS', KEYS[3]) == 0 then return 0 end
redis.call('DEL', KEYS[1])
redis.call('HSET', KEYS[1], 'cursor', ARGV[2], 'part', '', 'until', ARGV[3])
redis.call('SADD', KEYS[2], ARGV[1])
return 1
"""


@dataclass(frozen=True, slots=True)
class Replay:
    """One request: entries of the log after the mark at `holder`, up to and including `until`."""

    endpoint_id: str
    until: str

    @property
    def holder(self) -> str:
        """The key that holds how far it got, for `Deliveries.enqueue`."""
        return keys.webhook("replay", self.endpoint_id)


class Replays:
    """Raises StoreUnavailable."""

    def __init__(self, client: Redis) -> None:
        self._client: RedisClient = client

    async def ask(self, endpoint_id: str, *, after: str, until: str) -> bool:
        """Deliver this part of the log again; False when there is no such endpoint."""
        names = (keys.webhook("replay", endpoint_id), keys.WEBHOOK_REPLAYS, keys.webhook("endpoint", endpoint_id))
        async with unavailable_when_down():
            return bool(await self._client.eval(_ASK, len(names), *names, endpoint_id, after, until))

    async def open(self, *, limit: int = 100) -> list[Replay]:
        """Some of those that are not over."""
        async with unavailable_when_down():
            ids = [one.decode() for one in await self._client.srandmember(keys.WEBHOOK_REPLAYS, limit)]
            found = [(one, await self._client.hget(keys.webhook("replay", one), "until")) for one in ids]
        return [Replay(one, (until or b"0-0").decode()) for one, until in found]

    async def over(self, replay: Replay) -> None:
        """It is done."""
        async with unavailable_when_down():
            await self._client.srem(keys.WEBHOOK_REPLAYS, replay.endpoint_id)
            await self._client.delete(replay.holder)
