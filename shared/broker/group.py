"""One consumer group of one stream, as one consumer sees it: pending entries, claims, deferrals, dead letters."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Final

from redis.asyncio import Redis
from redis.exceptions import RedisError, ResponseError

from shared import topology
from shared.broker import scripts
from shared.clock import now
from shared.errors import StoreUnavailable
from shared.events import Event
from shared.store import keys, open_store
from shared.store.articles.port import Original
from shared.store.articles.scripts import DEAD_LETTER
from shared.store.connection import Scripts, unavailable_when_down
from shared.topology import Stream

_MAX_REASON_CHARACTERS: Final = 500


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
        self._client: Any = client  # redis-py's stubs mix str and bytes answers

    async def create_group(self, key: str, group: str) -> None:
        """Create a group at `0` and its stream; an existing group is left as it is. Raises StoreUnavailable."""
        if await self._exists(key, group):
            return  # looked up first: XGROUP CREATE is refused when memory is full, and draining needs the group
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
        self._client: Any = client  # redis-py's stubs mix str and bytes answers
        self._articles = open_store(client)
        self._scripts = Scripts(client)
        self._started = keys.started(stream.name)

    async def ensure_exists(self) -> None:
        """Create the group at `0` if it is missing, as after a FLUSHALL. Handlers are idempotent."""
        await Groups(self._client).create_group(self.stream.key, self.group)

    async def idle_entries(self, min_idle_ms: int, *, count: int = 500) -> list[PendingEntry]:
        """The oldest pending entries that no consumer has touched for `min_idle_ms`."""
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

    async def start_counts(self, entry_ids: Sequence[str]) -> list[int]:
        """How often each entry was started as a suspect and neither finished nor deferred: process deaths."""
        if not entry_ids:
            return []
        async with unavailable_when_down():
            counts = await self._client.hmget(self._started, list(entry_ids))
        return [int(count or 0) for count in counts]

    async def claim(self, entry_ids: Sequence[str], min_idle_ms: int) -> list[tuple[bytes, dict[bytes, bytes]]]:
        """Claim entries that are still idle, as (id, fields); of several claimers exactly one gets each."""
        async with unavailable_when_down():
            (claimed,) = await self._scripts.run(
                scripts.CLAIM, [((self.stream.key,), (self.group, self.consumer, min_idle_ms, *entry_ids))]
            )
        return [(entry_id, dict(zip(fields[::2], fields[1::2], strict=True))) for entry_id, fields in claimed]

    async def read_fields(self, entry_id: str) -> dict[bytes, bytes]:
        """The fields of an entry; empty when it is not in the stream any more."""
        async with unavailable_when_down():
            rows = await self._client.xrange(self.stream.key, entry_id, entry_id)
        return rows[0][1] if rows else {}

    async def defer(self, items: Sequence[tuple[str, int, int]]) -> None:
        """Set (entry id, idle ms, delivery count) of entries that are still ours."""
        if not items:
            return
        arguments = [value for item in items for value in item]
        async with unavailable_when_down():
            await self._scripts.run(
                scripts.DEFER, [((self.stream.key, self._started), (self.group, self.consumer, *arguments))]
            )

    async def renew(self, entry_ids: Sequence[str]) -> None:
        """Reset the idle time of entries in flight, so that no other consumer reclaims them."""
        if not entry_ids:
            return
        async with unavailable_when_down():
            await self._scripts.run(scripts.RENEW, [((self.stream.key,), (self.group, self.consumer, *entry_ids))])

    async def record_starts(self, entry_ids: Sequence[str]) -> None:
        """Count one start of each suspect, right before it is handled."""
        async with unavailable_when_down():
            await self._scripts.run(scripts.RECORD_STARTS, [((self._started,), tuple(entry_ids))])

    async def clear_starts(self, entry_ids: Sequence[str]) -> None:
        """Delete the start counts of entries whose process survived them."""
        if not entry_ids:
            return
        async with unavailable_when_down():
            await self._client.hdel(self._started, *entry_ids)

    async def dead_letter(self, entry_id: str, error: tuple[str, str], attempts: int, event: Event | None) -> bool:
        """Move an entry to the dead-letter stream with (reason, rule); False when it was acknowledged already.

        An `event` that refers to an article marks that article's revision as rejected in the same step.
        """
        reason, rule = error
        script_keys, rev = self._dead_letter_keys(event)
        arguments = (self.group, entry_id, reason[:_MAX_REASON_CHARACTERS], rule, attempts, now().isoformat(), rev)
        async with unavailable_when_down():
            (dead_id,) = await self._scripts.run(DEAD_LETTER, [(script_keys, arguments)])
        await self.clear_starts([entry_id])
        return bool(dead_id)

    async def source_of(self, event: Event | None) -> str | None:
        """The producer's source of the event's article, for the log line of a dead letter; None when unknown."""
        if event is None or (ref := event.article_ref) is None:
            return None
        try:
            (original,) = await self._articles.originals([ref[0]])
        except (StoreUnavailable, RedisError):
            return None
        return original.submission.source if isinstance(original, Original) else None

    def _dead_letter_keys(self, event: Event | None) -> tuple[tuple[str, ...], int | str]:
        base = (self.stream.key, self.stream.dead_key)
        if event is None or (ref := event.article_ref) is None:
            return base, ""
        article_id, rev = ref
        return (*base, keys.article(article_id)), rev


def _text(value: bytes | str) -> str:
    return value.decode() if isinstance(value, bytes) else value
