"""Response models of saved searches."""

from __future__ import annotations

from datetime import datetime
from urllib.parse import urlencode

from pydantic import BaseModel

from services.serve.domain import links as paths
from services.serve.routes.schemas import Result
from services.serve.routes.webhook_schemas import Webhook
from shared.store.subscriptions.registry import Subscription


class SavedSearch(BaseModel):
    """One saved search. `q` is in canonical form; no `types` means all. `owner` is the id of the key that made it."""

    id: str
    owner: str
    q: str
    types: tuple[str, ...]
    sink: str | None
    created_at: datetime
    updated_at: datetime
    version: int
    links: dict[str, str]

    @classmethod
    def of(cls, found: Subscription) -> SavedSearch:
        """A saved search as it is shown."""
        path = f"/v1/subscriptions/{found.id}"
        links = {
            "self": path,
            "preview": f"{path}/preview",
            "events": f"/v1/events?subscription={found.id}",
            "feed": paths.feed("subscriptions", "atom", found.id),
            "public_feed": f"{paths.feed('search', 'atom')}?{urlencode({'q': found.q, 'match': 'strict'})}",
        }
        fields = {name: getattr(found, name) for name in cls.model_fields if name != "links"}
        return cls(**fields, links=links)


class SubscriptionBody(BaseModel):
    """One saved search, and its webhook if it has a sink."""

    status: str = "ok"
    subscription: SavedSearch
    webhook: Webhook | None = None


class SubscriptionResponse(BaseModel):
    """The envelope of `/v1/subscriptions/{id}`."""

    response: SubscriptionBody


class SubscriptionsBody(BaseModel):
    """Saved searches of a key, oldest first."""

    status: str = "ok"
    total: int
    currentPage: int  # noqa: N815 - the Guardian's style
    pageSize: int  # noqa: N815
    results: tuple[SavedSearch, ...]


class SubscriptionsResponse(BaseModel):
    """The envelope of `/v1/subscriptions`."""

    response: SubscriptionsBody


class PreviewBody(BaseModel):
    """Past matches of a saved search. The stream at `next` continues after `cursor` without a gap or repeat."""

    status: str = "ok"
    subscription: SavedSearch
    total: int
    totalIsExact: bool  # noqa: N815
    cursor: str
    next: str
    results: tuple[Result, ...]


class PreviewResponse(BaseModel):
    """The envelope of `/v1/subscriptions/{id}/preview`."""

    response: PreviewBody
