"""One consumer group of one stream, seen by one consumer: what is pending, who has it, how it ends."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from redis.asyncio import Redis
from redis.exceptions import ResponseError

from shared import topology
from shared.broker import scripts
from shared.clock import now
from shared.events import Event
from shared.store import keys
from shared.store.articles.scripts import BURY
from shared.store.connection import RedisClient, Scripts, unavailable_when_down
from shared.topology import Stream

_REASON_LENGTH: Final = 500


@dataclass(frozen=True, slots=True)
class PendingEntry:
    """An entry that was delivered and not acknowledged."""

    entry_id: str
    consumer: str
    idle_ms: int
    deliveries: int


class Groups:
    """Creates groups; the `GroupCreator` of `topology.declare`."""

    def __init__(self, client: Redis) -> None:
        self._client: RedisClient = client

    async def create_group(self, key: str, group: str) -> None:
        """Create a group at `0` and its stream; an existing group is left as it is. Raises StoreUnavailable."""
        if await self._exists(key, group):
            return  # asking first: XGROUP CREATE is refused when memory is full, and that is when we must drain
        try:
            async with unavailable_when_down():
                await self._client.xgroup_create(key, group, id="0", mkstream=True)
        except ResponseError as error:
            if "BUSYGROUP" not in str(error):
                raise

    async def _exists(self, key: str, group: str) -> bool:
        try:
            async with unavailable_when_down():
                rows = await self._client.xinfo_groups(key)
        except ResponseError as error:
            if "no such key" in str(error):
                return False
            raise
        return any(_text(row["name"]) == group for row in rows)


async def declare(client: Redis) -> None:
    """Create every group of the topology at `0`. Raises StoreUnavailable."""
    await topology.declare(Groups(client))


class WorkGroup:
    """The group as one consumer uses it. All methods raise StoreUnavailable while Redis cannot answer."""

    def __init__(self, client: Redis, stream: Stream, group: str, consumer: str) -> None:
        self.stream = stream
        self.group = group
        self.consumer = consumer
        self._client: RedisClient = client
        self._scripts = Scripts(client)
        self._started = keys.started(stream.name)

    async def ensure(self) -> None:
        """Create the group at `0` if it is missing, as after a FLUSHALL: handlers know what they have done."""
        await Groups(self._client).create_group(self.stream.key, self.group)

    async def idle(self, min_idle_ms: int, *, count: int = 500) -> list[PendingEntry]:
        """The oldest pending entries that nobody has touched for `min_idle_ms`."""
        async with unavailable_when_down():
            rows = await self._client.xpending_range(
                self.stream.key, self.group, min="-", max="+", count=count, idle=min_idle_ms
            )
        return [
            PendingEntry(
                _text(row["message_id"]), _text(row["consumer"]), row["time_since_delivered"], row["times_delivered"]
            )
            for row in rows
        ]

    async def starts(self, entry_ids: Sequence[str]) -> list[int]:
        """How often each entry was taken over by a process that never came back from it."""
        if not entry_ids:
            return []
        async with unavailable_when_down():
            counts = await self._client.hmget(self._started, list(entry_ids))
        return [int(count or 0) for count in counts]

    async def take(self, entry_ids: Sequence[str], min_idle_ms: int) -> list[tuple[bytes, dict[bytes, bytes]]]:
        """Claim entries that are still idle; exactly one of several claimers gets each."""
        async with unavailable_when_down():
            (won,) = await self._scripts.run(
                scripts.TAKE, [((self.stream.key,), (self.group, self.consumer, min_idle_ms, *entry_ids))]
            )
        return [(entry_id, dict(zip(fields[::2], fields[1::2], strict=True))) for entry_id, fields in won]

    async def fields(self, entry_id: str) -> dict[bytes, bytes]:
        """The fields of an entry; empty when it is gone."""
        async with unavailable_when_down():
            rows = await self._client.xrange(self.stream.key, entry_id, entry_id)
        return rows[0][1] if rows else {}

    async def defer(self, items: Sequence[tuple[str, int, int]]) -> None:
        """Put back (entry id, idle ms, delivery count); entries that somebody else holds by now are left alone."""
        if not items:
            return
        arguments = [value for item in items for value in item]
        async with unavailable_when_down():
            await self._scripts.run(
                scripts.DEFER, [((self.stream.key, self._started), (self.group, self.consumer, *arguments))]
            )

    async def renew(self, entry_ids: Sequence[str]) -> None:
        """Say that we are still at work on these."""
        if not entry_ids:
            return
        async with unavailable_when_down():
            await self._scripts.run(scripts.RENEW, [((self.stream.key,), (self.group, self.consumer, *entry_ids))])

    async def begun(self, entry_ids: Sequence[str]) -> None:
        """Note suspects as begun, in the moment before they are handled."""
        async with unavailable_when_down():
            await self._scripts.run(scripts.BEGIN, [((self._started,), tuple(entry_ids))])

    async def finished(self, entry_ids: Sequence[str]) -> None:
        """Forget that these were begun: their process came back from them."""
        if not entry_ids:
            return
        async with unavailable_when_down():
            await self._client.hdel(self._started, *entry_ids)

    async def bury(self, entry_id: str, error: tuple[str, str], attempts: int, event: Event | None) -> bool:
        """Move an entry to the dead-letter stream with (reason, rule); False when it was finished already.

        An `event` that refers to an article marks that article's revision as rejected in the same step.
        """
        reason, rule = error
        stream_keys, rev = self._burial_keys(event)
        arguments = (self.group, entry_id, reason[:_REASON_LENGTH], rule, attempts, now().isoformat(), rev)
        async with unavailable_when_down():
            (dead_id,) = await self._scripts.run(BURY, [(stream_keys, arguments)])
        await self.finished([entry_id])
        return bool(dead_id)

    def _burial_keys(self, event: Event | None) -> tuple[tuple[str, ...], int | str]:
        base = (self.stream.key, self.stream.dead_key)
        article = getattr(event, "article", None)
        if article is None:
            return base, ""
        return (*base, keys.article(article.article_id)), article.rev


def _text(value: bytes | str) -> str:
    return value.decode() if isinstance(value, bytes) else value
