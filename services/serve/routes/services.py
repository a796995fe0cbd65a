"""Dependencies of the routes, created once per process, in `app.state.services`."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated, cast

from fastapi import Depends, Request

from services.serve.adapters.history import History
from services.serve.adapters.hub import Hub
from services.serve.adapters.index_epoch import IndexEpoch
from services.serve.adapters.log_streams import LogStreams
from services.serve.adapters.query_vectors import QueryVectors
from services.serve.adapters.recent_changes import RecentChanges
from services.serve.adapters.stream_sessions import StreamSessions
from services.serve.adapters.webhooks import Webhooks
from services.serve.domain.connection_limiter import ConnectionLimiter
from services.serve.settings import ServeSettings
from shared.fetch import TargetChecker
from shared.search.port import SearchIndex
from shared.store import ArticleStore, Credentials, PublicationLog
from shared.store.subscriptions.registry import Subscriptions


@dataclass(frozen=True, slots=True)
class Services:
    """The ports of this process."""

    settings: ServeSettings
    store: ArticleStore
    publications: PublicationLog
    index: SearchIndex
    epoch: IndexEpoch
    query_vectors: QueryVectors
    changes: RecentChanges
    history: History
    hub: Hub
    sessions: StreamSessions
    connection_limiter: ConnectionLimiter
    credentials: Credentials
    subscriptions: Subscriptions
    webhooks: Webhooks
    sinks: TargetChecker
    """Checks sinks of saved searches and WebSub callbacks."""
    rejections: LogStreams
    """The private log of rejections."""

    @property
    def public_streams(self) -> LogStreams:
        """The public log."""
        return LogStreams(self.publications, self.history, self.hub, self.sessions)


async def _services(
    request: Request,
) -> Services:  # async: FastAPI would run a sync dependency in a thread at each request
    return cast("Services", request.app.state.services)


Ports = Annotated[Services, Depends(_services)]
