"""The life of a worker process: wait for Redis, read, drain on SIGTERM, and an exit code that tells the truth."""

from __future__ import annotations

import asyncio
import contextlib
import faulthandler
import signal
import sys
import time
from collections.abc import Awaitable, Callable, Coroutine, Sequence
from typing import Any, Final

import structlog
from redis.exceptions import RedisError

from shared.broker import heartbeat, trim
from shared.broker.failures import Breaker
from shared.broker.group import declare
from shared.broker.health import HealthServer
from shared.broker.worker import Worker
from shared.errors import BroadsheetError, StoreUnavailable, UnsupportedServer
from shared.observability import metrics
from shared.store.connection import check_server, unavailable_when_down
from shared.tasks import cancel_and_wait

Hook = Callable[[], Awaitable[None]]

START_SECONDS: Final = 120.0
"""How long a start waits for Redis to come up or finish loading."""
DRAIN_SECONDS: Final = 8.0
"""How long a stop waits for work in flight; the whole stop takes less than 10 s."""

log = structlog.get_logger(__name__)


def run_worker(
    worker: Worker[Any], *, port: int | None = None, on_start: Sequence[Hook] = (), on_stop: Sequence[Hook] = ()
) -> int:
    """Run until SIGTERM or SIGINT (exit code 0) or a terminal error (1), serving health on `port` if given.

    `on_start` runs once Redis answers and before the first read; `on_stop` after the last entry. The port is bound on
    loopback, or on every interface when the environment is `production`.
    """
    return asyncio.run(serve_worker(worker, port=port, on_start=on_start, on_stop=on_stop))


async def serve_worker(
    worker: Worker[Any], *, port: int | None = None, on_start: Sequence[Hook] = (), on_stop: Sequence[Hook] = ()
) -> int:
    """`run_worker` for a caller that has an event loop."""
    leaving = asyncio.Event()
    loop = asyncio.get_running_loop()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, leaving.set)
    watchdog = Watchdog(worker.settings.stall_seconds)
    try:
        async with contextlib.AsyncExitStack() as stack:
            stack.push_async_callback(worker.client.aclose)
            if port is not None:
                await stack.enter_async_context(HealthServer(worker, port))
            stack.callback(watchdog.disarm)
            return await _life(worker, leaving, watchdog, (on_start, on_stop))
    except (BroadsheetError, RedisError, OSError) as error:
        log.critical("worker.failed", stage=worker.service, kind=type(error).__name__, reason=str(error))
        return 1


async def _life(
    worker: Worker[Any], leaving: asyncio.Event, watchdog: Watchdog, hooks: tuple[Sequence[Hook], Sequence[Hook]]
) -> int:
    on_start, on_stop = hooks
    if not await _unless_leaving(_start(worker, on_start), leaving):
        return 0
    terminal = worker.gate.watch()
    worker.reclaiming = asyncio.create_task(worker.reclaimer.run())
    tasks = [
        worker.reclaiming,
        asyncio.create_task(_pulse(worker, watchdog)),
        asyncio.create_task(_housekeeping(worker)),
    ]
    signalled = asyncio.create_task(leaving.wait())
    wait_for: list[asyncio.Future[Any]] = [signalled, terminal, *tasks]
    done, _ = await asyncio.wait(wait_for, return_when=asyncio.FIRST_COMPLETED)
    signalled.cancel()
    failed = terminal in done or any(task in done for task in tasks)
    for task in tasks:
        if task.done() and not task.cancelled() and (error := task.exception()):
            log.critical("worker.task-died", stage=worker.service, exc_info=error)
    await _drain(worker, tasks)
    for hook in on_stop:
        await hook()
    log.info("worker.stopped", stage=worker.service, failed=failed)
    return 1 if failed else 0


async def _unless_leaving(start: Coroutine[Any, Any, None], leaving: asyncio.Event) -> bool:
    """Whether the start came to its end; a signal interrupts it."""
    starting, signalled = asyncio.create_task(start), asyncio.create_task(leaving.wait())
    await asyncio.wait([starting, signalled], return_when=asyncio.FIRST_COMPLETED)
    signalled.cancel()
    if starting.done():
        starting.result()
        return True
    starting.cancel()
    with contextlib.suppress(asyncio.CancelledError):
        await starting
    return False


async def _start(worker: Worker[Any], on_start: Sequence[Hook]) -> None:
    version = await wait_for_redis(worker)
    for hook in on_start:
        await hook()
    await worker.app.start()
    log.info("worker.started", stage=worker.service, consumer=worker.consumer, server=version)


async def wait_for_redis(worker: Worker[Any], *, patience: float = START_SECONDS) -> str:
    """Wait until Redis takes writes, and create the groups; answers the server's version.

    Raises StoreUnavailable after `patience` seconds, UnsupportedServer at once.
    """
    deadline = time.monotonic() + patience
    breaker = Breaker()
    while True:
        try:
            async with unavailable_when_down():
                version = await check_server(worker.client)
            await declare(worker.client)
        except UnsupportedServer:
            raise
        except StoreUnavailable as away:
            if time.monotonic() > deadline:
                raise
            if not breaker.failing:
                log.warning("redis.awaited", stage=worker.service, reason=str(away))
            breaker.failed()
            await asyncio.sleep(breaker.remaining())
        else:
            return version


async def _drain(worker: Worker[Any], tasks: Sequence[asyncio.Task[None]]) -> None:
    """Finish what is in flight, take nothing new, and leave the rest to others."""
    worker.gate.close()
    quiet = asyncio.create_task(_quiet(worker, tasks[0]))
    _, late = await asyncio.wait([quiet], timeout=DRAIN_SECONDS)
    if late:
        log.warning("worker.cut-off", stage=worker.service, unfinished=len(worker.work.in_flight))
    for task in (quiet, *tasks):
        task.cancel()
    await worker.app.stop()
    await worker.work.cut_off()
    await cancel_and_wait((quiet, *tasks))
    with contextlib.suppress(StoreUnavailable):
        await worker.work.repay()
        await heartbeat.stop_beating(worker.client, worker.service, worker.consumer)


async def _quiet(worker: Worker[Any], reclaiming: asyncio.Task[None]) -> None:
    """Return when nothing is read any more and nothing is in hand."""
    await asyncio.wait([asyncio.ensure_future(worker.gate.parked.wait()), reclaiming])
    await worker.work.drained()


async def _pulse(worker: Worker[Any], watchdog: Watchdog) -> None:
    """Say that we are alive, and that what we hold is being worked on."""
    renewal = worker.settings.reclaim_idle_ms / 3000
    next_beat = 0.0
    while True:
        waiting = worker.gate.last_read is None  # nobody shall wait 3 s for the news that we have begun to read
        pause = 0.1 if waiting else min(renewal, heartbeat.INTERVAL_SECONDS, watchdog.seconds / 3)
        watchdog.arm()
        with contextlib.suppress(StoreUnavailable):
            await worker.group.renew(sorted(worker.work.in_flight))
            if time.monotonic() >= next_beat:
                next_beat = time.monotonic() + (0.0 if waiting else heartbeat.INTERVAL_SECONDS)
                await heartbeat.beat(worker.client, worker.service, worker.consumer, reading=await worker.ready())
        asleep_at = time.monotonic()
        await asyncio.sleep(pause)
        metrics.EVENT_LOOP_LAG.set(max(0.0, time.monotonic() - asleep_at - pause))


async def _housekeeping(worker: Worker[Any]) -> None:
    while True:
        try:
            await trim.keep_house(worker.client, worker.stream, worker.service)
        except StoreUnavailable as away:
            log.warning("housekeeping.skipped", stage=worker.service, reason=str(away))
        await asyncio.sleep(trim.INTERVAL_SECONDS)


class Watchdog:
    """Ends the process when the event loop stands still, even inside C code that never lets go of the interpreter.

    An entry that loops for ever would otherwise hold its worker for ever. faulthandler's timer is a C thread: it prints
    where every thread stands and exits with code 1, and the entry is one process death nearer to being dead.
    """

    def __init__(self, seconds: float) -> None:
        self.seconds = seconds

    def arm(self) -> None:
        """Start the countdown again."""
        if sys.__stderr__ is not None:
            faulthandler.dump_traceback_later(self.seconds, exit=True, file=sys.__stderr__)

    def disarm(self) -> None:
        """Stop the countdown."""
        faulthandler.cancel_dump_traceback_later()
