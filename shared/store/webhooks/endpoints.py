"""Stored webhook endpoints: one per subscription with a sink. Signing keys are encrypted.

An endpoint is `pending` until it answers a ping, then `active`; it becomes `disabled` when it answers 410, fails for
days, or its queue is full. While it is disabled nothing is sent or queued; `missed_from` is the cursor to replay from.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Final, Literal, cast

from redis.asyncio import Redis

from shared.store import keys
from shared.store.connection import RedisClient, unavailable_when_down
from shared.store.scripts import Arg, Key, Script, Scripts
from shared.store.webhooks.scripts import DeleteEndpoint, EnableEndpoint, ReplaceSecret

Status = Literal["pending", "active", "disabled"]
_PARTS: Final = ("endpoint", "due", "leased", "deliveries", "done")


@dataclass(frozen=True, slots=True)
class Endpoint:
    """The endpoint of one subscription. Times are Unix ms; `since` and `missed_from` are log cursors."""

    id: str
    sink: str
    sealed: str = field(repr=False)
    ping: str
    """Id of the ping that must succeed first."""
    since: str
    """End of the log at creation; earlier events are not delivered."""
    status: Status = "pending"
    reason: str = ""
    """Reason why it is disabled: `gone`, `failing`, `queue-full`, `key-revoked`, `key-expired`."""
    created_ms: int = 0
    disabled_at: int | None = None
    failing_since: int | None = None
    failures: int = 0
    """Consecutive failed attempts."""
    open_until: int | None = None
    """End of the open period of the circuit breaker."""
    missed_from: str | None = None
    """Cursor of the first event that was not queued while it was disabled."""


class DisableEndpoint(Script):
    """Disable an endpoint. Returns 1, or 0 if it is deleted or disabled already.

    Guarantees: nothing is sent afterwards; queued deliveries stay.
    """

    endpoint: Key
    waiting: Key
    endpoint_id: Arg
    reason: Arg
    ms: Arg
    ALLOW_OOM = True

    LUA = """
    redis.call('ZCARD', waiting)
    local status = redis.call('HGET', endpoint, 'status')
    if not status or status == 'disabled' then return 0 end
    redis.call('HSET', endpoint, 'status', 'disabled', 'reason', reason, 'disabled_at', ms)
    redis.call('ZREM', waiting, endpoint_id)
    return 1
    """


class Endpoints:
    """Repository of endpoints. Raises StoreUnavailable."""

    def __init__(self, client: Redis) -> None:
        self._client: RedisClient = client
        self._scripts = Scripts(client)

    async def put(self, made: Endpoint) -> None:
        """Store a new endpoint, replacing any with the same id."""
        await self.delete(made.id)
        row = {"sink": made.sink, "sealed": made.sealed, "ping": made.ping, "since": made.since}
        row |= {"status": made.status, "created_ms": str(made.created_ms)}
        async with unavailable_when_down():
            await self._client.hset(keys.webhook("endpoint", made.id), mapping=row)

    async def get(self, endpoint_id: str) -> Endpoint | None:
        """One endpoint."""
        return (await self.get_many([endpoint_id]))[0]

    async def get_many(self, ids: Sequence[str]) -> list[Endpoint | None]:
        """Several endpoints, in this order."""
        if not ids:
            return []
        async with unavailable_when_down(), self._client.pipeline(transaction=False) as pipe:
            for one in ids:
                pipe.hgetall(keys.webhook("endpoint", one))
            rows = await pipe.execute()
        return [_read(one, row) if row else None for one, row in zip(ids, rows, strict=True)]

    async def replace_secret(self, endpoint_id: str, *, old: str, new: str) -> bool:
        """Replace the encrypted keys; False if they changed concurrently or the endpoint is gone."""
        key = keys.webhook("endpoint", endpoint_id)
        replaced = await self._scripts.run(ReplaceSecret(endpoint=key, expected=old, encrypted=new))
        return bool(replaced)

    async def enable(self, endpoint_id: str, *, now_ms: int) -> str | None:
        """Enable it and send its queue. Returns the cursor from which events were missed, '' for none, None if it is
        gone."""
        call = EnableEndpoint(
            endpoint=keys.webhook("endpoint", endpoint_id),
            due=keys.webhook("due", endpoint_id),
            waiting=keys.WEBHOOK_WAITING,
            endpoint_id=endpoint_id,
            ms=now_ms,
        )
        found = await self._scripts.run(call)
        return None if found is None else cast("bytes", found).decode()

    async def disable(self, ids: Sequence[str], *, reason: str, now_ms: int) -> list[str]:
        """Stop sending to endpoints; the ids of those that were not disabled before."""
        calls = [
            DisableEndpoint(
                endpoint=keys.webhook("endpoint", one),
                waiting=keys.WEBHOOK_WAITING,
                endpoint_id=one,
                reason=reason,
                ms=now_ms,
            )
            for one in ids
        ]
        changed = await self._scripts.run_all(calls) if calls else []
        return [one for one, done in zip(ids, changed, strict=True) if done]

    async def delete(self, endpoint_id: str) -> None:
        """Delete it with its queue."""
        call = DeleteEndpoint(
            stored=[*stored_keys(endpoint_id), keys.webhook("replay", endpoint_id)],
            waiting=keys.WEBHOOK_WAITING,
            replays=keys.WEBHOOK_REPLAYS,
            endpoint_id=endpoint_id,
        )
        await self._scripts.run(call)


def stored_keys(endpoint_id: str) -> list[str]:
    """Redis keys of an endpoint and its deliveries."""
    return [keys.webhook(part, endpoint_id) for part in _PARTS]


def _read(endpoint_id: str, row: dict[bytes, bytes]) -> Endpoint:
    text = {name.decode(): value.decode() for name, value in row.items()}

    def number(name: str) -> int | None:
        return int(text[name]) if name in text else None

    return Endpoint(
        id=endpoint_id,
        sink=text["sink"],
        sealed=text["sealed"],
        ping=text["ping"],
        since=text["since"],
        status=cast("Status", text["status"]),
        reason=text.get("reason", ""),
        created_ms=int(text["created_ms"]),
        disabled_at=number("disabled_at"),
        failing_since=number("failing_since"),
        failures=int(text.get("failures", "0")),
        open_until=number("open_until"),
        missed_from=text.get("missed_from"),
    )
