"""Addresses of the stack: from the environment, else from the run.json that `broadsheet up` wrote."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING

from broadsheet.failure import CliFailure
from broadsheet.runstate import RunState
from broadsheet.settings import CliSettings
from broadsheet.supervisor.layout import Layout

if TYPE_CHECKING:
    from shared.store import Redis

_NOT_RUNNING = "nothing is running here; start it with `broadsheet up` or set {name}"


class StackTarget:
    """Addresses and API key of the stack. A missing value raises CliFailure with instructions."""

    def __init__(self, settings: CliSettings | None = None) -> None:
        self.settings = settings or CliSettings()
        self.layout = Layout(self.settings.data_dir.absolute())
        self.state = RunState.read(self.layout.run_file) if self.layout.owner() else None

    @property
    def redis_url(self) -> str:
        """The database."""
        if self.settings.redis_url is not None:
            return self.settings.redis_url.get_secret_value()
        return self._from_state("redis_url", "BROADSHEET_REDIS_URL")

    @property
    def ingest_url(self) -> str:
        """Base URL of ingest, without a slash at the end."""
        return (self.settings.ingest_url or self._from_state("ingest_url", "BROADSHEET_INGEST_URL")).rstrip("/")

    @property
    def serve_url(self) -> str:
        """Base URL of serve, without a slash at the end."""
        return (self.settings.serve_url or self._from_state("serve_url", "BROADSHEET_SERVE_URL")).rstrip("/")

    @property
    def public_url(self) -> str:
        """Public base URL of serve for printed links, without a trailing slash."""
        return (self.settings.public_url or self.serve_url).rstrip("/")

    @property
    def index_url(self) -> str:
        """The search engine."""
        return self.settings.index_url or (self.state.index_url if self.state else "") or self.layout.index_url

    @property
    def key(self) -> str | None:
        """The API key, if there is one."""
        if self.settings.api_key is not None:
            return self.settings.api_key.get_secret_value()
        if self.state is not None:
            return self.state.key or None
        return None

    def _from_state(self, name: str, variable: str) -> str:
        value = getattr(self.state, name) if self.state else ""
        if not value:
            raise CliFailure(_NOT_RUNNING.format(name=variable))
        return str(value)


@asynccontextmanager
async def database(target: StackTarget | None = None) -> AsyncIterator[Redis]:
    """A client of the stack's database, closed at the end. Connection errors become StoreUnavailable."""
    from shared.observability.logging import configure_logging
    from shared.store import connect
    from shared.store.connection import unavailable_when_down

    found = target or StackTarget()
    configure_logging(found.settings)  # logs go to stderr; stdout is for results
    client = connect(found.redis_url)
    try:
        async with unavailable_when_down(deadline=None):
            yield client
    finally:
        await client.aclose()
