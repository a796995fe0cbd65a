"""A group of children with the same limits; each parses one document at a time."""

from __future__ import annotations

import asyncio
import time
from typing import Final

import structlog

from shared.errors import Permanent, Retryable
from shared.observability import log_events, metrics
from shared.sandbox.forks import Child, Forks
from shared.sandbox.frames import TIME, Limits, Reply, WallTimeExceeded

_STOP_SECONDS: Final = 5.0

log = structlog.get_logger(__name__)


class Lane:
    """`size` children of `forks`. `start` before the first `ask`; `ask` may be called concurrently.

    `final`: a document that takes too long here is not restarted elsewhere, so its kill is counted.
    """

    def __init__(self, forks: Forks, size: int, limits: Limits, *, niceness: int = 0, final: bool = True) -> None:
        self.limits = limits
        self._forks = forks
        self._size = size
        self._niceness = niceness
        self._final = final
        self._slots: asyncio.Queue[Child | None] = asyncio.Queue()
        self._children: set[Child] = set()
        self._refilling: set[asyncio.Task[None]] = set()
        self._ending: set[asyncio.Task[None]] = set()

    async def start(self) -> None:
        """Fork all children. Raises Retryable when one does not start."""
        # The first one alone: it starts the template, and must not be started twice when that is refused.
        first = await self._spawn()
        for child in (first, *await asyncio.gather(*(self._spawn() for _ in range(self._size - 1)))):
            self._slots.put_nowait(child)

    @property
    def pids(self) -> frozenset[int]:
        """Process ids of the living children."""
        return frozenset(child.pid for child in self._children if not child.ended)

    @property
    def idle(self) -> int:
        """Idle children."""
        return self._slots.qsize()

    async def ask(self, question: bytes, start_before: float | None) -> bytes:
        """The result of one document; see `Pool.ask`."""
        child = await self._slots.get()
        if start_before is not None and time.monotonic() > start_before:
            self._slots.put_nowait(child)
            raise Retryable("slow documents before this one used up the time", retry_after=0.0)
        keep: Child | None = None
        try:
            if child is None or child.ended:
                child = await self._respawn(child)
            reply = await self._asked(child, question)
            if child.served < self.limits.documents:
                keep = child
        finally:
            if keep is not None:
                self._slots.put_nowait(keep)
            else:
                self._replace(child)
        return reply.result()

    async def _asked(self, child: Child, question: bytes) -> Reply:
        try:
            return await child.ask(question, self.limits)
        except Permanent as error:
            if self._final or error.rule != TIME:
                metrics.SANDBOX_KILLS.labels(error.rule).inc()
            raise
        except WallTimeExceeded as error:
            if self._final:
                metrics.SANDBOX_KILLS.labels("wall-time").inc()
                log.warning(log_events.SANDBOX_STARVED, pid=child.pid, reason=str(error))
            raise

    async def aclose(self) -> None:
        """End all children; `ask` must not be called any more."""
        for task in self._refilling:
            task.cancel()
        await asyncio.gather(*self._refilling, return_exceptions=True)
        for child in list(self._children):
            self._discard(child)
        if self._ending:
            await asyncio.wait(self._ending, timeout=_STOP_SECONDS)

    async def _spawn(self) -> Child:
        child = await self._forks.child(self.limits, self._niceness)
        self._children.add(child)
        return child

    async def _respawn(self, dead: Child | None) -> Child:
        """A fresh child for a slot without one, or whose child died while idle."""
        if dead is not None:
            self._discard(dead)
        return await self._spawn()

    def _replace(self, child: Child | None) -> None:
        """Refill the slot in the background, so that a result does not wait for a fresh child."""
        if child is not None:
            self._discard(child)
        task = asyncio.create_task(self._refill())
        self._refilling.add(task)
        task.add_done_callback(self._refilling.discard)

    async def _refill(self) -> None:
        fresh: Child | None = None
        try:
            fresh = await self._spawn()
        except Retryable as error:
            log.warning(log_events.SANDBOX_START_FAILED, reason=str(error))  # the next document tries again
        finally:
            self._slots.put_nowait(fresh)

    def _discard(self, child: Child) -> None:
        self._children.discard(child)
        task = asyncio.create_task(child.end())
        self._ending.add(task)
        task.add_done_callback(self._ending.discard)
