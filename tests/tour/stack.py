"""The five services as real processes, on a Valkey and an index of their own. Started once for the whole tour."""

from __future__ import annotations

import asyncio
import subprocess
import sys
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import httpx

from shared.store import Credentials, connect
from tests.support.valkey import Valkey, free_port

ROOT = Path(__file__).resolve().parents[2]


@dataclass
class Stack:
    """Where everything is, and a client for each side: `producer` has a key, `reader` has none."""

    directory: Path
    valkey: Valkey
    ports: dict[str, int] = field(default_factory=dict)
    processes: dict[str, subprocess.Popen[bytes]] = field(default_factory=dict)
    key: str = ""
    env: dict[str, str] = field(default_factory=dict)

    @property
    def index_url(self) -> str:
        return f"embedded:{self.directory / 'index'}"

    @property
    def producer(self) -> httpx.AsyncClient:
        return httpx.AsyncClient(
            base_url=f"http://127.0.0.1:{self.ports['ingest']}", headers={"Authorization": f"Bearer {self.key}"}
        )

    @property
    def reader(self) -> httpx.AsyncClient:
        return httpx.AsyncClient(base_url=f"http://127.0.0.1:{self.ports['serve']}")

    def start(self) -> None:
        """Start all five and wait until each says that it is ready."""
        self.ports = {service: free_port() for service in ("ingest", "enrich", "index", "serve", "notify")}
        self.key = asyncio.run(self._make_key())
        for service, port in self.ports.items():
            name = service.upper()
            environment = {
                "PYTHONPATH": str(ROOT),
                "PATH": "/usr/bin:/bin",
                "BROADSHEET_ENVIRONMENT": "local",
                "BROADSHEET_REDIS_URL": self.valkey.url,
                "BROADSHEET_INDEX_URL": self.index_url,
                "BROADSHEET_WEBHOOK_KEY": "of the tour, and long enough for it",
                f"{name}_PORT" if service in {"ingest", "serve"} else f"{name}_HEALTH_PORT": str(port),
            }
            environment |= self.env
            with (self.directory / f"{service}.log").open("wb") as log:
                self.processes[service] = subprocess.Popen(
                    [sys.executable, "-m", f"services.{service}.app"], cwd=ROOT, env=environment, stdout=log, stderr=log
                )
        for service in self.ports:
            asyncio.run(self._ready(service))

    def stop(self) -> None:
        """End all five, and show how."""
        for process in self.processes.values():
            process.terminate()
        codes = {service: process.wait(15) for service, process in self.processes.items()}
        assert codes == dict.fromkeys(codes, 0), codes

    async def _make_key(self) -> str:
        client = connect(self.valkey.url)
        key, _ = await Credentials(client).create("tour", frozenset({"ingest", "subscribe"}), sources={"*"})
        await client.aclose()
        return key

    async def _ready(self, service: str) -> None:
        from tests.support.builders import wait_until

        async def ready() -> bool:
            if self.processes[service].poll() is not None:
                raise AssertionError((self.directory / f"{service}.log").read_text("utf-8", "replace")[-3000:])
            try:
                async with httpx.AsyncClient() as http:
                    answer: Any = await http.get(f"http://127.0.0.1:{self.ports[service]}/readyz")
            except httpx.TransportError:
                return False
            return bool(answer.status_code == 200)

        await wait_until(ready, timeout=120, what=f"{service} ready")
