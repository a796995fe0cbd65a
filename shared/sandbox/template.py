"""The template: a warm process from which parser children are forked. `python -m MODULE PARENT ...` calls `serve`.

It loads models and modules once and never parses a document. A fork takes about 10 ms and shares loaded memory until
it is written to; a new process would take seconds of CPU and all the memory again.

Commands are packets on the socket that is its stdin: `fork` with the child's socket, or `end`. It writes one line per
event to stdout: `ready`, `refused REASON` (a JSON string: why it cannot start), `born ID PID`, `ended ID CODE`
(negative: the signal that killed the child).
"""

from __future__ import annotations

import contextlib
import gc
import logging
import os
import select
import signal
import socket
import sys
import warnings
from collections.abc import Callable
from typing import Any, BinaryIO, Final

import orjson

from shared.errors import Permanent
from shared.sandbox.child import ChildSpec, Parse, run_child, set_parent_death_signal
from shared.sandbox.frames import MAX_ORDER

_NICENESS: Final = 5
"""Parsing is batch work: requests of producers and readers have priority when the CPU is busy."""

_MAX_REASON: Final = 1000
"""Characters of a reason, so that its line fits the reader's buffer."""


def serve(parse: Parse, warm_up: Callable[[], object]) -> int:
    """Fork children until the command socket closes; the exit code, also in a child. `warm_up` loads shared state.

    A Permanent that `warm_up` raises is reported to the pool as `refused`.
    """
    set_parent_death_signal(int(sys.argv[1]))
    orders, says = _private_ends()
    logging.disable(logging.CRITICAL)  # libraries log text of the page
    warnings.simplefilter("ignore")
    try:
        warm_up()
    except Permanent as error:
        says.write(b"refused " + orjson.dumps(str(error)[:_MAX_REASON]) + b"\n")
        return 1
    os.nice(_NICENESS)  # after warm-up, which must not be slowed down
    settle()
    spec = _Template(orders, says).run()
    return 0 if spec is None else run_child(parse, spec)


def _private_ends() -> tuple[socket.socket, BinaryIO]:
    """Duplicates of stdin and stdout; the originals become /dev/null, so that a print in a library reaches nothing."""
    orders, says = socket.socket(fileno=os.dup(0)), os.fdopen(os.dup(1), "wb", buffering=0)
    nowhere = os.open(os.devnull, os.O_RDWR)
    os.dup2(nowhere, 0)
    os.dup2(nowhere, 1)
    os.close(nowhere)
    return orders, says


def settle() -> None:
    """Exclude loaded models and modules from garbage collection, which would cost CPU and copy shared pages."""
    gc.collect()
    gc.freeze()
    gc.set_threshold(100_000, 20, 50)


class _Template:
    """The loop that forks children and reaps them."""

    def __init__(self, orders: socket.socket, says: BinaryIO) -> None:
        self._orders = orders
        self._says = says
        self._children: dict[int, int] = {}
        """Process id -> id of the child."""
        self._deaths, self._death = socket.socketpair()

    def run(self) -> ChildSpec | None:
        """None when the command socket is closed; in a forked child, its spec."""
        self._death.setblocking(False)
        signal.signal(signal.SIGCHLD, _only_wake)
        signal.set_wakeup_fd(self._death.fileno(), warn_on_full_buffer=False)
        self._say("ready")
        while True:
            readable, _, _ = select.select([self._orders, self._deaths], [], [])
            if self._deaths in readable:
                self._deaths.recv(MAX_ORDER)
                self._reap()
            if self._orders in readable:
                message, descriptors, _, _ = socket.recv_fds(self._orders, MAX_ORDER, 1)
                if not message:
                    return None
                if (spec := self._execute(orjson.loads(message), descriptors)) is not None:
                    return spec

    def _execute(self, order: dict[str, Any], descriptors: list[int]) -> ChildSpec | None:
        if order["do"] == "fork":
            connection = socket.socket(fileno=descriptors[0])
            spec = ChildSpec(connection, order["memory"], order["cpu_seconds"], order["niceness"])
            return spec if self._fork(order["id"], connection) else None
        for pid in [pid for pid, child in self._children.items() if child == order["id"]]:
            os.kill(pid, signal.SIGKILL)  # not reaped yet, so the pid has not been reused
        return None

    def _fork(self, child: int, connection: socket.socket) -> bool:
        """Whether this is the child."""
        parent = os.getpid()
        try:
            pid = os.fork()
        except OSError as error:
            connection.close()
            self._say(f"ended {child} {error.errno or 1}")
            return False
        if pid == 0:
            self._detach(parent)
            return True
        self._children[pid] = child
        connection.close()
        self._say(f"born {child} {pid}")
        return False

    def _detach(self, parent: int) -> None:
        """In a child: close everything that belongs to the template."""
        set_parent_death_signal(parent)
        signal.set_wakeup_fd(-1)
        signal.signal(signal.SIGCHLD, signal.SIG_DFL)
        for end in (self._orders, self._says, self._deaths, self._death):
            end.close()

    def _reap(self) -> None:
        with contextlib.suppress(ChildProcessError):
            while (ended := os.waitpid(-1, os.WNOHANG))[0]:
                child = self._children.pop(ended[0], None)
                if child is not None:
                    self._say(f"ended {child} {os.waitstatus_to_exitcode(ended[1])}")

    def _say(self, line: str) -> None:
        self._says.write(f"{line}\n".encode())


def _only_wake(*_: object) -> None:
    """The wake-up socket gets the signal number only if a handler is installed."""
