"""A pool of parser children, each of which can be killed without harm to anything but the document it reads.

A child is `python -m MODULE`, where the module calls `shared.sandbox.child.serve`. Bytes go in, bytes come out.
"""

from __future__ import annotations

import asyncio
import contextlib
import os
import signal
import sys
import time
from asyncio.subprocess import PIPE, Process
from pathlib import Path
from typing import Final

import orjson
import structlog

from shared.errors import Permanent, Retryable
from shared.observability import metrics
from shared.sandbox.frames import LENGTHS, MAX_FRAME, OUT_OF_MEMORY, Limits, Reply, frame

_ROOT: Final = Path(__file__).resolve().parents[2]
_START_SECONDS: Final = 60.0
_STOP_SECONDS: Final = 5.0
_EXIT_SECONDS: Final = 2.0

log = structlog.get_logger(__name__)


class Pool:
    """`size` children that run `module`. `start` before the first `ask`; `ask` may be called concurrently."""

    def __init__(self, size: int, limits: Limits, *, module: str) -> None:
        self.limits = limits
        self._module = module
        self._slots: asyncio.Queue[_Child | None] = asyncio.Queue()
        self._children: set[_Child] = set()
        self._size = size
        self._refilling: set[asyncio.Task[None]] = set()
        self._ending: set[asyncio.Task[None]] = set()
        self._closed = False

    async def start(self) -> None:
        """Start all children and wait until they are warm. Raises Retryable when one does not start."""
        for child in await asyncio.gather(*(self._spawn() for _ in range(self._size))):
            self._slots.put_nowait(child)

    @property
    def pids(self) -> frozenset[int]:
        """Process ids of the living children."""
        return frozenset(child.process.pid for child in self._children)

    async def ask(self, head: bytes, data: bytes, *, start_before: float | None = None) -> bytes:
        """What a child makes of one document. `start_before`: monotonic seconds after which none is begun any more.

        Raises Permanent: a rule of the child, or `sandbox-time`, `sandbox-memory`, `sandbox-crash` when the child
        had to die; Retryable when no child can be started, none was free in time, or somebody else killed it.
        """
        child = await self._slots.get()
        if start_before is not None and time.monotonic() > start_before:
            self._slots.put_nowait(child)
            raise Retryable("slow documents before this one took all the time", retry_after=0.0)
        keep: _Child | None = None
        try:
            if child is None or child.ended:
                child = await self._respawn(child)
            reply = await child.ask(frame(head, data), self.limits.seconds)
            if child.served < self.limits.documents:
                keep = child
        finally:
            if keep is not None:
                self._slots.put_nowait(keep)
            else:
                self._replace(child)
        return reply.result()

    async def aclose(self) -> None:
        """End all children; `run` must not be called any more."""
        self._closed = True
        for task in self._refilling:
            task.cancel()
        await asyncio.gather(*self._refilling, return_exceptions=True)
        for child in list(self._children):
            self._discard(child)
        if self._ending:
            await asyncio.wait(self._ending, timeout=_STOP_SECONDS)

    async def _spawn(self) -> _Child:
        if self._closed:
            raise Retryable("the sandbox is closed")
        child = await _Child.spawn(self._module, self.limits)
        self._children.add(child)
        try:
            await child.ready()
        except BaseException:
            self._discard(child)
            raise
        log.debug("sandbox.started", pid=child.process.pid)
        return child

    async def _respawn(self, dead: _Child | None) -> _Child:
        """A fresh child for a slot that has none, or one that died while it had nothing to do."""
        if dead is not None:
            self._discard(dead)
        return await self._spawn()

    def _replace(self, child: _Child | None) -> None:
        """Fill the slot again behind the caller's back: a verdict does not wait for a fresh child to get warm."""
        if child is not None:
            self._discard(child)
        task = asyncio.create_task(self._refill())
        self._refilling.add(task)
        task.add_done_callback(self._refilling.discard)

    async def _refill(self) -> None:
        fresh: _Child | None = None
        try:
            fresh = await self._spawn()
        except Retryable as error:
            log.warning("sandbox.start-failed", reason=str(error))  # the next page tries again
        finally:
            self._slots.put_nowait(fresh)

    def _discard(self, child: _Child) -> None:
        self._children.discard(child)
        task = asyncio.create_task(child.end())
        self._ending.add(task)
        task.add_done_callback(self._ending.discard)


class _Child:
    """One parser process and its pipes."""

    def __init__(self, process: Process) -> None:
        if process.stdin is None or process.stdout is None:
            raise Retryable("the parser has no pipes")
        self.process = process
        self.served = 0
        self._questions = process.stdin
        self._answers = process.stdout

    @classmethod
    async def spawn(cls, module: str, limits: Limits) -> _Child:
        arguments = (str(os.getpid()), str(limits.bytes), str(limits.cpu_seconds or limits.seconds))
        # Nothing of our environment: a parser needs no credentials. One thread: it has one document.
        environment = {"PYTHONPATH": str(_ROOT), "LANG": "C.UTF-8", "OPENBLAS_NUM_THREADS": "1", "OMP_NUM_THREADS": "1"}
        try:
            process = await asyncio.create_subprocess_exec(
                sys.executable, "-m", module, *arguments, stdin=PIPE, stdout=PIPE, env=environment
            )
        except OSError as error:
            raise Retryable(f"the parser does not start: {error}", retry_after=1.0) from error
        return cls(process)

    @property
    def ended(self) -> bool:
        """Whether the process is known to be dead."""
        return self.process.returncode is not None

    async def ready(self) -> None:
        """Wait until the child is warm. Raises Retryable."""
        try:
            async with asyncio.timeout(_START_SECONDS):
                await self._answer()
        except (OSError, asyncio.IncompleteReadError, TimeoutError, orjson.JSONDecodeError) as error:
            raise Retryable(f"the parser does not get ready: {type(error).__name__}", retry_after=1.0) from error

    async def ask(self, question: bytes, seconds: float) -> Reply:
        """The child's answer; raises Permanent when it overruns, dies or answers nonsense, Retryable when killed."""
        self.served += 1
        try:
            return await self._limited(question, seconds)
        except Permanent as error:
            metrics.SANDBOX_KILLS.labels(error.rule).inc()
            raise

    async def _limited(self, question: bytes, seconds: float) -> Reply:
        try:
            async with asyncio.timeout(seconds):
                return await self._exchange(question)
        except TimeoutError as error:
            raise Permanent(f"not parsed within {seconds:g} s", rule="sandbox-time") from error
        except (OSError, asyncio.IncompleteReadError) as error:
            raise await self._verdict() from error
        except orjson.JSONDecodeError as error:
            raise Permanent("the parser answered nonsense", rule="sandbox-crash") from error

    async def end(self) -> None:
        """Kill the process, wait for its end, and close its pipes, also with answers in them that nobody reads."""
        with contextlib.suppress(ProcessLookupError):
            self.process.kill()
        await self.process.wait()
        self.process._transport.close()  # type: ignore[attr-defined]  # noqa: SLF001  # asyncio has no public way

    async def _exchange(self, question: bytes) -> Reply:
        self._questions.write(question)
        await self._questions.drain()
        return await self._answer()

    async def _answer(self) -> Reply:
        head_size, data_size = LENGTHS.unpack(await self._answers.readexactly(LENGTHS.size))
        if head_size > MAX_FRAME or data_size > MAX_FRAME:
            raise OSError(f"a frame of {head_size} + {data_size} bytes")
        return Reply.read(await self._answers.readexactly(head_size), await self._answers.readexactly(data_size))

    async def _verdict(self) -> Permanent | Retryable:
        """Why the child died, told by its exit code."""
        try:
            async with asyncio.timeout(_EXIT_SECONDS):
                code = await self.process.wait()
        except TimeoutError:
            return Permanent("the parser closed its pipe and lived on", rule="sandbox-crash")  # it is killed now
        if code == -signal.SIGXCPU:
            return Permanent("the document used up its CPU time", rule="sandbox-time")
        if code == OUT_OF_MEMORY:
            return Permanent("the document used up its memory", rule="sandbox-memory")
        if code == -signal.SIGKILL:
            # No limit of ours kills like this: an operator did, or the kernel for want of memory. The document may be
            # innocent, so it comes back; one that is not runs into the delivery cap.
            return Retryable("the parser was killed from outside")
        name = signal.Signals(-code).name if code < 0 else f"exit code {code}"
        return Permanent(f"the parser died: {name}", rule="sandbox-crash")
