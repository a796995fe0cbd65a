"""`broadsheet doctor` checks of webhooks: log position, delivery queue, failing and disabled endpoints."""

from __future__ import annotations

from collections import Counter
from collections.abc import AsyncIterator
from typing import Final

from broadsheet.finding import Finding
from shared.clock import now
from shared.store import PublicationLog, Redis
from shared.store.publication_log import parse_cursor
from shared.store.subscriptions.registry import Subscriptions
from shared.store.webhooks.deliveries import Deliveries
from shared.store.webhooks.endpoints import Endpoint, Endpoints

LATE_MS: Final = 60_000
"""Age after which an unread event or an overdue delivery counts as a failure."""
PAGE: Final = 1_000
_RUNNING: Final = "is notify running? see data/logs"


async def webhooks(client: Redis) -> list[Finding]:
    """Checks the heartbeat, log position, queue and endpoints. Raises StoreUnavailable.

    A disabled endpoint is reported but not a failure: it is for its owner to fix.
    """
    deliveries, at = Deliveries(client), round(now().timestamp() * 1000)
    alive = await deliveries.has_heartbeat(now_ms=at)
    soonest = await deliveries.next_due_ms()
    overdue = max(0, at - soonest) if soonest is not None else 0
    return [
        Finding("notify heartbeat", alive, "alive" if alive else "none", _RUNNING),
        await _reading(client, deliveries, at),
        Finding("webhook queue", overdue < LATE_MS, _queue(soonest, overdue), f"nothing is sent: {_RUNNING}"),
        Finding("webhook endpoints", True, await _endpoints(client)),
    ]


async def _reading(client: Redis, deliveries: Deliveries, at: int) -> Finding:
    """Age of the oldest event that notify has not read, from its log id."""
    mark = await deliveries.checkpoint()
    if mark is None:
        return Finding("webhook reading", False, "notify has never read the log", _RUNNING)
    unread = await PublicationLog(client).read(mark.cursor, count=1)
    age = max(0, at - parse_cursor(unread[0].cursor)[0]) if unread else 0
    text = f"behind by {age / 1000:.0f} s, at {mark.cursor}" if unread else "up to date"
    return Finding("webhook reading", age < LATE_MS, text, f"events are not queued: {_RUNNING}")


def _queue(soonest: int | None, overdue: int) -> str:
    if soonest is None:
        return "empty"
    return f"the oldest has been due for {overdue / 1000:.0f} s" if overdue else "nothing is due"


async def _endpoints(client: Redis) -> str:
    """Describes the number of endpoints per status and why endpoints are disabled."""
    status: Counter[str] = Counter()
    reasons: Counter[str] = Counter()
    async for endpoint in _all(client):
        status[endpoint.status] += 1
        if endpoint.status == "disabled":
            reasons[endpoint.reason] += 1
    why = ", ".join(f"{reason} {count}" for reason, count in sorted(reasons.items()))
    words = ", ".join(f"{count} {name}" for name, count in sorted(status.items()))
    return (words or "none") + (f" ({why}): `broadsheet webhook list` with the key of the owner" if why else "")


async def _all(client: Redis) -> AsyncIterator[Endpoint]:
    endpoints = Endpoints(client)
    ids = [subscription.id async for subscription in Subscriptions(client).scan() if subscription.sink]
    for first in range(0, len(ids), PAGE):
        for found in await endpoints.get_many(ids[first : first + PAGE]):
            if found is not None:
                yield found
