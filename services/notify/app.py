"""notify: delivers matching events to webhooks. `python -m services.notify.app` runs it."""

from __future__ import annotations

import asyncio
import signal
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from ipaddress import ip_network
from typing import Any

import uvicorn
from starlette.applications import Starlette

from services.notify.adapters.event_fanout import EventFanout
from services.notify.adapters.key_watcher import KeyWatcher
from services.notify.adapters.messages import Messages
from services.notify.adapters.replay_worker import ReplayWorker
from services.notify.adapters.topic_poller import TopicPoller
from services.notify.adapters.webhook_sender import WebhookSender
from services.notify.adapters.websub_hub import WebSubHub
from services.notify.handlers import Dispatcher
from services.notify.settings import NotifySettings
from shared.errors import Retryable
from shared.fetch import FetchPolicy, FetchSettings, GuardedClient
from shared.observability.health import health_routes
from shared.observability.logging import configure_logging
from shared.store import Credentials, PublicationLog, check_server, connect, open_store
from shared.store.subscriptions.registry import Subscriptions
from shared.store.webhooks.deliveries import MAX_CONCURRENT, Deliveries
from shared.store.webhooks.endpoints import Endpoints
from shared.store.webhooks.websub import WebSub
from shared.tasks import cancel_and_wait
from shared.webhooks import SecretCipher

LEASE_MARGIN_SECONDS = 5.0
"""A lease exceeds the request timeout by this, so that no other process sends the same delivery concurrently."""


class NotifyService:
    """The wired service. Create it inside an event loop."""

    def __init__(self, settings: NotifySettings, fetch: FetchSettings) -> None:
        self.redis = connect(settings.redis_url.get_secret_value())
        self.store = open_store(self.redis)
        publications = PublicationLog(self.redis)
        subscriptions, endpoints = Subscriptions(self.redis), Endpoints(self.redis)
        deliveries = Deliveries(self.redis)
        policy = fetch.policy(
            max_redirects=0, connect_seconds=settings.connect_seconds, total_seconds=settings.total_seconds
        )
        self.client = GuardedClient(policy, purpose="webhook", connections=settings.parallel * MAX_CONCURRENT)
        self.websub_client = GuardedClient(policy, purpose="websub", connections=settings.parallel * MAX_CONCURRENT)
        cipher = SecretCipher(settings.webhook_key.get_secret_value())
        messages = Messages(self.store, publications, source=settings.public_url)
        self.sender = WebhookSender(self.client, messages, endpoints, deliveries, cipher)
        lease = settings.total_seconds + LEASE_MARGIN_SECONDS
        self.serve = GuardedClient(_to_serve(settings), purpose="topic")
        # Anybody may register callbacks: however many are due, they take no connection away from webhooks.
        self.websub_redis = connect(settings.redis_url.get_secret_value())
        websub = WebSub(self.websub_redis)
        self.topic_poller = TopicPoller(
            self.serve,
            publications,
            websub,
            public_url=settings.public_url,
            serve_url=settings.serve_url,
            now_ms=self.sender.now_ms,
        )
        hub_url = f"{settings.public_url}/v1/websub"
        following = WebSubHub(
            self.websub_client, self.topic_poller, websub, Deliveries(self.websub_redis), cipher, hub_url=hub_url
        )
        self.dispatcher = Dispatcher(
            self.sender, following, deliveries, parallel=settings.parallel, lease_seconds=lease
        )
        self.fanout = EventFanout(
            publications,
            self.store,
            subscriptions,
            endpoints,
            deliveries,
            now_ms=self.sender.now_ms,
            queued=self.dispatcher.wake,
        )
        self.replay_worker = ReplayWorker(self.redis, publications, self.store, subscriptions, deliveries)
        self.key_watcher = KeyWatcher(Credentials(self.redis), subscriptions, endpoints, now_ms=self.sender.now_ms)
        self._tasks: list[asyncio.Task[None]] = []

    async def start(self) -> None:
        """Start reading and sending."""
        with suppress(Retryable):  # Redis may start later; its version is checked then
            await check_server(self.redis)
        loops = (self.fanout, self.dispatcher, self.replay_worker, self.topic_poller, self.key_watcher)
        work = [each.run() for each in loops]
        self._tasks = [asyncio.create_task(each) for each in work]
        for task in self._tasks:
            task.add_done_callback(_died)

    async def ready(self) -> tuple[bool, dict[str, Any]]:
        """Ready: the log is being read and every background task is running."""
        facts = {"reading": self.fanout.reading, "running": all(not task.done() for task in self._tasks)}
        return all(facts.values()) and bool(self._tasks), facts

    async def stop(self) -> None:
        """Stop; in-flight deliveries are redelivered when their lease expires."""
        await cancel_and_wait(self._tasks)
        await self.client.aclose()
        await self.websub_client.aclose()
        await self.websub_redis.aclose()
        await self.serve.aclose()
        await self.store.aclose()


def _to_serve(settings: NotifySettings) -> FetchPolicy:
    """Policy for requests to our own serve on a private network; users cannot choose this address."""
    nets = ("127.0.0.0/8", "10.0.0.0/8", "172.16.0.0/12", "192.168.0.0/16", "::1/128", "fc00::/7")
    return FetchPolicy(
        allowed=tuple(map(ip_network, nets)), ports=None, max_redirects=0, total_seconds=settings.total_seconds
    )


def _died(task: asyncio.Task[None]) -> None:
    """A background task failed: exit, so that the process is restarted."""
    if not task.cancelled():
        signal.raise_signal(signal.SIGTERM)


def create_app(settings: NotifySettings, fetch: FetchSettings | None = None) -> Starlette:
    """The health endpoint; its lifespan runs the service."""
    running: list[NotifyService] = []

    @asynccontextmanager
    async def lifespan(_: Starlette) -> AsyncIterator[None]:
        service = NotifyService(settings, fetch or FetchSettings())
        await service.start()
        running.append(service)
        try:
            yield
        finally:
            await service.stop()

    async def ready() -> tuple[bool, dict[str, Any]]:
        return await running[0].ready() if running else (False, {})

    return Starlette(routes=health_routes(ready, started=lambda: bool(running)), lifespan=lifespan)


def main() -> int:
    """Run until a signal. Exit code 0 after a clean stop, 1 if it could not start or a task failed."""
    settings = NotifySettings()
    configure_logging(settings, service="notify")
    # Loopback only for local runs; a container listens on its own network.
    host = "127.0.0.1" if settings.environment == "local" else "0.0.0.0"  # noqa: S104
    SecretCipher(settings.webhook_key.get_secret_value())  # refuse to start without a key
    config = uvicorn.Config(
        create_app(settings),
        http="h11",
        loop="asyncio",
        host=host,
        port=settings.health_port,
        log_config=None,
        access_log=False,
        lifespan="on",
        limit_concurrency=64,
        timeout_graceful_shutdown=1,
    )
    server = uvicorn.Server(config)
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda *_: None)  # uvicorn raises them again after a clean stop; not an error
    server.run()
    return 0 if server.started else 1


if __name__ == "__main__":
    raise SystemExit(main())
