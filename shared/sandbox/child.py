"""A parser process: forked from the warm template, it returns one frame per document.

It limits its own CPU time and memory, has no file descriptor but its socket, and is killed when its parent ends.
"""

from __future__ import annotations

import ctypes
import os
import resource
import signal
import socket
import sys
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO, Final

from shared.errors import Permanent
from shared.sandbox.frames import LENGTHS, OUT_OF_MEMORY, Reply

_PR_SET_PDEATHSIG: Final = 1
_MAX_OPEN_FILES: Final = 64

Parse = Callable[[bytes, bytes], bytes]
"""From the head and data of a document to the result; raises Permanent with a rule."""


@dataclass(frozen=True, slots=True)
class ChildSpec:
    """What a child is forked with: its socket, and the limits of one document."""

    connection: socket.socket
    memory: int
    """Bytes of address space beyond those of the forked process."""
    cpu_seconds: float
    niceness: int


def set_parent_death_signal(parent: int) -> None:
    """Let the kernel kill this process when its parent ends, also by SIGKILL."""
    ctypes.CDLL(None, use_errno=True).prctl(_PR_SET_PDEATHSIG, signal.SIGKILL)
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C goes to the whole group; the parent decides when to stop
    if os.getppid() != parent:
        sys.exit(0)  # it ended before the call


def run_child(parse: Parse, spec: ChildSpec) -> int:
    """Parse documents until the socket is closed; the exit code."""
    os.nice(spec.niceness)
    _limit_memory(spec.memory)
    with spec.connection.makefile("rb") as requests, spec.connection.makefile("wb") as replies:
        while (request := _receive(requests)) is not None:
            # SIGPROF kills the process even inside C code; unlike RLIMIT_CPU it has sub-second resolution.
            signal.setitimer(signal.ITIMER_PROF, spec.cpu_seconds)
            try:
                reply = _parse(parse, *request)
            except MemoryError:
                # The heap is in an unknown state: exit without running anything else.
                os._exit(OUT_OF_MEMORY)
            signal.setitimer(signal.ITIMER_PROF, 0)
            replies.write(reply.frame())
            replies.flush()
    return 0


def _limit_memory(extra: int) -> None:
    pages = int(Path("/proc/self/statm").read_text(encoding="ascii").split()[0])
    limit = pages * resource.getpagesize() + extra
    resource.setrlimit(resource.RLIMIT_AS, (limit, limit))
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    resource.setrlimit(resource.RLIMIT_NOFILE, (_MAX_OPEN_FILES, _MAX_OPEN_FILES))


def _receive(requests: BinaryIO) -> tuple[bytes, bytes] | None:
    lengths = requests.read(LENGTHS.size)
    if len(lengths) < LENGTHS.size:
        return None
    head_size, data_size = LENGTHS.unpack(lengths)
    return requests.read(head_size), requests.read(data_size)


def _parse(parse: Parse, head: bytes, data: bytes) -> Reply:
    try:
        return Reply("result", parse(head, data))
    except Permanent as error:
        return Reply("permanent", rule=error.rule, reason=str(error))
    except RecursionError:
        return Reply("permanent", rule="sandbox-crash", reason="the document nests too deeply")
