"""ingest: HTTP service that accepts pages and articles and stores each with its event in one commit."""

from __future__ import annotations

import asyncio
import signal
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import uvicorn
from fastapi import FastAPI

from services.ingest.adapters.bodies import BodyBudget
from services.ingest.adapters.committer import Committer
from services.ingest.adapters.server import BACKLOG, server_config
from services.ingest.handlers import OutboundFetcher
from services.ingest.routes import articles, bulk, editing, sources
from services.ingest.routes import fetch as fetch_route
from services.ingest.routes.health import Readiness
from services.ingest.routes.requests import install_rejections
from services.ingest.settings import IngestSettings
from shared.access import Access, RequestLimits
from shared.fetch import FetchSettings
from shared.http_server.connection_limits import ConnectionLimits
from shared.http_server.file_descriptors import connections_that_fit
from shared.http_server.proxy_headers import ProxyHeaders
from shared.http_server.trusted_proxies import TrustedProxies, parse_networks
from shared.observability.access_log import AccessLog
from shared.observability.health import health_routes
from shared.observability.logging import configure_logging
from shared.problems import install_problem_handlers
from shared.store import Credentials, Sources, connect, open_store
from shared.tasks import cancel_and_wait

DESCRIPTION = (
    "Accepts pages and articles. `202 Accepted` means the article and its event are on disk. Errors are problem+json "
    "(RFC 9457) and name the field at fault. Keys: `broadsheet keys create NAME --scope ingest --source SOURCE`."
)


def create_app(settings: IngestSettings, fetch: FetchSettings | None = None) -> FastAPI:
    """The HTTP application; connects to the store on its first request. `fetch`: None reads the environment."""
    client = connect(settings.redis_url.get_secret_value())
    store = open_store(client)
    committer = Committer(store)
    ready = Readiness(client, store)

    outbound = OutboundFetcher(settings, Sources(client), committer, fetch or FetchSettings())

    @asynccontextmanager
    async def lifespan(_: FastAPI) -> AsyncIterator[None]:
        background = [asyncio.create_task(_wait_for_store(ready))]
        if settings.polls:
            background.append(asyncio.create_task(outbound.scheduler().run()))
        yield
        await cancel_and_wait(background)
        await outbound.aclose()
        await committer.aclose()
        await store.aclose()

    app = FastAPI(
        title="Broadsheet ingest",
        version="1",
        description=DESCRIPTION,
        openapi_url="/v1/openapi.json",
        docs_url=None,
        redoc_url=None,
        redirect_slashes=False,
        lifespan=lifespan,
        routes=list(health_routes(ready, started=ready.started)),
    )
    app.state.settings = settings
    app.state.access = Access(Credentials(client))
    app.state.committer = committer
    app.state.store = store
    app.state.outbound = outbound
    app.state.body_budget = BodyBudget(settings.held_bytes)
    app.state.close = store.aclose
    app.include_router(articles.router)
    app.include_router(editing.router)
    app.include_router(bulk.router)
    app.include_router(sources.router)
    app.include_router(fetch_route.router)
    install_problem_handlers(app)
    install_rejections(app)
    app.add_middleware(RequestLimits)
    app.add_middleware(AccessLog, per_second=settings.access_log_per_second)
    app.add_middleware(ProxyHeaders, proxies=TrustedProxies(parse_networks(settings.trusted_proxies)))
    return app


async def _wait_for_store(ready: Readiness) -> None:
    """Probe the store until it answers once; `/startupz` reports ready from then on."""
    while not ready.started():
        await ready()
        await asyncio.sleep(0.5)


def main() -> int:
    """Run until SIGTERM or SIGINT; 0 after a clean stop, 1 when the server could not start."""
    settings = IngestSettings()
    configure_logging(settings, service="ingest")
    total = connections_that_fit(settings.max_connections, backlog=BACKLOG)
    limits = ConnectionLimits(
        total=total,
        per_address=max(1, total // 4),
        header_seconds=settings.header_seconds,
        proxies=TrustedProxies(parse_networks(settings.trusted_proxies)),
    )
    server = uvicorn.Server(server_config(create_app(settings), host=settings.host, port=settings.port, limits=limits))
    # uvicorn re-raises the signal after its own shutdown. The default handler would then exit non-zero.
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda *_: None)
    server.run()
    return 0 if server.started else 1


if __name__ == "__main__":
    sys.exit(main())
