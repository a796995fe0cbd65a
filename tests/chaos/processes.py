"""The whole system as real processes, each of which may be killed at any time and is started again by the harness."""

from __future__ import annotations

import asyncio
import os
import signal
import subprocess
import sys
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path

import httpx

from tests.support.valkey import Valkey, free_port

ENRICHERS = ("enrich-1", "enrich-2")
SERVICES = ("ingest", *ENRICHERS, "index", "serve")
_LOOK_EVERY_SECONDS = 0.05
_RESTART_AFTER_SECONDS = 0.2


@dataclass
class Service:
    """One service process: how it is started, which health port it has, how often it ended."""

    name: str
    command: list[str]
    port: int
    environment: dict[str, str]
    log: Path
    process: subprocess.Popen[bytes] | None = None
    born: float = 0.0
    exits: list[int] = field(default_factory=list)

    @property
    def base_url(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    def start(self) -> None:
        with self.log.open("ab") as output:
            self.process = subprocess.Popen(
                self.command, env=self.environment, stdout=output, stderr=subprocess.STDOUT, stdin=subprocess.DEVNULL
            )
        self.born = time.monotonic()

    def alive(self) -> bool:
        return self.process is not None and self.process.poll() is None

    def kill(self, number: signal.Signals = signal.SIGKILL) -> None:
        assert self.process is not None
        self.process.send_signal(number)

    async def ready(self, http: httpx.AsyncClient) -> bool:
        try:
            return (await http.get(f"{self.base_url}/readyz", timeout=2.0)).status_code == 200
        except httpx.HTTPError:
            return False


class System:
    """Valkey and all services in one directory. `keep_running` starts whatever ended again."""

    def __init__(
        self,
        directory: Path,
        *,
        entry_points: dict[str, list[str]] | None = None,
        only: tuple[str, ...] = SERVICES,
        **extra: str,
    ) -> None:
        self.directory = directory
        self.valkey = Valkey(directory / "valkey")
        self.stopping = False
        self.kills: dict[str, int] = {}
        ports = {name: free_port() for name in SERVICES}
        shared = {
            **os.environ,
            "BROADSHEET_REDIS_URL": self.valkey.url,
            "BROADSHEET_INDEX_URL": f"embedded:{self.index_directory}",
            "BROADSHEET_ENVIRONMENT": "local",
            "BROADSHEET_LOG_LEVEL": "INFO",
            "BROADSHEET_LOG_FORMAT": "json",
            "BROADSHEET_RECLAIM_IDLE_MS": "1500",
            "ENRICH_PARSERS": "1",
            "INGEST_HOST": "127.0.0.1",
            "INGEST_PORT": str(ports["ingest"]),
            "SERVE_HOST": "127.0.0.1",
            "SERVE_PORT": str(ports["serve"]),
            "INDEX_HEALTH_PORT": str(ports["index"]),
            **extra,
        }
        self.services: dict[str, Service] = {}
        for name in only:
            module = f"services.{name.partition('-')[0]}.app"
            command = (entry_points or {}).get(name) or [sys.executable, "-m", module]
            environment = shared | ({"ENRICH_HEALTH_PORT": str(ports[name])} if name in ENRICHERS else {})
            self.services[name] = Service(name, command, ports[name], environment, directory / f"{name}.log")

    @property
    def index_directory(self) -> Path:
        return self.directory / "index"

    @asynccontextmanager
    async def running(self) -> AsyncIterator[System]:
        """Started and ready; everything ends with the block."""
        try:
            await self.start()
            yield self
        finally:
            await asyncio.to_thread(self.stop)

    async def start(self, *, within: float = 90.0) -> None:
        """Start everything and wait until all are ready."""
        await asyncio.to_thread(self.valkey.start)
        for service in self.services.values():
            service.start()
        await self.all_ready(within=within)

    async def all_ready(self, *, within: float = 60.0) -> None:
        deadline = time.monotonic() + within
        async with httpx.AsyncClient() as http:
            for service in self.services.values():
                while not (service.alive() and await service.ready(http)):
                    assert time.monotonic() < deadline, f"{service.name} is not ready:\n{self.tail(service.name)}"
                    await asyncio.sleep(0.1)

    async def keep_running(self) -> None:
        """Start again whatever ended, as a supervisor does; runs until cancelled, or until `stop`."""
        while not self.stopping:
            for service in self.services.values():
                if not service.alive() and service.process is not None:
                    service.exits.append(service.process.returncode)
                    await asyncio.sleep(_RESTART_AFTER_SECONDS)
                    if not self.stopping:
                        service.start()
            await asyncio.sleep(_LOOK_EVERY_SECONDS)

    async def kill(self, name: str) -> None:
        """SIGKILL; Valkey is started again here, services by `keep_running`."""
        self.kills[name] = self.kills.get(name, 0) + 1
        if name == "valkey":
            await asyncio.to_thread(self.valkey.kill)
            await asyncio.sleep(_RESTART_AFTER_SECONDS)
            await asyncio.to_thread(self.valkey.start)
        else:
            self.services[name].kill()

    def can_be_killed(self, name: str, *, age: float) -> bool:
        """Whether it has run for `age` seconds, so that kills meet work and not only starts."""
        if name == "valkey":
            return True
        service = self.services[name]
        return service.alive() and time.monotonic() - service.born >= age

    def stop(self) -> None:
        self.stopping = True
        for service in self.services.values():
            if service.alive():
                service.kill(signal.SIGTERM)
        for service in self.services.values():
            if service.process is not None:
                try:
                    service.process.wait(timeout=15)
                except subprocess.TimeoutExpired:
                    service.kill()
                    service.process.wait(timeout=5)
        self.valkey.kill()

    def tail(self, name: str, characters: int = 1500) -> str:
        return self.services[name].log.read_text(errors="replace")[-characters:]
