"""`broadsheet up`: starts Redis and the services, loads samples, runs the self-check, supervises."""

from __future__ import annotations

import asyncio
import os
import signal
import time
from collections.abc import Mapping, Sequence
from contextlib import AsyncExitStack, ExitStack
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

import httpx

from broadsheet.runstate import RunState
from broadsheet.settings import CliSettings
from broadsheet.supervisor import engine
from broadsheet.supervisor.console import Console
from broadsheet.supervisor.layout import Layout
from broadsheet.supervisor.localkey import ensure_local_key
from broadsheet.supervisor.ports import HOST, choose_ports
from broadsheet.supervisor.process import Service, ServiceSpec
from broadsheet.supervisor.samples import load_samples
from broadsheet.supervisor.selfcheck import self_check
from broadsheet.supervisor.services import (
    SERVICES,
    STOP_WAVES,
    WAVES,
    Stack,
    checked_server,
    redis_spec,
    service_spec,
)
from shared.articles import CANARY_SOURCE
from shared.broker import declare
from shared.clock import now
from shared.store import connect, open_store

STOPPED: Final = "stopped"
STOP_HINT: Final = "stop with Ctrl-C or `broadsheet down`"


@dataclass(frozen=True, slots=True)
class UpOptions:
    """Options of `up`. Ports: None is the default or any free port, 0 is any free port."""

    only: tuple[str, ...] = ()
    ports: Mapping[str, int | None] = field(default_factory=dict)
    samples: bool = True
    check: bool = True
    exit_after_check: bool = False

    def wants(self, service: str) -> bool:
        """Whether this service is selected."""
        return not self.only or service in self.only

    @property
    def everything(self) -> bool:
        """Whether all services are selected, so that the self-check can run."""
        return all(self.wants(service) for service in SERVICES)


class Supervisor:
    """Runs the stack on one data directory until it is stopped."""

    def __init__(self, settings: CliSettings, options: UpOptions, console: Console) -> None:
        self._settings = settings
        self._options = options
        self._console = console
        self._layout = Layout(settings.data_dir.absolute())
        self._running: dict[str, Service] = {}
        self._state = RunState(pid=os.getpid(), started_at=now().isoformat())
        self._stop = asyncio.Event()
        self._interrupts = 0
        self._claims = ExitStack()

    async def run(self) -> int:
        """Run until stopped. Returns 0. Raises CliFailure if the stack cannot start; all processes are stopped then."""
        self._layout.make()
        with self._layout.locked(), self._claims:
            self._listen_to_signals()
            starting = asyncio.create_task(self._bring_up())
            stopping = asyncio.create_task(self._stop.wait())
            try:
                await asyncio.wait({starting, stopping}, return_when=asyncio.FIRST_COMPLETED)
                if starting.done():
                    starting.result()
                    if not self._options.exit_after_check:
                        await stopping
            finally:
                starting.cancel()
                await asyncio.wait({starting})
                await self._take_down()
                self._layout.run_file.unlink(missing_ok=True)
        self._console.say(STOPPED)
        return 0

    def _listen_to_signals(self) -> None:
        loop = asyncio.get_running_loop()
        for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
            loop.add_signal_handler(number, self._interrupted)

    def _interrupted(self) -> None:
        self._interrupts += 1
        if self._interrupts == 1:
            self._console.say("stopping (press Ctrl-C again to kill)")
            self._stop.set()
            return
        for service in self._running.values():
            service.kill()

    async def _bring_up(self) -> None:
        began = time.monotonic()
        stack = await self._start_server()
        async with AsyncExitStack() as closing:
            client = connect(stack.redis_url)
            closing.push_async_callback(client.aclose)
            http = await closing.enter_async_context(httpx.AsyncClient())
            await declare(client)
            key, made = await ensure_local_key(client, self._layout.local_key)
            self._state.key = key
            if made:
                self._console.say(
                    f"API key `local` (ingest, subscribe, admin), saved in {self._layout.local_key}: {key}"
                )
            inherited = self._settings.inherited_environment()
            for wave in WAVES:
                await self._start([service_spec(name, stack, inherited, http) for name in wave])
            self._console.say(f"{', '.join(self._running)} ready in {time.monotonic() - began:.1f} s")
            if self._options.everything:
                await self._prove(stack, key)
        self._state.ready = True
        self._save()
        self._console.say(self._where(stack))

    async def _start_server(self) -> Stack:
        wanted = {name: self._options.ports.get(name) for name in ("redis", *SERVICES)}
        given = self._settings.redis_url
        if given is not None:
            del wanted["redis"]
            self._state.server = await checked_server(given.get_secret_value())
            self._console.say(f"using {self._state.server} at BROADSHEET_REDIS_URL; no server is started")
        found = engine.find_engine() if given is None else None
        ports = choose_ports(wanted, self._claims)
        redis_url = given.get_secret_value() if given is not None else ""
        spec: ServiceSpec | None = None
        if found is not None:
            directory = engine.claim_directory(self._layout, found)
            secret = engine.password(self._layout)
            redis_url = f"redis://:{secret}@{HOST}:{ports['redis']}/0"
            config = engine.write_config(directory, port=ports["redis"], secret=secret)
            spec = redis_spec(found.program, config, redis_url, self._settings.inherited_environment())
        stack = Stack(ports, redis_url, self._settings.index_url or self._layout.index_url, self._layout.webhook_key())
        self._state.redis_url, self._state.index_url = redis_url, stack.index_url
        self._state.ingest_url, self._state.serve_url = stack.url("ingest"), stack.url("serve")
        self._state.ports = {name: port for name, port in ports.items() if self._options.wants(name) or name == "redis"}
        if spec is not None:
            await self._start([spec])
            self._state.server = await checked_server(redis_url)
            self._console.say(f"{self._state.server} on {HOST}:{ports['redis']}, data in {Path(spec.argv[1]).parent}")
        return stack

    async def _start(self, specs: Sequence[ServiceSpec]) -> None:
        wave = []
        for spec in specs:
            if spec.name == "redis" or self._options.wants(spec.name):
                service = Service(spec, self._console, self._layout.logs, self._save)
                self._running[spec.name] = service
                service.start()
                wave.append(service)
        try:
            async with asyncio.TaskGroup() as group:
                for service in wave:
                    group.create_task(service.wait_ready())
        except ExceptionGroup as errors:
            raise errors.exceptions[0] from None  # report the first failure; others are consequences

    async def _prove(self, stack: Stack, key: str) -> None:
        if self._options.samples:
            count = await load_samples(stack.url("ingest"), key)
            self._console.say(f"{count} sample pages posted")
        if not self._options.check:
            return
        client = connect(stack.redis_url)
        try:
            result = await self_check(stack.url("ingest"), stack.url("serve"), key, open_store(client))
        finally:
            await client.aclose()
        self._console.say(result.line())
        self._console.say(f"(the self-check article is listed only by requests with source={CANARY_SOURCE})")

    def _where(self, stack: Stack) -> str:
        lines = [f"logs    {self._layout.logs}"]
        if self._options.wants("ingest"):
            lines.insert(0, f"ingest  {stack.url('ingest')}/v1/articles")
        if self._options.wants("serve"):
            lines[:0] = [f"reader  {stack.url('serve')}/", f"API     {stack.url('serve')}/v1/openapi.json"]
        return "\n".join([*lines, STOP_HINT])

    def _save(self) -> None:
        self._state.pids = {name: service.pid for name, service in self._running.items() if service.pid is not None}
        self._state.restarts = {name: service.restarts for name, service in self._running.items()}
        self._state.write(self._layout.run_file)

    async def _take_down(self) -> None:
        for wave in (*STOP_WAVES, ("redis",)):
            await asyncio.gather(*(self._running[name].stop() for name in wave if name in self._running))
