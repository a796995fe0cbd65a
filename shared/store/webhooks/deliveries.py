"""Queue of webhook deliveries: due times, leases and results.

A delivery is due, leased to a sender, or done. If a sender dies, its lease expires and the delivery is due again. The
checkpoint in the log and the deliveries queued from it change in one script, so that a crash loses and repeats nothing.
A delivery stores the cursor of its event, not its text; the body is built when it is sent.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from typing import Final, Literal

import orjson
from redis.asyncio import Redis

from shared.store import keys
from shared.store.connection import RedisClient, unavailable_when_down
from shared.store.scripts import Scripts
from shared.store.webhooks.scripts import EnqueueDeliveries, FinishAttempt, LeaseDeliveries, RequeueDelivery

MAX_WAITING: Final = 10_000
"""Maximum queued deliveries per endpoint."""
MAX_DONE: Final = 500
"""Finished deliveries kept per endpoint."""
MAX_ATTEMPTS_KEPT: Final = 12
MAX_CONCURRENT: Final = 4
"""Maximum concurrent requests per endpoint."""
BREAKER_FAILURES: Final = 5
BREAKER_FIRST_MS: Final = 5_000
BREAKER_LONGEST_MS: Final = 300_000
DISABLED_AFTER_MS: Final = 5 * 86_400_000
HEARTBEAT_MS: Final = 3_000
"""Heartbeat interval of notify."""
HEARTBEAT_LIFETIME_MS: Final = 15_000
"""Age after which a heartbeat is stale."""
_FOR_EVER_MS: Final = 10**15
State = Literal["waiting", "delivered", "failed"]
PING: Final = "ping"
"""`type` of deliveries for endpoint verification and test."""


@dataclass(frozen=True, slots=True)
class DeliveryAttempt:
    """One attempt: Unix ms, HTTP status or 0, duration in ms, error or empty."""

    at: int
    status: int
    took_ms: int
    error: str = ""


@dataclass(frozen=True, slots=True)
class Delivery:
    """One event for one endpoint. `type` is of the log, or `ping`, which has no cursor."""

    id: str
    type: str
    cursor: str
    subject: str
    created_ms: int
    state: State = "waiting"
    attempts: int = 0
    """Attempts since it was queued or requeued."""
    tries: tuple[DeliveryAttempt, ...] = ()
    """The latest attempts, oldest first, including those before a requeue."""

    def to_json(self) -> bytes:
        """The stored JSON."""
        return orjson.dumps(asdict(self))

    @classmethod
    def from_json(cls, data: bytes) -> Delivery:
        """Parse the stored JSON."""
        row = orjson.loads(data)
        row["tries"] = tuple(DeliveryAttempt(**each) for each in row["tries"])
        return cls(**row)


@dataclass(frozen=True, slots=True)
class DeliveryUpdate:
    """Outcome of an attempt. `due_ms` None finishes the delivery; `closed_until_ms` opens the circuit breaker.

    `good` None: the endpoint was not called, so its failure count does not change.
    """

    record: Delivery
    good: bool | None
    due_ms: int | None = None
    closed_until_ms: int = 0
    disable: str = ""


@dataclass(frozen=True, slots=True)
class Checkpoint:
    """Checkpoint of a reader: after `cursor`; of the next event, endpoints up to `part` are already queued."""

    cursor: str
    part: str = ""


class Deliveries:
    """Delivery queue. All times are Unix ms of the caller's clock. Raises StoreUnavailable."""

    def __init__(self, client: Redis) -> None:
        self._client: RedisClient = client
        self._scripts = Scripts(client)

    async def checkpoint(self, holder: str = keys.WEBHOOK_STATE) -> Checkpoint | None:
        """The checkpoint of this holder; None before the first commit."""
        async with unavailable_when_down():
            cursor, part = await self._client.hmget(holder, "cursor", "part")
        return None if cursor is None else Checkpoint(cursor.decode(), (part or b"").decode())

    async def create_checkpoint(self, cursor: str, holder: str = keys.WEBHOOK_STATE) -> None:
        """Set the initial checkpoint, unless another process has set it."""
        async with unavailable_when_down():
            await self._client.hsetnx(holder, "cursor", cursor)

    async def write_heartbeat(self, *, now_ms: int) -> None:
        """Write the heartbeat of the log reader."""
        async with unavailable_when_down():
            await self._client.hset(keys.WEBHOOK_STATE, "seen", now_ms)

    async def has_heartbeat(self, *, now_ms: int) -> bool:
        """Whether a log reader has a recent heartbeat."""
        async with unavailable_when_down():
            seen = await self._client.hget(keys.WEBHOOK_STATE, "seen")
        return seen is not None and now_ms - int(seen) < HEARTBEAT_LIFETIME_MS

    async def enqueue(
        self,
        old: Checkpoint,
        new: Checkpoint,
        event_cursor: str,
        items: Sequence[tuple[str, Delivery]],
        *,
        now_ms: int,
        holder: str = keys.WEBHOOK_STATE,
        requeue_done: bool = False,
    ) -> list[str] | None:
        """Queue (endpoint, delivery) pairs of one event and advance the checkpoint atomically; returns ids that became
        disabled.

        None: the checkpoint was no longer `old`, and nothing was done. `requeue_done` also queues finished deliveries.
        """
        ids = [one for one, _ in items]
        call = EnqueueDeliveries(
            checkpoint_holder=holder,
            waiting=keys.WEBHOOK_WAITING,
            endpoints=_keys("endpoint", ids),
            due=_keys("due", ids),
            records=_keys("deliveries", ids),
            done=_keys("done", ids),
            cursor=old.cursor,
            part=old.part,
            new_cursor=new.cursor,
            new_part=new.part,
            ms=now_ms,
            most_waiting=MAX_WAITING,
            requeue_done=requeue_done,
            event_cursor=event_cursor,
            endpoint_ids=ids,
            delivery_ids=[made.id for _, made in items],
            delivery_records=[made.to_json() for _, made in items],
        )
        answer = await self._scripts.run(call)
        return None if answer is None else [one.decode() for one in answer]

    async def ready(self, *, now_ms: int, limit: int) -> list[str]:
        """Endpoints with due deliveries, longest waiting first."""
        async with unavailable_when_down():
            found = await self._client.zrangebyscore(keys.WEBHOOK_WAITING, "-inf", now_ms, start=0, num=limit)
        return [one.decode() for one in found]

    async def next_due_ms(self) -> int | None:
        """Unix ms at which the next endpoint must be checked."""
        async with unavailable_when_down():
            found = await self._client.zrange(keys.WEBHOOK_WAITING, 0, 0, withscores=True)
        return int(found[0][1]) if found else None

    async def postpone(self, ids: Sequence[str], *, until_ms: int) -> None:
        """Postpone these endpoints because there is no capacity for them."""
        if ids:
            async with unavailable_when_down():
                await self._client.zadd(keys.WEBHOOK_WAITING, dict.fromkeys(ids, until_ms), xx=True)

    async def lease(self, ids: Sequence[str], *, now_ms: int, lease_ms: int) -> list[tuple[str, Delivery]]:
        """Lease deliveries that these endpoints may be sent now: (endpoint, delivery)."""
        calls = [
            LeaseDeliveries(
                endpoint=keys.webhook("endpoint", one),
                due=keys.webhook("due", one),
                leased=keys.webhook("leased", one),
                records=keys.webhook("deliveries", one),
                waiting=keys.WEBHOOK_WAITING,
                endpoint_id=one,
                ms=now_ms,
                lease_ms=lease_ms,
                most_leased=MAX_CONCURRENT,
                breaker_failures=BREAKER_FAILURES,
            )
            for one in ids
        ]
        answers = await self._scripts.run_all(calls) if calls else []
        return [
            (one, Delivery.from_json(record))
            for one, answer in zip(ids, answers, strict=True)
            for record in answer[1::2]
            if record
        ]

    async def finish(self, endpoint_id: str, update: DeliveryUpdate, *, now_ms: int, may_disable: bool = True) -> str:
        """Store the outcome of a leased delivery. Returns `late` if the lease was lost, or the reason why the endpoint
        became disabled."""
        call = FinishAttempt(
            endpoint=keys.webhook("endpoint", endpoint_id),
            due=keys.webhook("due", endpoint_id),
            leased=keys.webhook("leased", endpoint_id),
            records=keys.webhook("deliveries", endpoint_id),
            done=keys.webhook("done", endpoint_id),
            waiting=keys.WEBHOOK_WAITING,
            endpoint_id=endpoint_id,
            delivery_id=update.record.id,
            ms=now_ms,
            record=update.record.to_json(),
            due_ms=-1 if update.due_ms is None else update.due_ms,
            succeeded="" if update.good is None else update.good,
            closed_until_ms=update.closed_until_ms,
            breaker_failures=BREAKER_FAILURES,
            breaker_first_ms=BREAKER_FIRST_MS,
            breaker_longest_ms=BREAKER_LONGEST_MS,
            disable_after_ms=DISABLED_AFTER_MS if may_disable else _FOR_EVER_MS,
            disable_reason=update.disable,
            most_done=MAX_DONE,
        )
        answer = await self._scripts.run(call)
        return str(answer.decode())

    async def requeue(self, endpoint_id: str, record: Delivery, *, now_ms: int, new: bool = False) -> bool:
        """Make a delivery due now, under its id. False if it is unknown and not `new`."""
        call = RequeueDelivery(
            endpoint=keys.webhook("endpoint", endpoint_id),
            due=keys.webhook("due", endpoint_id),
            leased=keys.webhook("leased", endpoint_id),
            records=keys.webhook("deliveries", endpoint_id),
            done=keys.webhook("done", endpoint_id),
            waiting=keys.WEBHOOK_WAITING,
            endpoint_id=endpoint_id,
            delivery_id=record.id,
            record=record.to_json(),
            ms=now_ms,
            may_be_new=new,
        )
        answer = await self._scripts.run(call)
        return bool(answer)

    async def get(self, endpoint_id: str, delivery_id: str) -> Delivery | None:
        """One queued delivery, or a finished one that is still kept."""
        async with unavailable_when_down():
            found = await self._client.hget(keys.webhook("deliveries", endpoint_id), delivery_id)
        return Delivery.from_json(found) if found else None

    async def recent(self, endpoint_id: str, *, limit: int) -> list[Delivery]:
        """Queued deliveries, soonest first, then finished ones, newest first."""
        due, leased, done = (keys.webhook(part, endpoint_id) for part in ("due", "leased", "done"))
        async with unavailable_when_down():
            ids = [*await self._client.zrange(leased, 0, limit - 1), *await self._client.zrange(due, 0, limit - 1)]
            ids += await self._client.zrevrange(done, 0, limit - 1)
            ids = list(dict.fromkeys(ids))[:limit]
            rows = await self._client.hmget(keys.webhook("deliveries", endpoint_id), ids) if ids else []
        return [Delivery.from_json(row) for row in rows if row]

    async def count_unfinished(self, endpoint_id: str) -> int:
        """Number of unfinished deliveries."""
        async with unavailable_when_down():
            due = await self._client.zcard(keys.webhook("due", endpoint_id))
            return int(due) + int(await self._client.zcard(keys.webhook("leased", endpoint_id)))


def _keys(part: str, endpoint_ids: Sequence[str]) -> list[str]:
    return [keys.webhook(part, one) for one in endpoint_ids]
