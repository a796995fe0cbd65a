"""Thread pools for blocking engine calls; converts engine panics to SearchUnavailable.

A Rust panic arrives as `pyo3_runtime.PanicException`, a BaseException that `except Exception` misses.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import TypeVar

import structlog

from shared.errors import Retryable
from shared.observability import log_events
from shared.observability.metrics import SEARCH_PANICS
from shared.search.errors import SearchUnavailable

T = TypeVar("T")
_log = structlog.get_logger(__name__)


def is_panic(error: BaseException) -> bool:
    """Whether this is a Rust panic; its class cannot be imported."""
    kind = type(error)
    return kind.__name__ == "PanicException" and kind.__module__ == "pyo3_runtime"


class EngineThreads:
    """Dedicated threads for blocking engine calls, with a timeout and a bounded queue."""

    def __init__(
        self,
        name: str,
        *,
        threads: int,
        timeout: float,
        backlog: int,
        full: type[Retryable] = SearchUnavailable,
        on_panic: Callable[[], None] = lambda: None,
    ) -> None:
        """`timeout` in seconds. Over `backlog` waiting calls raise `full`; `on_panic` drops corrupted state."""
        self.panics = 0
        self._name = name
        self._pool = ThreadPoolExecutor(max_workers=threads, thread_name_prefix=name)
        self._timeout = timeout
        self._backlog = backlog
        self._full = full
        self._on_panic = on_panic
        self._active = 0
        self._closed = False

    @property
    def active(self) -> int:
        """Calls running or waiting."""
        return self._active

    async def run(self, call: Callable[[], T], *, urgent: bool = False) -> T:
        """Its result. Raises SearchUnavailable on a panic, after the timeout (the thread continues) or if closed.

        An `urgent` call is queued even if the queue is full.
        """
        if self._closed:
            raise SearchUnavailable("the index is closed")
        if self._active >= self._backlog and not urgent:
            raise self._full(f"{self._name}: {self._active} calls are waiting", retry_after=1.0)
        self._active += 1
        future = asyncio.get_running_loop().run_in_executor(self._pool, self._guarded, call)
        future.add_done_callback(self._done)
        try:
            async with asyncio.timeout(
                self._timeout
            ):  # wait_for would swallow a cancellation that arrives with the result
                return await asyncio.shield(future)
        except TimeoutError:
            raise SearchUnavailable(f"{self._name}: no answer in {self._timeout:g} s", retry_after=1.0) from None

    def close(self) -> None:
        """Accept no more calls; running ones finish."""
        self._closed = True
        self._pool.shutdown(wait=False)

    def _done(self, future: asyncio.Future[T]) -> None:
        self._active -= 1
        if not future.cancelled():
            future.exception()  # marks it as retrieved if the caller is gone

    def _guarded(self, call: Callable[[], T]) -> T:
        try:
            return call()
        except BaseException as error:
            if not is_panic(error):
                raise
            self.panics += 1
            SEARCH_PANICS.labels(self._name).inc()
            _log.error(log_events.SEARCH_PANICKED, threads=self._name, panics=self.panics, reason=str(error)[:300])
            self._on_panic()
            raise SearchUnavailable("the search engine failed on this call", retry_after=1.0) from None
