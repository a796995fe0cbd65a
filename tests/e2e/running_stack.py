"""A whole Broadsheet as a user starts it: `broadsheet up` in a process of its own, on free ports and its own data."""

from __future__ import annotations

import json
import os
import random
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final

import httpx

from broadsheet.runstate import RunState

FREE_PORTS = (
    "--port-redis=0",
    "--port-serve=0",
    "--port-ingest=0",
    "--port-enrich=0",
    "--port-index=0",
    "--port-notify=0",
)
UP_SECONDS = 90.0


def environment(data: Path, **more: str) -> dict[str, str]:
    """The caller's environment without its BROADSHEET_* settings, with this data directory."""
    clean = {name: value for name, value in os.environ.items() if not name.startswith("BROADSHEET_")}
    return {**clean, "BROADSHEET_DATA_DIR": str(data), **more}


Done = subprocess.CompletedProcess[str]


def broadsheet(data: Path, *args: str, stdin: bytes = b"", timeout: float = 90.0, **env: str) -> Done:
    """Run one command of the CLI to its end."""
    done = subprocess.run(
        [sys.executable, "-m", "broadsheet", *args],
        input=stdin,
        capture_output=True,
        env=environment(data, **env),
        timeout=timeout,
        check=False,
    )
    return subprocess.CompletedProcess(done.args, done.returncode, done.stdout.decode(), done.stderr.decode())


def answer(done: Done) -> Any:
    """The JSON a command printed; it must have succeeded."""
    assert done.returncode == 0, done.stdout + done.stderr
    return json.loads(done.stdout)


@dataclass
class RunningStack:
    """One `up`. `start` returns when it is ready, or raises with what it printed."""

    data: Path
    args: tuple[str, ...] = FREE_PORTS
    env: dict[str, str] = field(default_factory=dict)
    process: subprocess.Popen[bytes] | None = None

    def start(self) -> RunningStack:
        """Launched, and ready."""
        self.launch()
        try:
            wait_for(self._ready, UP_SECONDS, "up is ready", self.process)
        except BaseException:
            assert self.process is not None
            self.process.kill()
            print(self.output()[-6000:])
            raise
        return self

    def launch(self) -> RunningStack:
        """Only started: it is not ready yet."""
        self.data.mkdir(parents=True, exist_ok=True)
        with self.output_file.open("wb") as out:
            self.process = subprocess.Popen(
                [sys.executable, "-m", "broadsheet", "up", *self.args],
                env=environment(self.data, **self.env),
                stdin=subprocess.DEVNULL,
                stdout=out,
                stderr=subprocess.STDOUT,
                start_new_session=True,  # so that a Ctrl-C at the test run is not one for it
            )
        return self

    def _ready(self) -> bool:
        state = RunState.read(self.run_file)
        return state is not None and state.ready and state.pid == self.pid

    @property
    def run_file(self) -> Path:
        return self.data / "run.json"

    @property
    def output_file(self) -> Path:
        return self.data / "up.out"

    @property
    def pid(self) -> int:
        assert self.process is not None
        return self.process.pid

    @property
    def state(self) -> RunState:
        state = RunState.read(self.run_file)
        assert state is not None, "run.json is gone"
        return state

    def output(self) -> str:
        return self.output_file.read_text(errors="replace")

    def cli(self, *args: str, stdin: bytes = b"", **env: str) -> Done:
        return broadsheet(self.data, *args, stdin=stdin, **env)

    def ready(self, service: str) -> bool:
        """Whether this service's /readyz answers 200 now."""
        try:
            return httpx.get(f"http://127.0.0.1:{self.state.ports[service]}/readyz", timeout=2).status_code == 200
        except httpx.HTTPError:
            return False

    def stop(self, number: int = signal.SIGINT) -> int:
        """Ctrl-C (or another signal), and the exit code."""
        assert self.process is not None
        if self.process.poll() is None:
            self.process.send_signal(number)
        return self.process.wait(timeout=60)


_WORDS: Final = "wheel crowd barley sluice gate heron flour sack oak gear rope lantern eel"


def own_page(title: str) -> bytes:
    """A plain-text page whose words are like no other's: search hides near-copies."""
    words = random.Random(title)
    told = " ".join(f"{words.choice(_WORDS.split())} {words.randrange(10_000)}" for _ in range(40))
    return f"{title}\n\nIt is told again.\n\nThe miller counted {told}.\n".encode()


def wait_for(
    condition: Callable[[], object], seconds: float, what: str, process: subprocess.Popen[bytes] | None = None
) -> None:
    """Poll until the condition is true; fails at once when `process` ends first."""
    deadline = time.monotonic() + seconds
    while not condition():
        assert process is None or process.poll() is None, (
            f"it ended with {process and process.returncode} before {what}"
        )
        assert time.monotonic() < deadline, f"not within {seconds} s: {what}"
        time.sleep(0.02)


def descendants(pid: int) -> set[int]:
    """All processes below this one, from /proc."""
    parents: dict[int, int] = {}
    for entry in Path("/proc").iterdir():
        if entry.name.isdigit():
            try:
                stat = (entry / "stat").read_text()
            except OSError:
                continue
            parents[int(entry.name)] = int(stat.rpartition(")")[2].split()[1])
    found, frontier = set(), {pid}
    while frontier:
        frontier = {child for child, parent in parents.items() if parent in frontier} - found
        found |= frontier
    return found


def alive(pids: set[int]) -> set[int]:
    """Those that still run; zombies are dead."""
    running = set()
    for pid in pids:
        try:
            state = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0]
        except OSError:
            continue
        if state not in {"Z", "X"}:
            running.add(pid)
    return running
