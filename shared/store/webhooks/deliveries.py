"""The queue of webhook deliveries: when each is due, who holds it, what became of it.

A delivery is due, or leased to a sender, or done. A sender that dies gives it back by doing nothing: its lease runs
out. How far the log was read and what was queued from it change in one script, so that a death between loses and
repeats nothing. A delivery holds no text, only the cursor of its event: what is sent is made when it is sent.
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
"""Deliveries that may wait for one endpoint."""
KEPT: Final = 500
"""Finished deliveries of one endpoint that its log shows."""
TRIES_KEPT: Final = 12
AT_ONCE: Final = 4
"""Requests to one endpoint at the same time."""
BREAKER_FAILURES: Final = 5
BREAKER_FIRST_MS: Final = 5_000
BREAKER_LONGEST_MS: Final = 300_000
DISABLED_AFTER_MS: Final = 5 * 86_400_000
BEAT_MS: Final = 3_000
"""Between two signs of life of notify."""
LIFETIME_MS: Final = 15_000
"""A sign of life older than this is none."""
_FOR_EVER_MS: Final = 10**15
State = Literal["waiting", "delivered", "failed"]
PING: Final = "ping"
"""The `type` of the delivery that verifies an endpoint, and of a test."""


@dataclass(frozen=True, slots=True)
class Try:
    """One attempt: Unix ms, HTTP status or 0, milliseconds it took, why it failed or nothing."""

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
    """Since it was queued, or queued again."""
    tries: tuple[Try, ...] = ()
    """The latest attempts, oldest first, also of earlier replays."""

    def to_json(self) -> bytes:
        """The record as it is stored."""
        return orjson.dumps(asdict(self))

    @classmethod
    def from_json(cls, data: bytes) -> Delivery:
        """The stored record."""
        row = orjson.loads(data)
        row["tries"] = tuple(Try(**each) for each in row["tries"])
        return cls(**row)


@dataclass(frozen=True, slots=True)
class Verdict:
    """What became of an attempt. `due_ms` None ends the delivery; `closed_until_ms` keeps the endpoint quiet.

    `good` None: the endpoint was not asked, so its count of failures stays.
    """

    record: Delivery
    good: bool | None
    due_ms: int | None = None
    closed_until_ms: int = 0
    disable: str = ""


@dataclass(frozen=True, slots=True)
class Mark:
    """How far a reader is: after `cursor`; of the next event the endpoints up to `part` have theirs already."""

    cursor: str
    part: str = ""


class Deliveries:
    """The queue. All times are Unix ms of the caller's clock. Raises StoreUnavailable."""

    def __init__(self, client: Redis) -> None:
        self._client: RedisClient = client
        self._scripts = Scripts(client)

    async def mark(self, holder: str = keys.WEBHOOK_STATE) -> Mark | None:
        """How far the reader of this holder is; None before its first step."""
        async with unavailable_when_down():
            cursor, part = await self._client.hmget(holder, "cursor", "part")
        return None if cursor is None else Mark(cursor.decode(), (part or b"").decode())

    async def begin(self, cursor: str, holder: str = keys.WEBHOOK_STATE) -> None:
        """The first step of a reader: where it begins, unless another process has begun."""
        async with unavailable_when_down():
            await self._client.hsetnx(holder, "cursor", cursor)

    async def beat(self, *, now_ms: int) -> None:
        """A sign of life of whoever reads the log."""
        async with unavailable_when_down():
            await self._client.hset(keys.WEBHOOK_STATE, "seen", now_ms)

    async def beating(self, *, now_ms: int) -> bool:
        """Whether any reader of the log gave a sign of life lately."""
        async with unavailable_when_down():
            seen = await self._client.hget(keys.WEBHOOK_STATE, "seen")
        return seen is not None and now_ms - int(seen) < LIFETIME_MS

    async def enqueue(
        self,
        old: Mark,
        new: Mark,
        event_cursor: str,
        items: Sequence[tuple[str, Delivery]],
        *,
        now_ms: int,
        holder: str = keys.WEBHOOK_STATE,
        again: bool = False,
    ) -> list[str] | None:
        """Queue (endpoint, delivery) pairs of one event and move the mark, in one commit; ids that became disabled.

        None: the mark was not `old` any more, and nothing was done. `again` also queues what was done already.
        """
        ids = [one for one, _ in items]
        call = EnqueueDeliveries(
            mark_holder=holder,
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
            again=again,
            event_cursor=event_cursor,
            endpoint_ids=ids,
            delivery_ids=[made.id for _, made in items],
            delivery_records=[made.to_json() for _, made in items],
        )
        answer = await self._scripts.run(call)
        return None if answer is None else [one.decode() for one in answer]

    async def ready(self, *, now_ms: int, limit: int) -> list[str]:
        """Endpoints that have something to send now, longest waiting first."""
        async with unavailable_when_down():
            found = await self._client.zrangebyscore(keys.WEBHOOK_WAITING, "-inf", now_ms, start=0, num=limit)
        return [one.decode() for one in found]

    async def next_look(self) -> int | None:
        """Unix ms at which the next endpoint is to be looked at."""
        async with unavailable_when_down():
            found = await self._client.zrange(keys.WEBHOOK_WAITING, 0, 0, withscores=True)
        return int(found[0][1]) if found else None

    async def put_off(self, ids: Sequence[str], *, until_ms: int) -> None:
        """Look at these later: there is no room for them now."""
        if ids:
            async with unavailable_when_down():
                await self._client.zadd(keys.WEBHOOK_WAITING, dict.fromkeys(ids, until_ms), xx=True)

    async def take(self, ids: Sequence[str], *, now_ms: int, lease_ms: int) -> list[tuple[str, Delivery]]:
        """What these endpoints may be sent now, ours until the lease runs out: (endpoint, delivery)."""
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
                most_leased=AT_ONCE,
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

    async def finish(self, endpoint_id: str, verdict: Verdict, *, now_ms: int, may_disable: bool = True) -> str:
        """Give a delivery back. `late` when it was not ours any more; the reason when its endpoint became disabled."""
        call = FinishAttempt(
            endpoint=keys.webhook("endpoint", endpoint_id),
            due=keys.webhook("due", endpoint_id),
            leased=keys.webhook("leased", endpoint_id),
            records=keys.webhook("deliveries", endpoint_id),
            done=keys.webhook("done", endpoint_id),
            waiting=keys.WEBHOOK_WAITING,
            endpoint_id=endpoint_id,
            delivery_id=verdict.record.id,
            ms=now_ms,
            record=verdict.record.to_json(),
            due_ms=-1 if verdict.due_ms is None else verdict.due_ms,
            succeeded="" if verdict.good is None else verdict.good,
            closed_until_ms=verdict.closed_until_ms,
            breaker_failures=BREAKER_FAILURES,
            breaker_first_ms=BREAKER_FIRST_MS,
            breaker_longest_ms=BREAKER_LONGEST_MS,
            disable_after_ms=DISABLED_AFTER_MS if may_disable else _FOR_EVER_MS,
            disable_reason=verdict.disable,
            most_done=KEPT,
        )
        answer = await self._scripts.run(call)
        return str(answer.decode())

    async def again(self, endpoint_id: str, record: Delivery, *, now_ms: int, new: bool = False) -> bool:
        """Make a delivery due now, under its id; False when there is none such, unless it may be `new`."""
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
        """One delivery that waits or that the log still shows."""
        async with unavailable_when_down():
            found = await self._client.hget(keys.webhook("deliveries", endpoint_id), delivery_id)
        return Delivery.from_json(found) if found else None

    async def listed(self, endpoint_id: str, *, limit: int) -> list[Delivery]:
        """What waits, soonest first, then what is done, newest first."""
        due, leased, done = (keys.webhook(part, endpoint_id) for part in ("due", "leased", "done"))
        async with unavailable_when_down():
            ids = [*await self._client.zrange(leased, 0, limit - 1), *await self._client.zrange(due, 0, limit - 1)]
            ids += await self._client.zrevrange(done, 0, limit - 1)
            ids = list(dict.fromkeys(ids))[:limit]
            rows = await self._client.hmget(keys.webhook("deliveries", endpoint_id), ids) if ids else []
        return [Delivery.from_json(row) for row in rows if row]

    async def waiting(self, endpoint_id: str) -> int:
        """How many deliveries are not done."""
        async with unavailable_when_down():
            due = await self._client.zcard(keys.webhook("due", endpoint_id))
            return int(due) + int(await self._client.zcard(keys.webhook("leased", endpoint_id)))


def _keys(part: str, endpoint_ids: Sequence[str]) -> list[str]:
    return [keys.webhook(part, one) for one in endpoint_ids]
