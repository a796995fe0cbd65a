"""Runs a worker process: wait for Redis, read, drain on SIGTERM, and exit with a correct code."""

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

from shared.backoff import Backoff
from shared.broker import heartbeat, trim
from shared.broker.group import declare
from shared.broker.health import HealthServer
from shared.broker.worker import Worker
from shared.errors import BroadsheetError, StoreUnavailable, UnsupportedServer
from shared.observability import log_events, metrics
from shared.observability.log_context import bind_log_context
from shared.store.connection import check_server, unavailable_when_down
from shared.tasks import cancel_and_wait

Hook = Callable[[], Awaitable[None]]

START_SECONDS: Final = 120.0
"""How long a start waits for Redis to accept connections and finish loading."""
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
    bind_log_context(service=worker.service, stream=worker.stream.name)
    shutdown = asyncio.Event()
    loop = asyncio.get_running_loop()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, shutdown.set)
    watchdog = Watchdog(worker.settings.stall_seconds)
    try:
        async with contextlib.AsyncExitStack() as stack:
            stack.push_async_callback(worker.client.aclose)
            if port is not None:
                await stack.enter_async_context(HealthServer(worker, port))
            stack.callback(watchdog.disarm)
            return await _run_until_stopped(worker, shutdown, watchdog, (on_start, on_stop))
    except (BroadsheetError, RedisError, OSError) as error:
        log.critical(log_events.WORKER_FAILED, kind=type(error).__name__, reason=str(error))
        return 1


async def _run_until_stopped(
    worker: Worker[Any], shutdown: asyncio.Event, watchdog: Watchdog, hooks: tuple[Sequence[Hook], Sequence[Hook]]
) -> int:
    on_start, on_stop = hooks
    if not await _start_unless_shutdown(_start(worker, on_start), shutdown):
        return 0
    fatal = worker.gate.fatal_error()
    worker.reclaiming = asyncio.create_task(worker.reclaimer.run())
    tasks = [
        worker.reclaiming,
        asyncio.create_task(_keep_alive(worker, watchdog)),
        asyncio.create_task(_housekeeping(worker)),
    ]
    signalled = asyncio.create_task(shutdown.wait())
    wait_for: list[asyncio.Future[Any]] = [signalled, fatal, *tasks]
    done, _ = await asyncio.wait(wait_for, return_when=asyncio.FIRST_COMPLETED)
    signalled.cancel()
    failed = fatal in done or any(task in done for task in tasks)
    for task in tasks:
        if task.done() and not task.cancelled() and (error := task.exception()):
            log.critical(log_events.WORKER_TASK_FAILED, exc_info=error)
    await _drain(worker, tasks)
    for hook in on_stop:
        await hook()
    log.info(log_events.WORKER_STOPPED, failed=failed)
    return 1 if failed else 0


async def _start_unless_shutdown(start: Coroutine[Any, Any, None], shutdown: asyncio.Event) -> bool:
    """Whether the start finished; a signal cancels it."""
    starting, signalled = asyncio.create_task(start), asyncio.create_task(shutdown.wait())
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
    log.info(log_events.WORKER_STARTED, consumer=worker.consumer_name, server=version)


async def wait_for_redis(worker: Worker[Any], *, within: float = START_SECONDS) -> str:
    """Wait until Redis accepts writes, then create the groups; the server's version.

    Raises StoreUnavailable after `within` seconds, UnsupportedServer at once.
    """
    deadline = time.monotonic() + within
    backoff = Backoff()
    while True:
        try:
            async with unavailable_when_down():
                version = await check_server(worker.client)
            await declare(worker.client)
        except UnsupportedServer:
            raise
        except StoreUnavailable as error:
            if time.monotonic() > deadline:
                raise
            if not backoff.is_failing:
                log.warning(log_events.REDIS_UNAVAILABLE, reason=str(error))
            await asyncio.sleep(backoff.failed())
        else:
            return version


async def _drain(worker: Worker[Any], tasks: Sequence[asyncio.Task[None]]) -> None:
    """Stop reading and finish the batches in flight; unfinished ones are left to other workers."""
    worker.gate.close()
    drained = asyncio.create_task(_wait_drained(worker, tasks[0]))
    _, late = await asyncio.wait([drained], timeout=DRAIN_SECONDS)
    if late:
        log.warning(log_events.WORKER_DRAIN_TIMEOUT, in_flight=len(worker.consumer.in_flight))
    for task in (drained, *tasks):
        task.cancel()
    await worker.app.stop()
    await worker.consumer.cancel_in_flight()
    await cancel_and_wait((drained, *tasks))
    with contextlib.suppress(StoreUnavailable):
        await worker.consumer.restore_delivery_counts()
        await heartbeat.delete_heartbeat(worker.client, worker.service, worker.consumer_name)


async def _wait_drained(worker: Worker[Any], reclaiming: asyncio.Task[None]) -> None:
    """Return when reader and reclaimer have stopped and no batch is in flight."""
    await asyncio.wait([asyncio.ensure_future(worker.gate.reader_stopped.wait()), reclaiming])
    await worker.consumer.wait_drained()


async def _keep_alive(worker: Worker[Any], watchdog: Watchdog) -> None:
    """Write heartbeats, renew the entries in flight, and re-arm the watchdog."""
    renewal = worker.settings.reclaim_idle_ms / 3000
    next_heartbeat = 0.0
    while True:
        starting = worker.gate.last_read is None  # until the first read: a start must not wait 3 s to be seen as ready
        pause = 0.1 if starting else min(renewal, heartbeat.INTERVAL_SECONDS, watchdog.seconds / 3)
        watchdog.arm()
        with contextlib.suppress(StoreUnavailable):
            await worker.group.renew(sorted(worker.consumer.in_flight))
            if time.monotonic() >= next_heartbeat:
                next_heartbeat = time.monotonic() + (0.0 if starting else heartbeat.INTERVAL_SECONDS)
                await heartbeat.write_heartbeat(
                    worker.client, worker.service, worker.consumer_name, reading=await worker.ready()
                )
        slept_at = time.monotonic()
        await asyncio.sleep(pause)
        metrics.EVENT_LOOP_LAG.set(max(0.0, time.monotonic() - slept_at - pause))


async def _housekeeping(worker: Worker[Any]) -> None:
    while True:
        try:
            await trim.run_housekeeping(worker.client, worker.stream, worker.service)
        except StoreUnavailable as error:
            log.warning(log_events.HOUSEKEEPING_SKIPPED, reason=str(error))
        await asyncio.sleep(trim.INTERVAL_SECONDS)


class Watchdog:
    """Exits the process when the event loop is blocked for `seconds`, even in C code that holds the GIL.

    Otherwise an entry that loops would block its worker permanently. faulthandler's timer is a C thread: it
    prints the stack of every thread and exits with code 1, which counts as a process death of the entry.
    """

    def __init__(self, seconds: float) -> None:
        self.seconds = seconds

    def arm(self) -> None:
        """Restart the timer."""
        if sys.__stderr__ is not None:
            faulthandler.dump_traceback_later(self.seconds, exit=True, file=sys.__stderr__)

    def disarm(self) -> None:
        """Stop the timer."""
        faulthandler.cancel_dump_traceback_later()
