"""A parser child that does what its page says: crash, hang, bloat, or print where it must not."""

from __future__ import annotations

import ctypes
import sys
import threading
import time
from collections.abc import Callable
from dataclasses import replace
from typing import Final

from services.enrich.adapters import parser_child
from services.enrich.domain import pipeline
from services.enrich.domain.pipeline import RECIPE, Outcome, Recipe
from services.enrich.domain.reading import RawPage

_SLOW_SECONDS: Final = 0.5
_GOOD: Final = b"Title here\n\nA body of some words."
_real = pipeline.run


def run(page: RawPage, clock: Callable[[], float], steps: Recipe = RECIPE) -> Outcome:
    """Fall for the page's word, then parse a good page in place of those that only take long or print."""
    word = page.data.decode("utf-8", "replace")
    if word in _PLANTED:
        _PLANTED[word]()
        return _real(replace(page, data=_GOOD), clock, steps)
    return _real(page, clock, steps)


def _loop() -> None:
    while True:
        pass


def _slow() -> None:
    until = time.process_time() + _SLOW_SECONDS
    while time.process_time() < until:
        pass


def _bloat() -> None:
    kept = [bytearray(16_000_000) for _ in range(1000)]
    del kept


def _fail() -> None:
    raise IndexError("a defect")


_PLANTED: Final[dict[str, Callable[[], object]]] = {
    "segfault": lambda: ctypes.string_at(0),
    "loop": _loop,
    "slow": _slow,
    "sleep": lambda: time.sleep(60),
    "slow-sleep": lambda: (_slow(), time.sleep(60)),
    "lock": lambda: threading.Event().wait(60),
    "memory": _bloat,
    "defect": _fail,
    "garbage": lambda: sys.exit(0),
    "print": lambda: print("noise on stdout" * 1000, flush=True),
}

if __name__ == "__main__":
    pipeline.run = run
    sys.exit(parser_child.main())
