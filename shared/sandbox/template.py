"""The warm process that parser children are forked from: `python -m MODULE PARENT ...`, whose main calls `serve`.

It loads models and modules once and never sees a document. A fork takes some ten milliseconds and shares what is
loaded until it is written to, where a process of its own took seconds of CPU and all the memory again.

Orders come as packets over the socket that is its stdin: `fork` with the child's socket, or `end`. On stdout it says,
a line each: `ready`, `refused REASON` (a JSON string: why it will not get ready), `born ID PID`, `ended ID CODE`
(negative: the signal that ended the child).
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
from shared.sandbox.child import Birth, Parse, die_with, live
from shared.sandbox.frames import MAX_ORDER

_NICENESS: Final = 5
"""Parsing is bulk work: answering producers and readers goes first when the cores are busy."""

_MAX_REASON: Final = 1000
"""Characters of a reason: a line that its reader takes whole."""


def serve(parse: Parse, warm_up: Callable[[], object]) -> int:
    """Fork children until the orders end; the exit code, of a child as well. `warm_up` loads what all shall share.

    A Permanent that `warm_up` raises is told to the pool: what it was told to load cannot be loaded.
    """
    die_with(int(sys.argv[1]))
    orders, says = _private_ends()
    logging.disable(logging.CRITICAL)  # libraries log text of the page
    warnings.simplefilter("ignore")
    try:
        warm_up()
    except Permanent as error:
        says.write(b"refused " + orjson.dumps(str(error)[:_MAX_REASON]) + b"\n")
        return 1
    os.nice(_NICENESS)  # not before: until it is warm, nothing is parsed at all
    settle()
    birth = _Template(orders, says).run()
    return 0 if birth is None else live(parse, birth)


def _private_ends() -> tuple[socket.socket, BinaryIO]:
    """What was stdin and stdout, moved away from there, so that a print in a library cannot reach them."""
    orders, says = socket.socket(fileno=os.dup(0)), os.fdopen(os.dup(1), "wb", buffering=0)
    nowhere = os.open(os.devnull, os.O_RDWR)
    os.dup2(nowhere, 0)
    os.dup2(nowhere, 1)
    os.close(nowhere)
    return orders, says


def settle() -> None:
    """Models and modules stay for ever: a collection that looked at them would cost CPU, and copy their pages."""
    gc.collect()
    gc.freeze()
    gc.set_threshold(100_000, 20, 50)


class _Template:
    """The loop that forks and buries."""

    def __init__(self, orders: socket.socket, says: BinaryIO) -> None:
        self._orders = orders
        self._says = says
        self._children: dict[int, int] = {}
        """Process id -> id of the child."""
        self._deaths, self._death = socket.socketpair()

    def run(self) -> Birth | None:
        """None when there are no more orders; in a forked child, what it was born with."""
        self._death.setblocking(False)
        signal.signal(signal.SIGCHLD, _only_wake)
        signal.set_wakeup_fd(self._death.fileno(), warn_on_full_buffer=False)
        self._say("ready")
        while True:
            readable, _, _ = select.select([self._orders, self._deaths], [], [])
            if self._deaths in readable:
                self._deaths.recv(MAX_ORDER)
                self._bury()
            if self._orders in readable:
                message, descriptors, _, _ = socket.recv_fds(self._orders, MAX_ORDER, 1)
                if not message:
                    return None
                if (birth := self._obey(orjson.loads(message), descriptors)) is not None:
                    return birth

    def _obey(self, order: dict[str, Any], descriptors: list[int]) -> Birth | None:
        if order["do"] == "fork":
            connection = socket.socket(fileno=descriptors[0])
            birth = Birth(connection, order["memory"], order["cpu_seconds"], order["niceness"])
            return birth if self._fork(order["id"], connection) else None
        for pid in [pid for pid, child in self._children.items() if child == order["id"]]:
            os.kill(pid, signal.SIGKILL)  # not buried yet, so the number is still its own
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
            self._leave(parent)
            return True
        self._children[pid] = child
        connection.close()
        self._say(f"born {child} {pid}")
        return False

    def _leave(self, parent: int) -> None:
        """In a child: let go of all that is the template's."""
        die_with(parent)
        signal.set_wakeup_fd(-1)
        signal.signal(signal.SIGCHLD, signal.SIG_DFL)
        for end in (self._orders, self._says, self._deaths, self._death):
            end.close()

    def _bury(self) -> None:
        with contextlib.suppress(ChildProcessError):
            while (ended := os.waitpid(-1, os.WNOHANG))[0]:
                child = self._children.pop(ended[0], None)
                if child is not None:
                    self._say(f"ended {child} {os.waitstatus_to_exitcode(ended[1])}")

    def _say(self, line: str) -> None:
        self._says.write(f"{line}\n".encode())


def _only_wake(*_: object) -> None:
    """The signal's number in the wake-up socket says all; without a handler there would be none."""
