"""serve: the public HTTP API. `python -m services.serve.app` runs it; `create_app` wires it."""

from __future__ import annotations

import asyncio
import signal
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager, suppress
from typing import Any, Final

from fastapi import FastAPI
from starlette.middleware.cors import CORSMiddleware
from starlette.staticfiles import StaticFiles

from services.serve.adapters.connections import BACKLOG, server
from services.serve.adapters.head_requests import WITHOUT_HEAD, HeadRequests
from services.serve.adapters.history import History, RejectionHistory
from services.serve.adapters.hub import Hub
from services.serve.adapters.index_epoch import IndexEpoch
from services.serve.adapters.log_streams import LogStreams
from services.serve.adapters.query_vectors import QueryVectors
from services.serve.adapters.recent_changes import RecentChanges
from services.serve.adapters.stream_sessions import StreamSessions, StreamTimeouts
from services.serve.adapters.webhooks import Webhooks
from services.serve.domain.connection_limiter import ConnectionLimiter
from services.serve.routes import (
    articles,
    contracts,
    events,
    exports,
    feeds,
    pages,
    rejections,
    search,
    sitemaps,
    stories,
    subscriptions,
    webhooks,
    websub,
)
from services.serve.routes.page_templates import HERE
from services.serve.routes.responses import install_error_handlers
from services.serve.routes.services import Services
from services.serve.settings import ServeSettings
from shared.access import Access, RequestLimits
from shared.errors import Retryable
from shared.fetch import FetchSettings, TargetChecker
from shared.http_server.connection_limits import ConnectionLimits
from shared.http_server.file_descriptors import connections_that_fit
from shared.http_server.proxy_headers import ProxyHeaders
from shared.http_server.trusted_proxies import TrustedProxies, parse_networks
from shared.observability.access_log import AccessLog
from shared.observability.health import health_routes
from shared.observability.logging import configure_logging
from shared.problems import install_problem_handlers
from shared.search import open_index
from shared.search.port import SearchIndex
from shared.store import Credentials, PublicationLog, check_server, connect, open_store
from shared.store.index_jobs.models import Models
from shared.store.rejection_log import RejectionLog
from shared.store.subscriptions.registry import Subscriptions
from shared.tasks import cancel_and_wait

_ABOUT = (
    "Search, articles, tag streams and the public event log. Names follow the Guardian Content API; an unknown "
    "parameter is a 400 that names it. Errors are RFC 9457 problems."
)
_REQUEST_CONNECTIONS: Final = 2_000
"""Connections besides open streams."""


def create_app(settings: ServeSettings, *, index: SearchIndex | None = None) -> FastAPI:
    """The app with the configured store and index; `index` replaces the engine in tests."""
    client = connect(settings.redis_url.get_secret_value())
    publications = PublicationLog(client)
    store = open_store(client)
    credentials = Credentials(client)
    access = Access(credentials)
    history = History(publications, store, source=settings.public_url)
    hub = Hub(history)
    timeouts = StreamTimeouts(settings.sse_heartbeat_seconds, settings.sse_lifetime_seconds)

    def verified(scope: str) -> Callable[[str], Awaitable[bool]]:
        async def is_good(key: str) -> bool:
            credential = await access.verify(key)
            return credential is not None and bool({scope, "admin"} & credential.scopes)

        return is_good

    rejection_log = RejectionLog(client)
    rejection_history = RejectionHistory(rejection_log, source=settings.public_url)
    rejection_hub = Hub(rejection_history)
    engine = open_index(settings, writer=False) if index is None else index
    services = Services(
        settings=settings,
        store=store,
        publications=publications,
        index=engine,
        epoch=IndexEpoch(engine, lambda: hub.head),
        query_vectors=QueryVectors(Models(client)),
        credentials=credentials,
        subscriptions=Subscriptions(
            client, per_owner=settings.subscriptions_per_key, total=settings.subscriptions_total
        ),
        webhooks=Webhooks(client, publications, settings.webhook_key.get_secret_value()),
        sinks=TargetChecker(FetchSettings().policy()),
        changes=RecentChanges(publications, store),
        history=history,
        hub=hub,
        sessions=StreamSessions(hub, verified("subscribe"), timeouts=timeouts),
        connection_limiter=ConnectionLimiter(
            per_address=settings.sse_per_ip, per_key=settings.sse_per_key, total=settings.sse_total
        ),
        rejections=LogStreams(
            rejection_log,
            rejection_history,
            rejection_hub,
            StreamSessions(rejection_hub, verified("ingest"), timeouts=timeouts),
        ),
    )

    @asynccontextmanager
    async def lifespan(_: FastAPI) -> AsyncIterator[None]:
        followed = (services.public_streams, services.rejections)
        tasks = [asyncio.create_task(each.run()) for streams in followed for each in (streams.hub, streams.sessions)]
        try:
            with suppress(Retryable):  # Redis may start later; its version is checked then
                await check_server(client)
            yield
        finally:
            for streams in followed:
                streams.hub.close()
            await cancel_and_wait(tasks)
            await services.sinks.aclose()
            await services.index.aclose()
            await services.store.aclose()

    app = FastAPI(
        title="Broadsheet",
        version="1.0.0",
        description=_ABOUT,
        openapi_url="/v1/openapi.json",
        docs_url=None,
        redoc_url=None,
        lifespan=lifespan,
        telemetry={"tracing": False, "metrics": False, "logs": False},  # not exported, but looked up at each request
    )
    app.state.services = services
    app.state.access = access
    app.state.without_head = WITHOUT_HEAD
    install_problem_handlers(app)
    install_error_handlers(app)
    app.router.routes.extend([search.SEARCH_ROUTE, *health_routes(lambda: _ready(services))])
    app.mount("/static", StaticFiles(directory=HERE / "static"), name="static")
    for part in (
        search,
        articles,
        exports,
        stories,
        events,
        rejections,
        contracts,
        subscriptions,
        webhooks,
        websub,
        feeds,
        sitemaps,
        pages,
    ):
        app.include_router(part.router)
    app.add_middleware(
        CORSMiddleware,
        allow_origins=["*"],
        allow_methods=["GET", "POST", "PATCH", "DELETE"],
        allow_headers=["*"],  # no cookies here, so a header of another origin carries no authority but a key it knows
        expose_headers=["ETag", "Link", "Retry-After", "Mercure-Last-Event-ID"],
        max_age=86_400,
    )
    app.add_middleware(HeadRequests)
    app.add_middleware(RequestLimits)
    app.add_middleware(AccessLog, per_second=settings.access_log_per_second)
    app.add_middleware(ProxyHeaders, proxies=TrustedProxies(parse_networks(settings.trusted_proxies)))
    return app


async def _ready(services: Services) -> tuple[bool, dict[str, Any]]:
    """Ready: the public log and the index answer."""
    facts: dict[str, Any] = {}
    ok = True
    for name, question in (("log", services.publications.bounds), ("index", services.index.stats)):
        try:
            async with asyncio.timeout(2):
                await question()
            facts[name] = "ok"
        except (Retryable, TimeoutError) as error:
            ok = False
            facts[name] = str(error)[:200] or "no answer within 2 s"
    return ok, facts


def main() -> int:
    """Run until a signal. Exit code 0 after a clean stop, else 1."""
    settings = ServeSettings()
    configure_logging(settings, service="serve")
    app = create_app(settings)
    services: Services = app.state.services
    hubs = (services.hub, services.rejections.hub)
    total = connections_that_fit(settings.sse_total + _REQUEST_CONNECTIONS, backlog=BACKLOG)
    limits = ConnectionLimits(
        total=total,
        per_address=max(total // 4, settings.sse_per_ip + 1),
        proxies=TrustedProxies(parse_networks(settings.trusted_proxies)),
    )
    running = server(app, host=settings.host, port=settings.port, hubs=hubs, limits=limits)
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda *_: None)  # uvicorn raises them again after a clean stop; not an error
    running.run()
    return 0 if running.started else 1


if __name__ == "__main__":
    raise SystemExit(main())
