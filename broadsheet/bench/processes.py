"""A private stack of real processes for benchmarks: Valkey and the services.

All data are in one directory, all ports are free loopback ports; a running Broadsheet is not affected.
"""

from __future__ import annotations

import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

import httpx

from broadsheet.supervisor.engine import find_engine

STOP_WITHIN_SECONDS: Final = 20.0
_PATH: Final = "/usr/local/bin:/usr/bin:/bin"


class CannotStart(Exception):
    """A process of the benchmark did not start; the message includes the end of its log."""


def free_port() -> int:
    """A free loopback port."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


@dataclass
class Running:
    """A named process and its output file."""

    name: str
    process: subprocess.Popen[bytes]
    log: Path

    @property
    def pid(self) -> int:
        return self.process.pid

    def log_tail(self, characters: int = 2_000) -> str:
        """The end of its output."""
        return self.log.read_text(errors="replace")[-characters:]

    def stop(self) -> None:
        """SIGTERM, then SIGKILL after a time limit."""
        if self.process.poll() is None:
            self.process.send_signal(signal.SIGTERM)
            try:
                self.process.wait(timeout=STOP_WITHIN_SECONDS)
            except subprocess.TimeoutExpired:
                self.process.kill()
                self.process.wait(timeout=STOP_WITHIN_SECONDS)


def launch(name: str, command: list[str], directory: Path, environment: Mapping[str, str]) -> Running:
    """Start a process with exactly this environment (and a PATH), its output in `<name>.log`."""
    log = directory / f"{name}.log"
    with log.open("ab") as output:
        process = subprocess.Popen(  # noqa: S603 - our own programs, no shell
            command,
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=subprocess.STDOUT,
            cwd=directory,
            env={"PATH": _PATH, "HOME": str(directory), "LANG": "C.UTF-8", **environment},
        )
    return Running(name, process, log)


def wait_until_up(running: Running, is_up: Callable[[], bool], *, within: float = 60.0) -> None:
    """Wait until `is_up` returns True. Raises CannotStart if the process ends first or on timeout."""
    deadline = time.monotonic() + within
    while not is_up():
        if running.process.poll() is not None:
            code = running.process.returncode
            raise CannotStart(f"{running.name} ended with exit code {code}:\n{running.log_tail()}")
        if time.monotonic() > deadline:
            raise CannotStart(f"{running.name} was not ready within {within:g} s:\n{running.log_tail()}")
        time.sleep(0.05)


@contextmanager
def private_valkey(directory: Path, name: str = "valkey") -> Iterator[tuple[str, Running]]:
    """A Valkey with `appendfsync always` and its URL."""
    port = free_port()
    data = directory / f"{name}-data"
    data.mkdir()
    options = {
        "port": str(port),
        "bind": "127.0.0.1",
        "dir": str(data),
        "appendonly": "yes",
        "appendfsync": "always",
        "save": "",
        "maxmemory-policy": "noeviction",
    }
    command = [str(find_engine().program), *(part for key, value in options.items() for part in (f"--{key}", value))]
    running = launch(name, command, directory, {})
    try:
        wait_until_up(running, lambda: _listens(port))
        yield f"redis://127.0.0.1:{port}/0", running
    finally:
        running.stop()


def is_ok(url: str, *, within: float) -> bool:
    """Whether a GET returns 200 within this many seconds."""
    try:
        return httpx.get(url, timeout=within).status_code == httpx.codes.OK
    except httpx.HTTPError:
        return False


def _listens(port: int) -> bool:
    with socket.socket() as probe:
        probe.settimeout(0.5)
        return probe.connect_ex(("127.0.0.1", port)) == 0


@dataclass
class BenchStack:
    """The four services on one private Valkey."""

    directory: Path
    redis_url: str
    extra: dict[str, str] = field(default_factory=dict)
    """Additional settings."""
    ports: dict[str, int] = field(default_factory=dict)
    running: dict[str, Running] = field(default_factory=dict)
    _exits: ExitStack = field(default_factory=ExitStack)

    def __post_init__(self) -> None:
        self.ports = {service: free_port() for service in ("ingest", "serve", "enrich", "index")}

    def environment(self) -> dict[str, str]:
        """Environment of every service."""
        return {
            "BROADSHEET_REDIS_URL": self.redis_url,
            "BROADSHEET_INDEX_URL": f"embedded:{self.directory / 'index'}",
            "BROADSHEET_ENVIRONMENT": "local",
            "BROADSHEET_LOG_LEVEL": "WARNING",
            "BROADSHEET_LOG_FORMAT": "text",
            "INGEST_HOST": "127.0.0.1",
            "INGEST_PORT": str(self.ports["ingest"]),
            "SERVE_HOST": "127.0.0.1",
            "SERVE_PORT": str(self.ports["serve"]),
            "ENRICH_HEALTH_PORT": str(self.ports["enrich"]),
            "INDEX_HEALTH_PORT": str(self.ports["index"]),
            **self.extra,
        }

    def start(self, service: str, ready: Callable[[str], bool]) -> Running:
        """Start one service and wait until `ready(base_url)`."""
        environment = self.environment()
        command = [sys.executable, "-m", f"services.{service}.app"]
        running = launch(service, command, self.directory, environment)
        self._exits.callback(running.stop)
        self.running[service] = running
        wait_until_up(running, lambda: ready(self.base_url(service)))
        return running

    def base_url(self, service: str) -> str:
        """Base URL of the service."""
        return f"http://127.0.0.1:{self.ports[service]}"

    def stop(self) -> None:
        """Stop all services, last started first."""
        self._exits.close()
