"""Response models of webhooks."""

from __future__ import annotations

from datetime import datetime

from pydantic import BaseModel

from services.serve.adapters.webhooks import at_time
from shared.store.webhooks.deliveries import Delivery
from shared.store.webhooks.endpoints import Endpoint
from shared.webhooks import Secret


class Webhook(BaseModel):
    """The endpoint of a saved search. `secret` and `public_key` are shown once, on creation."""

    url: str
    status: str
    reason: str | None = None
    created_at: datetime | None
    failing_since: datetime | None
    disabled_at: datetime | None
    missed_after: str | None
    secret: str | None = None
    public_key: str | None = None

    @classmethod
    def of(cls, found: Endpoint, secret: Secret | None = None) -> Webhook:
        """An endpoint as it is shown."""
        return cls(
            url=found.sink,
            status=found.status,
            reason=found.reason or None,
            created_at=at_time(found.created_ms),
            failing_since=at_time(found.failing_since),
            disabled_at=at_time(found.disabled_at),
            missed_after=just_before(found.missed_from) if found.missed_from else None,
            secret=secret.shown if secret else None,
            public_key=secret.public_key if secret else None,
        )


class Attempt(BaseModel):
    """One attempt. `status` is 0 without an HTTP response."""

    at: datetime | None
    status: int
    took_ms: int
    error: str


class DeliveryRow(BaseModel):
    """One delivery. `id` is its `webhook-id`, the same for every attempt."""

    id: str
    type: str
    cursor: str
    subject: str
    state: str
    created_at: datetime | None
    attempts: tuple[Attempt, ...]

    @classmethod
    def of(cls, found: Delivery) -> DeliveryRow:
        """A delivery as it is shown."""
        tries = tuple(
            Attempt(at=at_time(one.at), status=one.status, took_ms=one.took_ms, error=one.error) for one in found.tries
        )
        shown = {name: getattr(found, name) for name in ("id", "type", "cursor", "subject", "state")}
        return cls(**shown, created_at=at_time(found.created_ms), attempts=tries)


class DeliveriesBody(BaseModel):
    """The endpoint, its queue length, and its deliveries: queued ones, then the latest finished ones."""

    status: str = "ok"
    webhook: Webhook
    waiting: int
    results: tuple[DeliveryRow, ...]


class DeliveriesResponse(BaseModel):
    """The envelope of `/v1/subscriptions/{id}/deliveries`."""

    response: DeliveriesBody


class WebhookBody(BaseModel):
    """The endpoint after a change. `delivery` is a ping's `webhook-id`; `until` the end of a replay."""

    status: str = "ok"
    webhook: Webhook
    delivery: str | None = None
    missed_after: str | None = None
    until: str | None = None


def just_before(cursor: str) -> str:
    """The cursor right before this one: a replay `since` it includes that event."""
    ms, _, number = cursor.partition("-")
    return f"{ms}-{int(number) - 1}" if int(number) else f"{int(ms) - 1}-{2**63}"


class WebhookResponse(BaseModel):
    """The envelope of changes of a webhook."""

    response: WebhookBody
