"""The process in which hostile bytes are parsed: `python -m ...adapters.parser_child PARENT BYTES SECONDS`.

It answers one frame per page over the pipes it was given as stdin and stdout, limits itself, and dies with its parent.
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
import time
import warnings
from datetime import datetime
from pathlib import Path
from typing import BinaryIO, Final

from services.enrich.adapters.frames import LENGTHS, OUT_OF_MEMORY, Answer, PageHead, frame
from services.enrich.domain import pipeline
from services.enrich.domain.reading import RawPage
from shared.articles import InputKind, Submission
from shared.errors import Permanent

_PR_SET_PDEATHSIG: Final = 1
_MAX_OPEN_FILES: Final = 64
_NICENESS: Final = 5
"""Parsing is bulk work: answering producers and readers goes first when the cores are busy."""
_WARM_UP: Final = (
    b"<html><head><title>The lighthouse keeper retires</title></head>"
    b"<body><article><h1>The lighthouse keeper retires</h1>"
    b"<p>After forty years at the northern light the keeper hands over her keys, and nobody is left to take them.</p>"
    b"<p>From now on a computer two hundred miles away will switch the lamp on at dusk and off at dawn.</p>"
    b"</article></body></html>"
)


def main() -> int:
    """Serve until the parent closes the pipe."""
    parent, limit, seconds = int(sys.argv[1]), int(sys.argv[2]), float(sys.argv[3])
    _die_with(parent)
    os.nice(_NICENESS)
    pages, answers = _private_pipes()
    logging.disable(logging.CRITICAL)  # libraries log text of the page
    warnings.simplefilter("ignore")
    _warm_up()
    _limit_memory(limit)
    _send(answers, Answer(said="ready"))
    while (page := _receive(pages)) is not None:
        _limit_cpu(seconds)
        try:
            _send(answers, _parse(page))
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
    pages, answers = os.fdopen(os.dup(0), "rb"), os.fdopen(os.dup(1), "wb")
    nowhere = os.open(os.devnull, os.O_RDWR)
    os.dup2(nowhere, 0)
    os.dup2(nowhere, 1)
    return pages, answers


def _warm_up() -> None:
    """Load every model and table once, so that no document pays for it or is measured by it."""
    now = datetime.fromisoformat("2026-01-01T00:00:00+00:00")
    page = RawPage("a" * 26, 1, InputKind.HTML, "text/html", _WARM_UP, Submission(), now, now)
    pipeline.run(page, time.perf_counter)
    # Models and modules stay for ever: not looking through them again and again saves a tenth of the CPU.
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


def _receive(pages: BinaryIO) -> RawPage | None:
    lengths = pages.read(LENGTHS.size)
    if len(lengths) < LENGTHS.size:
        return None
    head_size, data_size = LENGTHS.unpack(lengths)
    head, data = PageHead.model_validate_json(pages.read(head_size)), pages.read(data_size)
    return RawPage(
        article_id=head.article_id,
        rev=head.rev,
        kind=head.kind,
        media_type=head.media_type,
        data=data,
        submission=head.submission,
        received_at=datetime.fromisoformat(head.received_at),
        first_received_at=datetime.fromisoformat(head.first_received_at),
    )


def _parse(page: RawPage) -> Answer:
    try:
        return Answer(said="outcome", outcome=pipeline.run(page, time.perf_counter))
    except Permanent as error:
        return Answer(said="permanent", rule=error.rule, reason=str(error))
    except RecursionError:
        return Answer(said="permanent", rule="sandbox-crash", reason="the document nests too deeply")


def _send(answers: BinaryIO, answer: Answer) -> None:
    answers.write(frame(answer.model_dump_json().encode()))
    answers.flush()


if __name__ == "__main__":
    sys.exit(main())
