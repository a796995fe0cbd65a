"""Replays: ranges of the public log to deliver to an endpoint again, with their progress."""

from __future__ import annotations

from dataclasses import dataclass

from redis.asyncio import Redis

from shared.store import keys
from shared.store.connection import RedisClient, unavailable_when_down
from shared.store.scripts import Arg, Key, Script, Scripts


class RequestReplay(Script):
    """Store the replay request of an endpoint. Returns 1, or 0 if there is no endpoint.

    Guarantees: an endpoint has at most one replay, the most recently requested.
    """

    replay: Key
    replays: Key
    endpoint: Key
    endpoint_id: Arg
    after: Arg
    up_to: Arg

    LUA = """
    redis.call('SCARD', replays)
    if redis.call('EXISTS', endpoint) == 0 then return 0 end
    redis.call('DEL', replay)
    redis.call('HSET', replay, 'cursor', after, 'part', '', 'until', up_to)
    redis.call('SADD', replays, endpoint_id)
    return 1
    """


@dataclass(frozen=True, slots=True)
class Replay:
    """One replay: log entries after the checkpoint at `holder`, up to and including `until`."""

    endpoint_id: str
    until: str

    @property
    def holder(self) -> str:
        """Redis key of its checkpoint, for `Deliveries.enqueue`."""
        return keys.webhook("replay", self.endpoint_id)


class Replays:
    """Repository of replays. Raises StoreUnavailable."""

    def __init__(self, client: Redis) -> None:
        self._client: RedisClient = client

    async def request(self, endpoint_id: str, *, after: str, until: str) -> bool:
        """Request a replay of this range; False if there is no such endpoint."""
        call = RequestReplay(
            replay=keys.webhook("replay", endpoint_id),
            replays=keys.WEBHOOK_REPLAYS,
            endpoint=keys.webhook("endpoint", endpoint_id),
            endpoint_id=endpoint_id,
            after=after,
            up_to=until,
        )
        return bool(await Scripts(self._client).run(call))

    async def open(self, *, limit: int = 100) -> list[Replay]:
        """Some unfinished replays."""
        async with unavailable_when_down():
            ids = [one.decode() for one in await self._client.srandmember(keys.WEBHOOK_REPLAYS, limit)]
            found = [(one, await self._client.hget(keys.webhook("replay", one), "until")) for one in ids]
        return [Replay(one, (until or b"0-0").decode()) for one, until in found]

    async def finish(self, replay: Replay) -> None:
        """Delete a finished replay."""
        async with unavailable_when_down():
            await self._client.srem(keys.WEBHOOK_REPLAYS, replay.endpoint_id)
            await self._client.delete(replay.holder)
