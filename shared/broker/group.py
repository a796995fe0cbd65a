"""One consumer group of one stream, as one consumer sees it: pending entries, claims, deferrals, dead letters."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import timedelta
from typing import Final

from redis.asyncio import Redis
from redis.exceptions import RedisError, ResponseError

from shared import topology
from shared.broker.rejections import rejection_of
from shared.broker.scripts import ClaimEntries, DeferEntries, RecordStarts, RenewEntries
from shared.clock import now
from shared.envelope import encode_event
from shared.events import Event
from shared.observability import metrics
from shared.store import keys, open_store
from shared.store.articles.port import CorruptOriginal, Original, RemovedOriginal
from shared.store.articles.scripts import DeadLetterEntry
from shared.store.connection import RedisClient, unavailable_when_down
from shared.store.scripts import Scripts
from shared.topology import REJECTIONS, Stream

_MAX_REASON_CHARACTERS: Final = 500
_KEEP_REJECTIONS: Final = REJECTIONS.keep or timedelta()
_ANNOUNCED: Final = 2


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
        return any(row["name"].decode() == group for row in rows)


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
                row["message_id"].decode(),
                row["consumer"].decode(),
                row["time_since_delivered"],
                row["times_delivered"],
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
        call = ClaimEntries(
            stream=self.stream.key,
            group=self.group,
            consumer=self.consumer,
            min_idle_ms=min_idle_ms,
            entries=entry_ids,
        )
        claimed = await self._scripts.run(call)
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
        entries, idle_ms, deliveries = zip(*items, strict=True)
        call = DeferEntries(
            stream=self.stream.key,
            started=self._started,
            group=self.group,
            consumer=self.consumer,
            entries=entries,
            idle_ms=idle_ms,
            deliveries=deliveries,
        )
        await self._scripts.run(call)

    async def renew(self, entry_ids: Sequence[str]) -> None:
        """Reset the idle time of entries in flight, so that no other consumer reclaims them."""
        if not entry_ids:
            return
        call = RenewEntries(stream=self.stream.key, group=self.group, consumer=self.consumer, entries=entry_ids)
        await self._scripts.run(call)

    async def record_starts(self, entry_ids: Sequence[str]) -> None:
        """Count one start of each suspect, right before it is handled."""
        await self._scripts.run(RecordStarts(started=self._started, entries=entry_ids))

    async def clear_starts(self, entry_ids: Sequence[str]) -> None:
        """Delete the start counts of entries whose process survived them."""
        if not entry_ids:
            return
        async with unavailable_when_down():
            await self._client.hdel(self._started, *entry_ids)

    async def dead_letter(
        self,
        entry_id: str,
        error: tuple[str, str],
        attempts: int,
        event: Event | None,
        original: Original | CorruptOriginal | None = None,
    ) -> bool:
        """Move an entry to the dead-letter stream with (reason, rule); False when it was acknowledged already.

        An `event` that refers to an article marks that article's revision as rejected in the same step, and with the
        `original` tells its producer: one `article.rejected` for each revision, however often it is redelivered.
        """
        reason, rule = error
        at = now()
        reason = reason[:_MAX_REASON_CHARACTERS]
        ref = event.article_ref if event else None
        rejection = (
            rejection_of(event, original, stage=self.group, reason=reason, rule=rule, now=at)
            if event is not None and original is not None
            else None
        )
        call = DeadLetterEntry(
            in_stream=self.stream.key,
            dead_stream=self.stream.dead_key,
            rejections=REJECTIONS.key,
            articles=[keys.article(ref[0])] if ref else [],
            group=self.group,
            entry=entry_id,
            reason=reason,
            rule=rule,
            attempts=attempts,
            at=at.isoformat(),
            rev=ref[1] if ref else "",
            rejection=encode_event(rejection) if rejection else b"",
            oldest_rejection=f"{int((at - _KEEP_REJECTIONS).timestamp() * 1000)}-0",
        )
        outcome = await self._scripts.run(call)
        await self.clear_starts([entry_id])
        if outcome == _ANNOUNCED:
            metrics.REJECTIONS.labels(self.group, rule).inc()
        return bool(outcome)

    async def original_of(self, event: Event | None) -> Original | CorruptOriginal | None:
        """The stored original of the event's article; None when there is none. Raises StoreUnavailable."""
        if event is None or (ref := event.article_ref) is None:
            return None
        try:
            (original,) = await self._articles.originals([ref[0]])
        except RedisError:  # the article's key is damaged
            return None
        return None if isinstance(original, RemovedOriginal) else original
