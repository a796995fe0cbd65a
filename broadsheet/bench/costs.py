"""CPU time and memory of processes and their children, read from /proc."""

from __future__ import annotations

import os
import threading
import time
from dataclasses import dataclass, field
from pathlib import Path
from types import TracebackType
from typing import Final, Self

_TICKS_PER_SECOND: Final = os.sysconf("SC_CLK_TCK")
_PAGE_BYTES: Final = os.sysconf("SC_PAGE_SIZE")
_SAMPLE_EVERY_SECONDS: Final = 0.25
_RUNS: Final = 200
LOOP: Final = 20_000
"""Additions of `loop_ms`."""


def cpu_ms(pid: int) -> float:
    """CPU milliseconds of a process, its ended children and its living descendants; 0 if it has ended."""
    stat = _stat(pid)
    if stat is None:
        return 0.0
    own_and_ended = sum(int(value) for value in stat[11:15])  # utime stime cutime cstime
    return own_and_ended * 1000 / _TICKS_PER_SECOND + sum(cpu_ms(child) for child in children(pid))


def rss_bytes(pid: int) -> int:
    """Resident bytes of a process and its living descendants."""
    stat = _stat(pid)
    own = int(stat[21]) * _PAGE_BYTES if stat else 0
    return own + sum(rss_bytes(child) for child in children(pid))


def children(pid: int) -> list[int]:
    """The process ids of living children."""
    found: list[int] = []
    for task in Path(f"/proc/{pid}/task").glob("*/children"):
        try:
            found += [int(child) for child in task.read_text().split()]
        except OSError:  # the thread has ended
            continue
    return found


def _stat(pid: int) -> list[str] | None:
    """The fields of /proc/<pid>/stat after the name, which may contain any character; the first is the state."""
    try:
        text = Path(f"/proc/{pid}/stat").read_text()
    except OSError:
        return None
    return text.rpartition(")")[2].split()


@dataclass
class Watch:
    """Samples memory in a thread while open; `peak` maps names to peak resident bytes."""

    pids: dict[str, int]
    peak: dict[str, int] = field(default_factory=dict)
    _started: dict[str, float] = field(default_factory=dict)
    _over: threading.Event = field(default_factory=threading.Event)
    _thread: threading.Thread | None = None

    def add(self, name: str, pid: int) -> None:
        """Watch another process."""
        self._started[name] = cpu_ms(pid)
        self.pids[name] = pid

    def cpu(self) -> dict[str, float]:
        """CPU milliseconds of each process since `add`."""
        return {name: cpu_ms(pid) - self._started.get(name, 0.0) for name, pid in self.pids.items()}

    def __enter__(self) -> Self:
        for name, pid in dict(self.pids).items():
            self.add(name, pid)
        self._thread = threading.Thread(target=self._sample, name="bench-watch", daemon=True)
        self._thread.start()
        return self

    def __exit__(
        self, _kind: type[BaseException] | None, _error: BaseException | None, _trace: TracebackType | None
    ) -> None:
        self._over.set()
        if self._thread is not None:
            self._thread.join()

    def _sample(self) -> None:
        while not self._over.wait(_SAMPLE_EVERY_SECONDS):
            for name, pid in dict(self.pids).items():
                self.peak[name] = max(self.peak.get(name, 0), rss_bytes(pid))


def loop_ms() -> tuple[float, float]:
    """CPU ms of a fixed Python loop of `LOOP` additions, best and mean of many runs.

    Calibrates CPU times, which differ between machines and with the load of the machine.
    """
    took = []
    for _ in range(_RUNS):
        began = time.process_time()
        total = 0
        for number in range(LOOP):
            total += number
        took.append((time.process_time() - began) * 1000)
    return min(took), sum(took) / len(took)
