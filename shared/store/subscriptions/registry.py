"""Stored saved searches: one JSON record each, versioned, and a change stream.

The change stream contains ids only; a reader loads the latest state of each, so order, repeats and restarts do not
matter. Entries are numbered consecutively: a reader that missed some, because the stream is bounded, reloads
everything. Equal queries of different owners are separate subscriptions. Secrets of sinks are not stored here.
"""

from __future__ import annotations

import secrets
from collections.abc import AsyncIterator
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Final

import orjson
from redis.asyncio import Redis

from shared.clock import now
from shared.errors import Permanent
from shared.store import keys
from shared.store.connection import RedisClient, unavailable_when_down
from shared.store.scripts import Scripts
from shared.store.subscriptions.scripts import DeleteSubscription, SaveSubscription

MAX_BROAD: Final = 1_000
"""Maximum subscriptions without a required word or field, which are verified against every article."""
_CHANGES_KEPT: Final = 20_000
_PART: Final = 1_000


class SubscriptionLimit(Permanent):
    """A limit is reached; `rule` is `owner-full`, `full` or `too-many-broad`."""


class SubscriptionConflict(Permanent):
    """The subscription was changed or deleted concurrently."""

    def __init__(self, subscription_id: str) -> None:
        super().__init__(f"subscription {subscription_id} was changed meanwhile", rule="version-conflict")


@dataclass(frozen=True, slots=True)
class Subscription:
    """One saved search. `q` is canonical; `types` are of `LOG_EVENT_TYPES`, empty means all; `sink` is an https URL."""

    id: str
    owner: str
    """Id of the API key that created it."""
    q: str
    types: tuple[str, ...]
    sink: str | None
    created_at: datetime
    updated_at: datetime
    version: int = 1
    broad: bool = False
    """Whether it has no required word or field."""


def new_id() -> str:
    """A new unique id."""
    return f"sub_{secrets.token_hex(12)}"


@dataclass(frozen=True, slots=True)
class SubscriptionChange:
    """The latest state of a changed subscription; None if it was deleted."""

    id: str
    subscription: Subscription | None


@dataclass(frozen=True, slots=True)
class Changes:
    """Changes after a position, and the next position. `lost`: changes were missed, reload everything."""

    changes: tuple[SubscriptionChange, ...]
    position: ChangePosition
    lost: bool = False


@dataclass(frozen=True, slots=True)
class ChangePosition:
    """A position in the change stream: entry id and number of changes up to it."""

    cursor: str
    count: int


class Subscriptions:
    """Repository of saved searches and reader of their change stream. Raises StoreUnavailable."""

    def __init__(self, client: Redis, *, per_owner: int = 100_000, total: int = 250_000) -> None:
        self._client: RedisClient = client
        self._scripts = Scripts(client)
        self._per_owner = per_owner
        self._total = total

    async def create(
        self, owner: str, q: str, *, types: tuple[str, ...], sink: str | None, broad: bool, id_: str | None = None
    ) -> Subscription:
        """Create a subscription, with this new id if given. Durable on return. Raises SubscriptionLimit."""
        at = now()
        made = Subscription(id_ or new_id(), owner, q, types, sink, at, at, broad=broad)
        await self._save(made, expected=0)
        return made

    async def replace(
        self, old: Subscription, *, q: str, types: tuple[str, ...], sink: str | None, broad: bool
    ) -> Subscription:
        """Store the next version of `old`. Raises SubscriptionConflict if `old` is outdated, and SubscriptionLimit."""
        new = replace(old, q=q, types=types, sink=sink, broad=broad, version=old.version + 1, updated_at=now())
        await self._save(new, expected=old.version)
        return new

    async def delete(self, subscription: Subscription) -> bool:
        """Delete it, whatever its version; False if it did not exist."""
        call = DeleteSubscription(
            records=keys.SUBSCRIPTIONS,
            of_owner=keys.subscriptions_of(subscription.owner),
            broad=keys.BROAD_SUBSCRIPTIONS,
            changes=keys.SUBSCRIPTION_CHANGES,
            counter=keys.SUBSCRIPTION_COUNT,
            subscription_id=subscription.id,
            most_changes=_CHANGES_KEPT,
        )
        return bool(await self._scripts.run(call))

    async def get(self, subscription_id: str) -> Subscription | None:
        """The latest state."""
        (found,) = await self._many([subscription_id])
        return found

    async def of_owner(self, owner: str, *, offset: int = 0, limit: int = 100) -> tuple[list[Subscription], int]:
        """The subscriptions of an owner, oldest first, and their total number."""
        key = keys.subscriptions_of(owner)
        async with unavailable_when_down():
            ids = [one.decode() for one in await self._client.zrange(key, offset, offset + limit - 1)]
            total = int(await self._client.zcard(key))
        return [one for one in await self._many(ids) if one is not None], total

    async def page(self, *, offset: int = 0, limit: int = 100) -> tuple[list[Subscription], int]:
        """Those of all owners, oldest first, and how many there are in all. Reads every record: for administrators."""
        found = {one.id: one async for one in self.scan()}
        ordered = sorted(found.values(), key=lambda one: (one.created_at, one.id))
        return ordered[offset : offset + limit], len(ordered)

    async def scan(self) -> AsyncIterator[Subscription]:
        """All subscriptions, unordered; one that changes during the scan may be returned twice."""
        cursor = 0
        while True:
            async with unavailable_when_down():
                cursor, rows = await self._client.hscan(keys.SUBSCRIPTIONS, cursor, count=_PART)
            for subscription_id, record in rows.items():
                yield _read(subscription_id.decode(), record)
            if not cursor:
                return

    async def position(self) -> ChangePosition:
        """The end of the change stream. Read it before `everything`, then read changes from it."""
        async with unavailable_when_down():
            newest = await self._client.xrevrange(keys.SUBSCRIPTION_CHANGES, count=1)
        return _position(newest[0]) if newest else ChangePosition("0-0", 0)

    async def changes(self, after: ChangePosition, *, count: int = 500, block_ms: int | None = None) -> Changes:
        """Changes after a position; waits up to `block_ms` (below 5 s) if there are none."""
        async with unavailable_when_down(deadline=None):
            answer = await self._client.xread({keys.SUBSCRIPTION_CHANGES: after.cursor}, count=count, block=block_ms)
        streams = list(answer.values() if isinstance(answer, dict) else [rows for _, rows in answer or ()])
        rows = streams[0][0] if streams and isinstance(answer, dict) else (streams[0] if streams else [])
        if not rows:
            return Changes((), after)
        ids = list(dict.fromkeys(fields[b"id"].decode() for _, fields in rows))
        states = await self._many(ids)
        found = tuple(
            SubscriptionChange(subscription_id, state) for subscription_id, state in zip(ids, states, strict=True)
        )
        return Changes(found, _position(rows[-1]), lost=_position(rows[0]).count != after.count + 1)

    # --- internal ---------------------------------------------------------------------------------------------------

    async def _save(self, one: Subscription, *, expected: int) -> None:
        call = SaveSubscription(
            records=keys.SUBSCRIPTIONS,
            of_owner=keys.subscriptions_of(one.owner),
            broad=keys.BROAD_SUBSCRIPTIONS,
            changes=keys.SUBSCRIPTION_CHANGES,
            counter=keys.SUBSCRIPTION_COUNT,
            subscription_id=one.id,
            record=_written(one),
            expected_version=expected,
            created_us=int(one.created_at.timestamp() * 1_000_000),
            is_broad=one.broad,
            most_of_owner=self._per_owner,
            most_in_all=self._total,
            most_broad=MAX_BROAD,
            most_changes=_CHANGES_KEPT,
        )
        outcome = (await self._scripts.run(call)).decode()
        if outcome == "conflict":
            raise SubscriptionConflict(one.id)
        if outcome != "saved":
            raise SubscriptionLimit(_REASONS[outcome], rule=outcome)

    async def _many(self, ids: list[str]) -> list[Subscription | None]:
        if not ids:
            return []
        async with unavailable_when_down():
            records = await self._client.hmget(keys.SUBSCRIPTIONS, ids)
        return [_read(one, record) if record else None for one, record in zip(ids, records, strict=True)]


_REASONS: Final = {
    "owner-full": "this key has as many subscriptions as it may have",
    "full": "there is no room for more subscriptions",
    "too-many-broad": "there are too many subscriptions without a required word, tag, section, source or language",
}


def _written(one: Subscription) -> bytes:
    return orjson.dumps(
        {
            "owner": one.owner,
            "q": one.q,
            "types": one.types,
            "sink": one.sink,
            "created_at": one.created_at,
            "updated_at": one.updated_at,
            "version": one.version,
            "broad": one.broad,
        }
    )


def _read(subscription_id: str, record: bytes) -> Subscription:
    row = orjson.loads(record)
    return Subscription(
        id=subscription_id,
        owner=row["owner"],
        q=row["q"],
        types=tuple(row["types"]),
        sink=row["sink"],
        created_at=datetime.fromisoformat(row["created_at"]),
        updated_at=datetime.fromisoformat(row["updated_at"]),
        version=row["version"],
        broad=row["broad"],
    )


def _position(row: tuple[bytes, dict[bytes, bytes]]) -> ChangePosition:
    return ChangePosition(row[0].decode(), int(row[1][b"n"]))
