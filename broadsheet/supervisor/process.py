"""One supervised process: start, readiness, restart with back-off, stop."""

from __future__ import annotations

import asyncio
import os
import signal
import time
from collections import deque
from collections.abc import Awaitable, Callable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from broadsheet.failure import CliFailure
from broadsheet.supervisor.console import Console, LogFile
from broadsheet.supervisor.parent_death import parent_death_signal
from broadsheet.supervisor.ports import listens

FIRST_BACKOFF_SECONDS: Final = 0.25
LONGEST_BACKOFF_SECONDS: Final = 10.0
HEALTHY_AFTER_SECONDS: Final = 30.0
"""After this uptime the restart back-off is reset."""
GIVE_UP_AFTER: Final = 5
"""Exits before first readiness after which `up` fails, because the configuration is wrong."""
STOP_GRACE_SECONDS: Final = 10.0
_POLL_SECONDS: Final = 0.05
_LINE_LIMIT: Final = 1 << 20


@dataclass(frozen=True, slots=True)
class ServiceSpec:
    """Command line, environment and readiness probe of a process."""

    name: str
    argv: Sequence[str]
    env: Mapping[str, str]
    ready: Callable[[], Awaitable[bool]]
    start_seconds: float = 120.0
    port: int | None = None
    """Port that this process must listen on to be ready. Another program could answer the probe."""


class Service:
    """A process that is restarted until `stop`. Its output goes to the console and to its log file."""

    def __init__(self, spec: ServiceSpec, console: Console, logs: Path, changed: Callable[[], None]) -> None:
        self.spec = spec
        self.restarts = 0
        self.pid: int | None = None
        self._console = console
        self._log = LogFile(logs / f"{spec.name}.log")
        self._changed = changed
        self._last: deque[str] = deque(maxlen=8)
        self._stopping = asyncio.Event()
        self._given_up: str | None = None
        self._was_ready = False
        self._process: asyncio.subprocess.Process | None = None
        self._keeper: asyncio.Task[None] | None = None

    def start(self) -> None:
        """Start the process and keep it running."""
        self._keeper = asyncio.create_task(self._keep(), name=f"keep {self.spec.name}")

    async def wait_ready(self) -> None:
        """Wait for the readiness probe. Raises CliFailure if the process keeps exiting or on time-out."""
        deadline = time.monotonic() + self.spec.start_seconds
        while not (await self.spec.ready() and self._is_ours()):
            if self._given_up:
                raise CliFailure(self._given_up)
            if time.monotonic() > deadline:
                raise CliFailure(
                    f"{self.spec.name} is not ready after {self.spec.start_seconds:.0f} s{self._evidence()}"
                )
            await asyncio.sleep(_POLL_SECONDS)
        self._was_ready = True

    def _is_ours(self) -> bool:
        if self.spec.port is None:
            return True
        return self.pid is not None and listens(self.pid, self.spec.port)

    async def stop(self, *, grace: float = STOP_GRACE_SECONDS) -> None:
        """SIGTERM, then SIGKILL to its whole process group after `grace` seconds. Idempotent."""
        self._stopping.set()
        if self._keeper is None:
            return
        self._signal(signal.SIGTERM)
        done, _ = await asyncio.wait({self._keeper}, timeout=grace)
        if not done:
            self._console.line("up", f"{self.spec.name} did not stop within {grace:.0f} s; killing it")
            self.kill()
            await asyncio.wait({self._keeper}, timeout=grace)
        self._log.close()

    def kill(self) -> None:
        """Send SIGKILL to the process group and do not restart it."""
        self._stopping.set()
        if self.pid is not None:
            _kill_group(self.pid)

    def _signal(self, number: signal.Signals) -> None:
        if self._process is not None and self._process.returncode is None:
            with suppress(ProcessLookupError):
                self._process.send_signal(number)

    async def _keep(self) -> None:
        deaths = 0
        while not self._stopping.is_set():
            began = time.monotonic()
            code = await self._run_once()
            if self._stopping.is_set():
                return
            self.restarts += 1
            deaths = 1 if time.monotonic() - began > HEALTHY_AFTER_SECONDS else deaths + 1
            if deaths >= GIVE_UP_AFTER and not self._was_ready:
                self._given_up = f"{self.spec.name} died {deaths} times before it was ready{self._evidence()}"
                return
            delay = min(LONGEST_BACKOFF_SECONDS, FIRST_BACKOFF_SECONDS * 2 ** (deaths - 1))
            self._console.line("up", f"{self.spec.name} {describe_exit(code)}; starting it again in {delay:g} s")
            with suppress(TimeoutError):
                await asyncio.wait_for(self._stopping.wait(), delay)

    async def _run_once(self) -> int:
        # A pipe of our own: asyncio's would make wait() last until every grandchild that holds it has ended, too.
        read_end, write_end = os.pipe()
        lines = asyncio.StreamReader(limit=_LINE_LIMIT)
        transport, _ = await asyncio.get_running_loop().connect_read_pipe(
            lambda: asyncio.StreamReaderProtocol(lines), os.fdopen(read_end, "rb", buffering=0)
        )
        pump = asyncio.create_task(self._pump(lines))
        try:
            return await self._spawn_and_wait(write_end)
        except OSError as error:
            self._last.append(f"cannot start {self.spec.argv[0]}: {error.strerror}")
            return 127
        finally:
            await asyncio.wait({pump}, timeout=2)
            pump.cancel()
            transport.close()

    async def _spawn_and_wait(self, output: int) -> int:
        try:
            self._process = await asyncio.create_subprocess_exec(
                *self.spec.argv,
                env=dict(self.spec.env),
                stdin=asyncio.subprocess.DEVNULL,
                stdout=output,
                stderr=asyncio.subprocess.STDOUT,
                start_new_session=True,
                preexec_fn=parent_death_signal(),
            )
        finally:
            os.close(output)
        pid = self.pid = self._process.pid
        self._changed()
        if self._stopping.is_set():  # stop() was called during fork
            self._signal(signal.SIGTERM)
        code = await self._process.wait()
        _kill_group(pid)  # remaining children would keep its ports bound
        self.pid = None
        return code

    async def _pump(self, stream: asyncio.StreamReader) -> None:
        while True:
            try:
                line = await stream.readuntil(b"\n")
            except asyncio.IncompleteReadError as end:
                line = end.partial
                if not line:
                    return
            except asyncio.LimitOverrunError as error:
                line = await stream.readexactly(error.consumed)
            self._log.write(line)
            text = line.decode("utf-8", "replace").rstrip("\r\n")
            self._last.append(text)
            self._console.line(self.spec.name, text)

    def _evidence(self) -> str:
        lines = "".join(f"\n  {self.spec.name}: {line[:300]}" for line in self._last)
        return f"; its last lines:{lines}" if lines else "; it wrote nothing"


def _kill_group(pid: int) -> None:
    with suppress(ProcessLookupError, PermissionError):
        os.killpg(pid, signal.SIGKILL)


def describe_exit(code: int) -> str:
    """`exited with 3` or `was killed by SIGKILL`."""
    if code >= 0:
        return f"exited with {code}"
    try:
        return f"was killed by {signal.Signals(-code).name}"
    except ValueError:
        return f"was killed by signal {-code}"
