"""A process in which hostile bytes are parsed: forked off a warm one, it answers one frame per document.

It limits itself, sees nothing but the one socket it was given, and dies with the process it was forked from.
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
class Birth:
    """What a child is told when it is forked: its socket, and what one document may take."""

    connection: socket.socket
    memory: int
    """Bytes of address space beyond what the process has at birth."""
    cpu_seconds: float
    niceness: int


def die_with(parent: int) -> None:
    """End this process when its parent ends, whatever the parent dies of."""
    ctypes.CDLL(None, use_errno=True).prctl(_PR_SET_PDEATHSIG, signal.SIGKILL)
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C goes to the group; the parent says when to stop
    if os.getppid() != parent:
        sys.exit(0)  # it died before we asked


def live(parse: Parse, birth: Birth) -> int:
    """Answer until the socket is closed; the exit code."""
    os.nice(birth.niceness)
    _limit_memory(birth.memory)
    with birth.connection.makefile("rb") as questions, birth.connection.makefile("wb") as answers:
        while (question := _receive(questions)) is not None:
            # SIGPROF ends the process even inside C code; unlike RLIMIT_CPU it counts in parts of a second.
            signal.setitimer(signal.ITIMER_PROF, birth.cpu_seconds)
            try:
                reply = _answer(parse, *question)
            except MemoryError:
                # The heap is in an unknown state: leave without running anything else.
                os._exit(OUT_OF_MEMORY)
            signal.setitimer(signal.ITIMER_PROF, 0)
            answers.write(reply.frame())
            answers.flush()
    return 0


def _limit_memory(extra: int) -> None:
    pages = int(Path("/proc/self/statm").read_text(encoding="ascii").split()[0])
    limit = pages * resource.getpagesize() + extra
    resource.setrlimit(resource.RLIMIT_AS, (limit, limit))
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    resource.setrlimit(resource.RLIMIT_NOFILE, (_MAX_OPEN_FILES, _MAX_OPEN_FILES))


def _receive(questions: BinaryIO) -> tuple[bytes, bytes] | None:
    lengths = questions.read(LENGTHS.size)
    if len(lengths) < LENGTHS.size:
        return None
    head_size, data_size = LENGTHS.unpack(lengths)
    return questions.read(head_size), questions.read(data_size)


def _answer(parse: Parse, head: bytes, data: bytes) -> Reply:
    try:
        return Reply("result", parse(head, data))
    except Permanent as error:
        return Reply("permanent", rule=error.rule, reason=str(error))
    except RecursionError:
        return Reply("permanent", rule="sandbox-crash", reason="the document nests too deeply")
