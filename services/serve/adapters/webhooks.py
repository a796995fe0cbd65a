"""Management of webhook endpoints for their owners; notify delivers."""

from __future__ import annotations

import secrets
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from typing import Final

from services.serve.domain.websub import HubRequest
from shared.clock import now
from shared.errors import Permanent
from shared.store import PublicationLog, Redis
from shared.store.webhooks.deliveries import MAX_WAITING, PING, Deliveries, Delivery
from shared.store.webhooks.endpoints import Endpoint, Endpoints
from shared.store.webhooks.replays import Replays
from shared.store.webhooks.websub import WebSub, WebSubRequest, subscriber_id
from shared.webhooks import Keys, Secret, SecretCipher, delivery_id, new_secret

SECRET_OVERLAP_MS: Final = 86_400_000
"""How long the old secret signs as well after a rotation."""
MAX_SECRETS: Final = 3


class WebhookConflict(Permanent):
    """The state of the endpoint does not allow the request."""


@dataclass(frozen=True, slots=True)
class CreatedEndpoint:
    """A new endpoint and its secret, which is shown only once."""

    endpoint: Endpoint
    secret: Secret


class Webhooks:
    """Creates and changes endpoints. Raises StoreUnavailable; without a master key it cannot create any."""

    def __init__(self, client: Redis, publications: PublicationLog, key: str) -> None:
        self._endpoints = Endpoints(client)
        self._deliveries = Deliveries(client)
        self._replays = Replays(client)
        self._hub = WebSub(client)
        self._log = publications
        self._cipher = SecretCipher(key) if key else None

    @property
    def available(self) -> bool:
        """Whether endpoints can be created."""
        return self._cipher is not None

    async def create(self, subscription_id: str, sink: str) -> CreatedEndpoint:
        """Create or replace the endpoint, with a ping due. It is active once it has answered the ping."""
        bounds, secret = await self._log.bounds(), new_secret()
        at = _now_ms()
        made = Endpoint(
            id=subscription_id,
            sink=sink,
            sealed=self._seal((secret,), subscription_id),
            ping=_ping_id(subscription_id),
            since=bounds.last,
            created_ms=at,
        )
        await self._endpoints.put(made)
        await self._ping(made, made.ping)
        return CreatedEndpoint(made, secret)

    async def get(self, subscription_id: str) -> Endpoint | None:
        """The endpoint of a saved search."""
        return await self._endpoints.get(subscription_id)

    async def delete(self, subscription_id: str) -> None:
        """Delete the endpoint and its queued deliveries."""
        await self._endpoints.delete(subscription_id)

    async def rotate(self, endpoint: Endpoint) -> Secret:
        """Create a new secret; the previous one signs as well for a day. Raises WebhookConflict."""
        at = _now_ms()
        kept = [key for key in self._open(endpoint) if key.until_ms is None or key.until_ms > at]
        if len(kept) >= MAX_SECRETS:
            raise WebhookConflict(
                "the secret was rotated twice within 24 hours; wait until the oldest one expires", rule="rotated"
            )
        fresh = new_secret()
        old = tuple(replace(key, until_ms=key.until_ms or at + SECRET_OVERLAP_MS) for key in kept)
        sealed = self._seal((fresh, *old), endpoint.id)
        if not await self._endpoints.replace_secret(endpoint.id, old=endpoint.sealed, new=sealed):
            raise WebhookConflict("the webhook was changed concurrently; try again", rule="version-conflict")
        return fresh

    async def test(self, endpoint: Endpoint) -> str:
        """Send a ping now; its `webhook-id`. Raises WebhookConflict."""
        _refuse_disabled(endpoint)
        if await self._deliveries.count_unfinished(endpoint.id) >= MAX_WAITING:
            raise WebhookConflict("its delivery queue is full", rule="queue-full")
        message_id = endpoint.ping if endpoint.status == "pending" else _ping_id(endpoint.id)
        await self._ping(endpoint, message_id)
        return message_id

    async def enable(self, endpoint: Endpoint) -> str | None:
        """Make queued deliveries due; the cursor of the first missed event, '' for none, None if it was deleted."""
        missed = await self._endpoints.enable(endpoint.id, now_ms=_now_ms())
        changed = await self._endpoints.get(endpoint.id)
        if changed is not None and changed.status == "pending":
            await self._ping(changed, changed.ping)
        return missed

    async def deliveries(self, endpoint: Endpoint, *, limit: int) -> tuple[list[Delivery], int]:
        """Queued and finished deliveries, and how many are queued."""
        return await self._deliveries.recent(endpoint.id, limit=limit), await self._deliveries.count_unfinished(
            endpoint.id
        )

    async def retry(self, endpoint: Endpoint, message_id: str) -> bool:
        """Send one delivery again under its id; False if it is unknown."""
        found = await self._deliveries.get(endpoint.id, message_id)
        if found is None:
            return False
        fresh = replace(found, state="waiting", attempts=0)
        return await self._deliveries.requeue(endpoint.id, fresh, now_ms=_now_ms())

    async def replay(self, endpoint: Endpoint, *, after: str, until: str | None) -> str:
        """Replay a range of the log, up to `until` or the current end; returns the last cursor of the range.

        Raises WebhookConflict for a disabled endpoint, for which nothing is queued.
        """
        _refuse_disabled(endpoint)
        last = until or (await self._log.bounds()).last
        await self._replays.request(endpoint.id, after=after, until=last)
        return last

    async def follow(self, hub_request: HubRequest, callback: str) -> None:
        """Store a request to the hub; notify verifies the callback. Raises WebhookConflict."""
        owner = subscriber_id(callback, hub_request.topic)
        sealed = self._key().encrypt_bytes(hub_request.secret.encode(), owner=owner) if hub_request.secret else ""
        request = WebSubRequest(hub_request.mode, callback, hub_request.topic, hub_request.lease_seconds, sealed)
        if not await self._hub.submit(request, now_ms=_now_ms()):
            raise WebhookConflict("this hub has reached its limit of subscribers", rule="full")

    async def _ping(self, endpoint: Endpoint, message_id: str) -> None:
        at = _now_ms()
        await self._deliveries.requeue(
            endpoint.id, Delivery(message_id, PING, "", endpoint.id, at), now_ms=at, new=True
        )

    def _seal(self, keys: Keys, owner: str) -> str:
        return self._key().encrypt(keys, owner=owner)

    def _open(self, endpoint: Endpoint) -> Keys:
        return self._key().decrypt(endpoint.sealed, owner=endpoint.id)

    def _key(self) -> SecretCipher:
        if self._cipher is None:
            raise WebhookConflict(
                "webhooks are disabled on this server: BROADSHEET_WEBHOOK_KEY is empty", rule="no-webhooks"
            )
        return self._cipher


def at_time(unix_ms: int | None) -> datetime | None:
    """The instant of a stored time."""
    return None if unix_ms is None else datetime.fromtimestamp(unix_ms / 1000, UTC)


def _refuse_disabled(endpoint: Endpoint) -> None:
    if endpoint.status == "disabled":
        raise WebhookConflict("the webhook is disabled; enable it first", rule="disabled")


def _ping_id(endpoint_id: str) -> str:
    return delivery_id(endpoint_id, f"ping {secrets.token_hex(8)}")


def _now_ms() -> int:
    return int(now().timestamp() * 1000)
