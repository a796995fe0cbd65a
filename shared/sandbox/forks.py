"""The pool's side of the template process (`shared.sandbox.template`): starts it and forks children from it."""

from __future__ import annotations

import asyncio
import contextlib
import itertools
import os
import signal
import socket
import sys
from asyncio.subprocess import PIPE, Process
from collections.abc import Sequence
from pathlib import Path
from typing import Any, Final

import orjson
import structlog

from shared.errors import Permanent, Retryable
from shared.observability import log_events
from shared.sandbox.frames import LENGTHS, MAX_FRAME, OUT_OF_MEMORY, TIME, Limits, Reply, WallTimeExceeded

_ROOT: Final = Path(__file__).resolve().parents[2]
_START_SECONDS: Final = 60.0
_BIRTH_SECONDS: Final = 10.0
_EXIT_SECONDS: Final = 2.0
_OWN_FAULT: Final = 0.75
"""Share of the CPU time from which a document that reached its wall time is rejected instead of retried."""

log = structlog.get_logger(__name__)


class Forks:
    """Forks children from one template of `module`. `child` starts the template, and restarts it after it died."""

    def __init__(self, module: str, arguments: Sequence[str] = ()) -> None:
        self._module = module
        self._arguments = arguments
        self._starting = asyncio.Lock()
        self._template: _TemplateProcess | None = None
        self._closed = False

    async def child(self, limits: Limits, niceness: int) -> Child:
        """Fork a child. Raises Retryable when that fails."""
        template = await self._running()
        child = await template.fork(limits, niceness)
        log.debug(log_events.SANDBOX_STARTED, pid=child.pid)
        return child

    async def aclose(self) -> None:
        """Kill the template; its children are killed with it."""
        self._closed = True
        async with self._starting:
            if self._template is not None:
                await self._template.aclose()

    async def _running(self) -> _TemplateProcess:
        async with self._starting:
            if self._closed:
                raise Retryable("the sandbox is closed")
            if self._template is None or self._template.ended:
                if self._template is not None:
                    await self._template.aclose()
                self._template = await _TemplateProcess.start(self._module, self._arguments)
            return self._template


class _TemplateProcess:
    """One template process: sends commands, receives events about its children."""

    def __init__(self, process: Process, orders: socket.socket) -> None:
        self._process = process
        self._orders = orders
        self._ids = itertools.count(1)
        self._ready: asyncio.Future[bool] = asyncio.get_running_loop().create_future()
        self._forking: dict[int, asyncio.Future[int | None]] = {}
        self._ends: dict[int, asyncio.Future[int]] = {}
        self._refusal = "the parser did not become ready"
        self._hearing = asyncio.create_task(self._hear())

    @classmethod
    async def start(cls, module: str, arguments: Sequence[str]) -> _TemplateProcess:
        """Start the process and wait until it is warm. Raises Retryable."""
        ours, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        ours.setblocking(False)
        # No inherited environment: a parser needs no credentials. One thread: it parses one document at a time.
        environment = {"PYTHONPATH": str(_ROOT), "LANG": "C.UTF-8", "OPENBLAS_NUM_THREADS": "1", "OMP_NUM_THREADS": "1"}
        try:
            with theirs:
                command = (sys.executable, "-m", module, str(os.getpid()), *arguments)
                process = await asyncio.create_subprocess_exec(
                    *command, stdin=theirs.fileno(), stdout=PIPE, env=environment
                )
        except OSError as error:
            ours.close()
            raise Retryable(f"the parser did not start: {error}", retry_after=1.0) from error
        template = cls(process, ours)
        ready = False
        try:
            await asyncio.wait([template._ready], timeout=_START_SECONDS)
            ready = template._ready.done() and template._ready.result()
        finally:
            if not ready:
                await template.aclose()
        if not ready:
            raise Retryable(template._refusal, retry_after=1.0)
        return template

    @property
    def ended(self) -> bool:
        """Whether the process has ended."""
        return self._hearing.done()

    async def fork(self, limits: Limits, niceness: int) -> Child:
        """Fork a child. Raises Retryable; a template that does not respond is killed."""
        number = next(self._ids)
        loop = asyncio.get_running_loop()
        forked = self._forking[number] = loop.create_future()
        ended = self._ends[number] = loop.create_future()
        ours, theirs = socket.socketpair()
        try:
            with theirs:
                self._order(number, limits, niceness, theirs)
            pid = await self._pid(forked)
            return Child(self, number, pid, ended, *await asyncio.open_connection(sock=ours))
        except BaseException:
            ours.close()
            self.kill(number)
            raise
        finally:
            del self._forking[number]

    async def _pid(self, forked: asyncio.Future[int | None]) -> int:
        await asyncio.wait([forked], timeout=_BIRTH_SECONDS)
        if not forked.done():
            self._process.kill()
        pid = forked.result() if forked.done() else None
        if pid is None:
            raise Retryable("the parser did not fork", retry_after=1.0)
        return pid

    def _order(self, number: int, limits: Limits, niceness: int, theirs: socket.socket) -> None:
        order = {
            "do": "fork",
            "id": number,
            "memory": limits.bytes,
            "cpu_seconds": limits.cpu_seconds or limits.seconds,
            "niceness": niceness,
        }
        try:
            socket.send_fds(self._orders, [orjson.dumps(order)], [theirs.fileno()])
        except OSError as error:
            raise Retryable(f"the parser accepts no commands: {error}", retry_after=1.0) from error

    def kill(self, number: int) -> None:
        """Kill a child that still runs. The template does it, because it knows that the pid is not reused."""
        with contextlib.suppress(OSError):  # the template has ended, and its children with it
            self._orders.send(orjson.dumps({"do": "end", "id": number}))

    async def aclose(self) -> None:
        """Kill the process; the kernel kills its children."""
        with contextlib.suppress(ProcessLookupError):
            self._process.kill()
        await asyncio.wait([self._hearing], timeout=_EXIT_SECONDS)
        self._hearing.cancel()
        await self._process.wait()
        self._orders.close()
        self._process._transport.close()  # type: ignore[attr-defined]  # noqa: SLF001  # asyncio has no public way

    async def _hear(self) -> None:
        """Read the template's events until it ends; its children then count as killed from outside."""
        news = self._process.stdout
        try:
            while news is not None and (line := await news.readline()):
                said, _, rest = line.partition(b" ")
                if said == b"refused":
                    self._refusal = str(orjson.loads(rest))
                else:
                    self._note(said.decode("ascii", "replace").strip(), [int(number) for number in rest.split()])
        finally:
            self._note_end()

    def _note_end(self) -> None:
        _settle(self._ready, False)
        for forked in self._forking.values():
            _settle(forked, None)
        for ended in self._ends.values():
            _settle(ended, -signal.SIGKILL)

    def _note(self, said: str, numbers: list[int]) -> None:
        if said == "ready":
            self._ready.set_result(True)
        elif said == "born":
            _settle(self._forking.get(numbers[0]), numbers[1])
        elif said == "ended":
            _settle(self._forking.get(numbers[0]), None)
            _settle(self._ends.pop(numbers[0], None), numbers[1])


def _settle(waiting: asyncio.Future[Any] | None, result: int | None) -> None:
    if waiting is not None and not waiting.done():
        waiting.set_result(result)


def overrun(limits: Limits, cpu_seconds: float) -> Permanent | WallTimeExceeded:
    """Error for an exceeded wall time: the document is rejected if it used most of its CPU time, else retried."""
    if cpu_seconds >= _OWN_FAULT * (limits.cpu_seconds or limits.seconds):
        return Permanent(f"not parsed within {limits.seconds:g} s, {cpu_seconds:.1f} s of CPU", rule=TIME)
    return WallTimeExceeded(f"the parser got {cpu_seconds:.1f} s of CPU within {limits.seconds:g} s")


def _cpu_seconds(pid: int) -> float:
    """CPU time of a process so far, in steps of 10 ms; 0 where the system does not say."""
    try:
        fields = Path(f"/proc/{pid}/stat").read_bytes().rpartition(b")")[2].split()
    except OSError:
        return 0.0
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


class Child:
    """One parser process and its socket."""

    def __init__(
        self,
        template: _TemplateProcess,
        number: int,
        pid: int,
        ending: asyncio.Future[int],
        answers: asyncio.StreamReader,
        questions: asyncio.StreamWriter,
    ) -> None:
        self.pid = pid
        self.served = 0
        self._template = template
        self._number = number
        self._ending = ending
        self._answers = answers
        self._questions = questions

    @property
    def ended(self) -> bool:
        """Whether the process has ended."""
        return self._ending.done()

    async def ask(self, question: bytes, limits: Limits) -> Reply:
        """The child's answer.

        Raises Permanent when the document used up its CPU time or memory, or the child crashed; WallTimeExceeded when
        the wall time passed without that; Retryable when the child was killed from outside.
        """
        self.served += 1
        cpu_before = _cpu_seconds(self.pid)
        try:
            async with asyncio.timeout(limits.seconds):
                return await self._exchange(question)
        except TimeoutError as error:
            raise overrun(limits, _cpu_seconds(self.pid) - cpu_before) from error
        except (OSError, asyncio.IncompleteReadError) as error:
            raise await self._verdict() from error
        except orjson.JSONDecodeError as error:
            raise Permanent("the parser returned an invalid reply", rule="sandbox-crash") from error

    async def end(self) -> None:
        """Kill the process, wait for its end and close its socket; unread replies are discarded."""
        self._template.kill(self._number)
        self._questions.transport.abort()
        await asyncio.wait([self._ending], timeout=_EXIT_SECONDS)

    async def _exchange(self, question: bytes) -> Reply:
        self._questions.write(question)
        await self._questions.drain()
        head_size, data_size = LENGTHS.unpack(await self._answers.readexactly(LENGTHS.size))
        if head_size > MAX_FRAME or data_size > MAX_FRAME:
            raise OSError(f"a frame of {head_size} + {data_size} bytes")
        return Reply.read(await self._answers.readexactly(head_size), await self._answers.readexactly(data_size))

    async def _verdict(self) -> Permanent | Retryable:
        """Why the child died, from its exit code."""
        await asyncio.wait([self._ending], timeout=_EXIT_SECONDS)
        if not self._ending.done():
            return Permanent("the parser closed its socket and kept running", rule="sandbox-crash")  # it is killed now
        code = self._ending.result()
        if code == -signal.SIGPROF:
            return Permanent("the document used up its CPU time", rule=TIME)
        if code == OUT_OF_MEMORY:
            return Permanent("the document used up its memory", rule="sandbox-memory")
        if code == -signal.SIGKILL:
            # None of our limits sends SIGKILL: an operator did, or the kernel for lack of memory. The document may be
            # good, so it is retried; a bad one reaches the maximum of deliveries.
            return Retryable("the parser was killed from outside")
        name = signal.Signals(-code).name if code < 0 else f"exit code {code}"
        return Permanent(f"the parser died: {name}", rule="sandbox-crash")
