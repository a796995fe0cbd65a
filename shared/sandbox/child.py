"""The process in which hostile bytes are parsed: `python -m MODULE PARENT BYTES SECONDS`, whose main calls `serve`.

It answers one frame per document over the pipes it was given as stdin and stdout, limits itself, and dies with its
parent.
"""

from __future__ import annotations

import ctypes
import gc
import logging
import math
import os
import resource
import signal
import sys
import warnings
from collections.abc import Callable
from pathlib import Path
from typing import BinaryIO, Final

from shared.errors import Permanent
from shared.sandbox.frames import LENGTHS, OUT_OF_MEMORY, Reply

_PR_SET_PDEATHSIG: Final = 1
_MAX_OPEN_FILES: Final = 64
_NICENESS: Final = 5
"""Parsing is bulk work: answering producers and readers goes first when the cores are busy."""

Parse = Callable[[bytes, bytes], bytes]
"""From the head and data of a document to the result; raises Permanent with a rule."""


def serve(parse: Parse, warm_up: Callable[[], object]) -> int:
    """Serve until the parent closes the pipe. `warm_up` loads what no document shall pay for or be measured by."""
    parent, limit, seconds = int(sys.argv[1]), int(sys.argv[2]), float(sys.argv[3])
    _die_with(parent)
    os.nice(_NICENESS)
    questions, answers = _private_pipes()
    logging.disable(logging.CRITICAL)  # libraries log text of the page
    warnings.simplefilter("ignore")
    warm_up()
    settle()
    _limit_memory(limit)
    _send(answers, Reply("ready"))
    while (question := _receive(questions)) is not None:
        _limit_cpu(seconds)
        try:
            _send(answers, _answer(parse, *question))
        except MemoryError:
            # The heap is in an unknown state: leave without running anything else.
            os._exit(OUT_OF_MEMORY)
    return 0


def _die_with(parent: int) -> None:
    ctypes.CDLL(None, use_errno=True).prctl(_PR_SET_PDEATHSIG, signal.SIGKILL)
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C goes to the group; the parent says when to stop
    if os.getppid() != parent:
        sys.exit(0)  # it died before we asked


def _private_pipes() -> tuple[BinaryIO, BinaryIO]:
    """The pipes, moved away from stdin and stdout, so that a print in a library cannot reach them."""
    questions, answers = os.fdopen(os.dup(0), "rb"), os.fdopen(os.dup(1), "wb")
    nowhere = os.open(os.devnull, os.O_RDWR)
    os.dup2(nowhere, 0)
    os.dup2(nowhere, 1)
    return questions, answers


def settle() -> None:
    """Models and modules stay for ever: not looking through them again and again saves a tenth of the CPU."""
    gc.collect()
    gc.freeze()
    gc.set_threshold(100_000, 20, 50)


def _limit_memory(extra: int) -> None:
    pages = int(Path("/proc/self/statm").read_text(encoding="ascii").split()[0])
    limit = pages * resource.getpagesize() + extra
    resource.setrlimit(resource.RLIMIT_AS, (limit, limit))
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    resource.setrlimit(resource.RLIMIT_NOFILE, (_MAX_OPEN_FILES, _MAX_OPEN_FILES))


def _limit_cpu(seconds: float) -> None:
    """Allow this process so many more CPU seconds; SIGXCPU ends it even inside C code."""
    used = resource.getrusage(resource.RUSAGE_SELF)
    limit = math.ceil(used.ru_utime + used.ru_stime + seconds)
    resource.setrlimit(resource.RLIMIT_CPU, (limit, resource.RLIM_INFINITY))


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


def _send(answers: BinaryIO, reply: Reply) -> None:
    answers.write(reply.frame())
    answers.flush()
