"""A private Meilisearch for tests: own port, own directory, own key, and proof that the server that answers is ours."""

from __future__ import annotations

import json
import secrets
import shutil
import signal
import subprocess
import time
import urllib.error
import urllib.request
from dataclasses import dataclass, field
from pathlib import Path

import pytest

from tests.support.valkey import free_port


def missing() -> str | None:
    """Why no server can be started here; None when one can."""
    if shutil.which("meilisearch"):
        return None
    return "ENGINE NOT TESTED: meilisearch: no `meilisearch` on PATH"


@dataclass
class Meilisearch:
    """A server process that can be killed and started again on the same data."""

    directory: Path
    port: int = field(default_factory=free_port)
    key: str = field(default_factory=lambda: secrets.token_hex(16))
    process: subprocess.Popen[bytes] | None = None
    options: tuple[str, ...] = ()

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    @property
    def settings(self) -> dict[str, str]:
        """How a service is told to use it."""
        return {"BROADSHEET_INDEX_URL": f"meilisearch:{self.url}", "BROADSHEET_INDEX_KEY": self.key}

    def start(self) -> None:
        """Start, and wait until it answers to the key that only our child knows."""
        if reason := missing():
            pytest.skip(reason)
        self.directory.mkdir(parents=True, exist_ok=True)
        with (self.directory / "server.log").open("ab") as log:
            self.process = subprocess.Popen(self._command(), stdout=log, stderr=log, cwd=self.directory)
        deadline = time.monotonic() + 30
        while time.monotonic() < deadline:
            assert self.process.poll() is None, (self.directory / "server.log").read_text()[-2000:]
            try:
                self.version()
            except urllib.error.HTTPError as error:
                raise AssertionError(f"another server answers on our port: {error.code}") from error
            except OSError:
                time.sleep(0.02)
                continue
            return
        raise AssertionError("Meilisearch did not start within 30 s")

    def version(self) -> str:
        request = urllib.request.Request(f"{self.url}/version", headers={"Authorization": f"Bearer {self.key}"})
        with urllib.request.urlopen(request, timeout=5) as answer:
            return str(json.load(answer)["pkgVersion"])

    def _command(self) -> list[str]:
        return [
            "meilisearch", "--http-addr", f"127.0.0.1:{self.port}", "--db-path", str(self.directory / "data"),
            "--master-key", self.key, "--env", "development", "--no-analytics", "--max-indexing-threads", "1",
            "--max-indexing-memory", "256MiB", "--log-level", "WARN", *self.options,
        ]  # fmt: skip

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
