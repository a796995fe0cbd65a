"""`broadsheet bench events`: thousands of clients on one serve process, and on a Mercure hub in the same run."""

from __future__ import annotations

import asyncio
import json
import os
import resource
import statistics
import sys
import tempfile
import time
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Final

from rich.console import Console

from broadsheet.bench.costs import cpu_ms, rss_bytes
from broadsheet.bench.events_report import EventsReport, FanOut, Stuck, print_report
from broadsheet.bench.hubs import BenchHub, MercureHub, ServeHub, mercure_program
from broadsheet.bench.processes import BenchStack, CannotStart, private_valkey
from broadsheet.failure import CliFailure

_CLIENTS_PER_PROCESS: Final = 2_500
_EVENT_SIZE: Final = 600
_STUCK_EVENT_SIZE: Final = 16_000
_MARK_SECONDS: Final = 60.0
_EVICT_SECONDS: Final = 40.0
_SPARE_FILES: Final = 500


@dataclass(frozen=True, slots=True)
class EventsOptions:
    """Numbers of clients and events, and of stuck clients (with as many live ones)."""

    clients: int = 5_000
    marks: int = 20
    stuck: int = 500
    as_json: bool = False


class Clients:
    """Processes of clients on one hub."""

    def __init__(self) -> None:
        self._processes: list[asyncio.subprocess.Process] = []

    async def start(self, hub: BenchHub, count: int, *mode: str) -> None:
        """Connect this many clients; returns when all of them have a stream. Raises CannotStart."""
        for start in range(0, count, _CLIENTS_PER_PROCESS):
            here = min(_CLIENTS_PER_PROCESS, count - start)
            command = ("-m", "broadsheet.bench.event_clients", "127.0.0.1", str(hub.port), hub.target, str(here), *mode)
            process = await asyncio.create_subprocess_exec(
                sys.executable, *command, stdin=asyncio.subprocess.PIPE, stdout=asyncio.subprocess.PIPE, limit=2**24
            )
            self._processes.append(process)
            if (line := await self._line(process, 120.0)) != f"ready {here}".encode():
                raise CannotStart(f"clients of {hub.name} did not connect: {line!r}")

    async def times(self, mark: int) -> list[float]:
        """Receive times of the event at each client. Raises CannotStart after a minute."""
        found: list[float] = []
        for process in self._processes:
            line = json.loads(await self._line(process, _MARK_SECONDS) or b"{}")
            if line.get("mark") != mark:
                raise CannotStart(f"an event did not reach every client within {_MARK_SECONDS:g} s")
            found += line["times"]
        return found

    async def stop(self) -> None:
        """End the processes."""
        for process in self._processes:
            if process.stdin is not None:
                process.stdin.close()
            if process.returncode is None:
                process.kill()
            await process.wait()

    @staticmethod
    async def _line(process: asyncio.subprocess.Process, seconds: float) -> bytes:
        output = process.stdout
        if output is None:
            raise CannotStart("a client process has no output")
        try:
            async with asyncio.timeout(seconds):
                return (await output.readline()).strip()
        except TimeoutError:
            return b""


@asynccontextmanager
async def _crowd(hub: BenchHub, count: int, *mode: str) -> AsyncIterator[Clients]:
    clients = Clients()
    try:
        await clients.start(hub, count, *mode)
        yield clients
    finally:
        await clients.stop()


def run(options: EventsOptions) -> int:
    """Run the benchmark and print it: 0 when done, 2 when it cannot run."""
    notes = Console(stderr=True)
    try:
        _raise_limit(options.clients + options.stuck * 2 + _SPARE_FILES)
        with tempfile.TemporaryDirectory(prefix="broadsheet-bench-") as folder:
            report = asyncio.run(_measure(options, Path(folder), notes))
    except (CannotStart, CliFailure) as error:
        notes.print(f"bench events: {error}", style="red", markup=False, highlight=False, soft_wrap=True)
        return 2
    if options.as_json:
        print(json.dumps(asdict(report), indent=2))
    else:
        print_report(report, Console(width=140))
    return 0


def _raise_limit(files: int) -> None:
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    if hard != resource.RLIM_INFINITY and hard < files:
        raise CliFailure(f"needs {files} open files for each process, and the hard limit is {hard}: see `ulimit -Hn`")
    resource.setrlimit(resource.RLIMIT_NOFILE, (max(soft, files), hard))


async def _measure(options: EventsOptions, folder: Path, notes: Console) -> EventsReport:
    load = os.getloadavg()[0]
    fan_out: list[FanOut] = []
    with private_valkey(folder) as (url, _):
        extra = {"SERVE_SSE_PER_IP": "100000", "SERVE_SSE_TOTAL": "100000"}
        stack = BenchStack(folder, url, extra=extra)
        try:
            serve = ServeHub(stack)
            notes.print(f"{serve.name}: {options.clients:,} clients")
            fan_out.append(await _fan_out(serve, options))
            notes.print(f"{serve.name}: {options.stuck:,} live clients, then with as many stuck ones")
            stuck = await _stuck(serve, options) if options.stuck else None
            await serve.aclose()
        finally:
            stack.stop()
    program = mercure_program()
    if program is None:
        return EventsReport(load, fan_out, stuck, "no program `mercure` on PATH: not measured")
    notes.print(f"mercure: {options.clients:,} clients")
    hub = MercureHub(program, folder)
    try:
        fan_out.append(await _fan_out(hub, options))
    finally:
        await hub.aclose()
    return EventsReport(load, fan_out, stuck, program)


async def _fan_out(hub: BenchHub, options: EventsOptions) -> FanOut:
    before = rss_bytes(hub.running.pid)
    async with _crowd(hub, options.clients) as clients:
        after = rss_bytes(hub.running.pid)
        await _send(hub, clients, [0], _EVENT_SIZE)  # the first one warms up
        began = cpu_ms(hub.running.pid)
        times = await _send(hub, clients, range(1, options.marks + 1), _EVENT_SIZE)
        cpu = cpu_ms(hub.running.pid) - began
    each = sorted(one for event in times for one in event)
    last = [max(event) for event in times]
    return FanOut(
        hub=hub.name,
        clients=options.clients,
        events=options.marks,
        kb_per_client=round((after - before) / options.clients / 1_000, 2),
        all_ms_p50=_ms(statistics.median(last)),
        all_ms_worst=_ms(max(last)),
        client_ms_p50=_ms(statistics.median(each)),
        client_ms_p99=_ms(each[int(len(each) * 0.99)]),
        cpu_us_per_delivery=round(cpu * 1_000 / (options.marks * options.clients), 2),
    )


async def _stuck(hub: BenchHub, options: EventsOptions) -> Stuck:
    """Live clients alone, then with as many stuck ones; events are large enough to fill the buffers."""
    count, marks = options.stuck, max(options.marks, 60)
    async with _crowd(hub, count) as live:
        await _send(hub, live, [900_000], _STUCK_EVENT_SIZE)
        alone = await _send(hub, live, range(100_000, 100_000 + marks), _STUCK_EVENT_SIZE)
        before = rss_bytes(hub.running.pid)
        async with _crowd(hub, count, "stuck"):
            began = time.monotonic()
            beside = await _send(hub, live, range(200_000, 200_000 + marks), _STUCK_EVENT_SIZE)
            peak = rss_bytes(hub.running.pid)
            left = await _evicted(hub, count)
            took = time.monotonic() - began
    return Stuck(
        live=count,
        stuck=count,
        events=marks,
        alone_ms_p50=_ms(statistics.median(max(event) for event in alone)),
        beside_ms_p50=_ms(statistics.median(max(event) for event in beside)),
        alone_client_ms_p99=_p99(alone),
        beside_client_ms_p99=_p99(beside),
        evicted=count - left,
        evicted_after_seconds=round(took, 1),
        rss_growth_mb=round((peak - before) / 1e6, 1),
    )


async def _send(hub: BenchHub, clients: Clients, marks: Sequence[int], size: int) -> list[list[float]]:
    """Publish events one by one, each after all clients have the previous; returns seconds to each client per event."""
    found = []
    for mark in marks:
        began = time.monotonic()
        await hub.publish(mark, size)
        found.append([at - began for at in await clients.times(mark)])
    return found


async def _evicted(hub: BenchHub, live: int) -> int:
    """Number of stuck streams still connected after all were closed or the time limit, by the hub's sockets."""
    deadline = time.monotonic() + _EVICT_SECONDS
    left = max(0, _streams(hub) - live)
    while left and time.monotonic() < deadline:
        await asyncio.sleep(0.1)
        left = max(0, _streams(hub) - live)
    return left


def _streams(hub: BenchHub) -> int:
    """Connections of the process to its port: established sockets in /proc/net/tcp whose local port is the hub's."""
    rows = (line.split() for line in Path("/proc/net/tcp").read_text().splitlines()[1:])
    return sum(row[1].endswith(f":{hub.port:04X}") and row[3] == "01" for row in rows)


def _p99(times: list[list[float]]) -> float:
    each = sorted(one for event in times for one in event)
    return _ms(each[int(len(each) * 0.99)])


def _ms(seconds: float) -> float:
    return round(seconds * 1_000, 1)
