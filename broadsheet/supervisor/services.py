"""The processes of the stack as data: command, environment and readiness probe."""

from __future__ import annotations

import sys
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import httpx

from broadsheet.failure import CliFailure
from broadsheet.supervisor.ports import HOST
from broadsheet.supervisor.process import ServiceSpec
from shared.errors import StoreUnavailable
from shared.store import check_server, connect
from shared.store.connection import unavailable_when_down

SERVICES: Final = ("ingest", "enrich", "index", "serve", "notify")
"""In pipeline order."""
WAVES: Final = (("enrich", "index", "ingest", "notify"), ("serve",))
"""Start order after Redis. serve needs the index that the index service creates. A wave starts in parallel."""
STOP_WAVES: Final = (("ingest", "serve", "notify"), ("enrich", "index"))
"""Shutdown order: HTTP services, then workers, then Redis."""


@dataclass(frozen=True, slots=True)
class Stack:
    """Ports and URLs of the stack."""

    ports: Mapping[str, int]
    redis_url: str
    index_url: str
    webhook_key: str = ""

    def url(self, service: str) -> str:
        """Base URL of a service's HTTP port."""
        return f"http://{HOST}:{self.ports[service]}"

    def environment(self, inherited: Mapping[str, str]) -> dict[str, str]:
        """Environment of every service."""
        ours = {
            "BROADSHEET_REDIS_URL": self.redis_url,
            "BROADSHEET_INDEX_URL": self.index_url,
            "BROADSHEET_ENVIRONMENT": "local",
            "BROADSHEET_WEBHOOK_KEY": self.webhook_key,
            "BROADSHEET_LOG_FORMAT": "text",
            "INGEST_HOST": HOST,
            "INGEST_PORT": str(self.ports["ingest"]),
            "INGEST_PUBLIC_URL": self.url("serve"),
            "SERVE_PUBLIC_URL": self.url("serve"),
            "SERVE_HOST": HOST,
            "SERVE_PORT": str(self.ports["serve"]),
            "ENRICH_HEALTH_PORT": str(self.ports["enrich"]),
            "INDEX_HEALTH_PORT": str(self.ports["index"]),
            "NOTIFY_HEALTH_PORT": str(self.ports["notify"]),
            "NOTIFY_PUBLIC_URL": self.url("serve"),
            "NOTIFY_SERVE_URL": self.url("serve"),
            "SERVE_HUB_URL": f"{self.url('serve')}/v1/websub",
            "PYTHONUNBUFFERED": "1",
        }
        chosen = {name: inherited[name] for name in ("BROADSHEET_LOG_FORMAT",) if name in inherited}
        return {**inherited, **ours, **chosen}


def service_spec(name: str, stack: Stack, inherited: Mapping[str, str], http: httpx.AsyncClient) -> ServiceSpec:
    """A Broadsheet service: `python -m services.<name>.app`, ready when /readyz answers 200."""
    return ServiceSpec(
        name=name,
        argv=(sys.executable, "-m", f"services.{name}.app"),
        env=stack.environment(inherited),
        ready=http_probe(http, f"{stack.url(name)}/readyz"),
        port=stack.ports[name],
    )


def redis_spec(program: Path, config: Path, url: str, inherited: Mapping[str, str]) -> ServiceSpec:
    """The bundled Redis server, ready when it answers PING and has loaded its data."""
    return ServiceSpec(
        name="redis",
        argv=(str(program), str(config)),
        env=inherited,
        ready=lambda: redis_answers(url),
        start_seconds=120.0,  # loading a large append-only file takes time
    )


def http_probe(http: httpx.AsyncClient, url: str) -> Callable[[], Awaitable[bool]]:
    """A probe that passes if a GET of this URL answers 200 within two seconds."""

    async def probe() -> bool:
        try:
            return (await http.get(url, timeout=2.0)).status_code == httpx.codes.OK
        except httpx.HTTPError:
            return False

    return probe


async def redis_answers(url: str) -> bool:
    """Whether the server answers PING. LOADING counts as not ready."""
    client = connect(url)
    try:
        async with unavailable_when_down(deadline=2.0):
            await client.ping()
    except StoreUnavailable:
        return False
    finally:
        await client.aclose()
    return True


async def checked_server(url: str) -> str:
    """Name and version of the server at `url`. Raises CliFailure if it is unreachable or refuses the credentials."""
    client = connect(url)
    try:
        async with unavailable_when_down(deadline=5.0):
            return await check_server(client)
    except StoreUnavailable as error:
        raise CliFailure(f"BROADSHEET_REDIS_URL does not answer: {error}", code=2) from error
    finally:
        await client.aclose()
