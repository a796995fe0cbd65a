"""notify for tests: its parts on a real store with a clock that is moved, and receivers that keep what they get."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

from services.notify.adapters.event_fanout import EventFanout
from services.notify.adapters.messages import Messages
from services.notify.adapters.replay_worker import ReplayWorker
from services.notify.adapters.topic_poller import TopicPoller
from services.notify.adapters.webhook_sender import WebhookSender
from services.notify.adapters.websub_hub import WebSubHub
from services.notify.handlers import Dispatcher
from services.serve.adapters.webhooks import Webhooks
from shared.clock import now
from shared.fetch import GuardedClient
from shared.query.grammar import parse
from shared.query.percolator import is_broad
from shared.store import PublicationLog
from shared.store.articles.redis import RedisArticleStore
from shared.store.subscriptions.registry import Subscription, Subscriptions, new_id
from shared.store.webhooks.deliveries import Deliveries, Delivery
from shared.store.webhooks.endpoints import Endpoint, Endpoints
from shared.store.webhooks.websub import WebSub
from shared.webhooks import Secret, SecretCipher, verify
from tests.support.builders import wait_until
from tests.support.fetching import local_policy
from tests.support.serving import WEBHOOK_KEY

SOURCE = "https://news.example.org"


@dataclass
class Clock:
    """Real time, moved ahead by hand."""

    ahead: timedelta = timedelta()

    def __call__(self) -> datetime:
        return now() + self.ahead

    def move(self, **by: float) -> None:
        """Later by so much."""
        self.ahead += timedelta(**by)


@dataclass
class Notify:
    """The service in pieces: `read` takes in the log, `send` attempts what is due and waits for it."""

    client: Any
    guarded: GuardedClient
    clock: Clock = field(default_factory=Clock)
    lease_seconds: float = 20.0
    serve_url: str = "http://127.0.0.1:1"

    def __post_init__(self) -> None:
        publications, store = PublicationLog(self.client), RedisArticleStore(self.client)
        self.subscriptions, self.endpoints = Subscriptions(self.client), Endpoints(self.client)
        self.deliveries = Deliveries(self.client)
        self.webhooks = Webhooks(self.client, publications, WEBHOOK_KEY)
        messages = Messages(store, publications, source=SOURCE)
        cipher = self.cipher = SecretCipher(WEBHOOK_KEY)
        self.sender = WebhookSender(
            self.guarded, messages, self.endpoints, self.deliveries, cipher, clock=self.clock, chance=lambda: 0.0
        )
        self.websub = WebSub(self.client)
        self.topic_poller = TopicPoller(
            self.guarded,
            publications,
            self.websub,
            public_url=SOURCE,
            serve_url=self.serve_url,
            now_ms=self.sender.now_ms,
        )
        hub_url = f"{SOURCE}/v1/websub"
        following = WebSubHub(
            self.guarded, self.topic_poller, self.websub, self.deliveries, cipher, hub_url=hub_url, clock=self.clock
        )
        self.dispatcher = Dispatcher(
            self.sender, following, self.deliveries, parallel=512, lease_seconds=self.lease_seconds
        )
        self.fanout = EventFanout(
            publications, store, self.subscriptions, self.endpoints, self.deliveries, now_ms=self.sender.now_ms
        )
        self.replay_worker = ReplayWorker(self.client, publications, store, self.subscriptions, self.deliveries)

    async def subscribe(self, sink: str, q: str = "ferry", *, active: bool = True) -> tuple[Subscription, Secret]:
        """A saved search with an endpoint, which has answered its ping already unless `active` is False."""
        fresh = new_id()
        made = await self.webhooks.create(fresh, sink)
        broad = is_broad(parse(q, now=now()))
        one = await self.subscriptions.create("k", q, types=(), sink=sink, broad=broad, id_=fresh)
        if active:
            (waiting,) = await self.deliveries.recent(fresh, limit=1)
            await self.client.zrem(f"{{p0}}:webhook-due:{fresh}", waiting.id)
            await self.client.hset(f"{{p0}}:webhook-endpoint:{fresh}", mapping={"status": "active", "verified": 1})
        return one, made.secret

    async def read(self) -> int:
        """Everything that the log holds; how many deliveries it made."""
        made = count = await self.fanout.step()
        while count:
            count = await self.fanout.step()
            made += count
        return made

    async def send(self) -> None:
        """Attempt what is due now, until it is done."""
        await self.dispatcher.step()
        await self.dispatcher.idle()

    async def state(self, subscription: Subscription) -> Endpoint:
        """The endpoint now."""
        found = await self.endpoints.get(subscription.id)
        assert found is not None
        return found

    async def listed(self, subscription: Subscription) -> list[Delivery]:
        """Its deliveries."""
        return await self.deliveries.recent(subscription.id, limit=200)


@asynccontextmanager
async def notifying(client: Any, serve_url: str = "http://127.0.0.1:1", **limits: Any) -> AsyncIterator[Notify]:
    """The service; `limits` are of the policy of its requests."""
    policy = local_policy(**({"max_redirects": 0, "total_seconds": 15.0} | limits))
    async with GuardedClient(policy, purpose="test", connections=2048) as guarded:
        yield Notify(client, guarded, serve_url=serve_url)


def genuine(asked: Any, secret: Secret, clock: Callable[[], datetime]) -> bool:
    """Whether a request that came over the wire carries good signatures of both kinds."""
    head = asked.headers
    at = clock().timestamp()
    return all(
        verify(key, head["webhook-id"], head["webhook-timestamp"], head["webhook-signature"], asked.body, now=at)
        for key in (secret.shown, secret.public_key)
    )


async def settled(condition: Callable[[], Any]) -> None:
    """Wait until it holds."""
    await wait_until(condition)
    await asyncio.sleep(0)
