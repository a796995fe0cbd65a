"""Model of scored tasks and their results."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Literal

Verdict = Literal["aim", "reach", "below", ""]


@dataclass(frozen=True, slots=True)
class Score:
    """One score. `baseline`: score of the named library or rule; `reach` and `aim`: the targets.

    `measured`: the baseline was computed in this run, not quoted. `n`: number of scored items. Scores of the same
    `pool` are also printed as one, weighted by `n`, with the targets of the first.
    """

    name: str
    value: float
    n: int
    baseline: float | None = None
    reach: float | None = None
    aim: float | None = None
    higher_is_better: bool = True
    measured: bool = False
    pool: str = ""
    note: str = ""

    @property
    def verdict(self) -> Verdict:
        """The target that the printed value (three digits) meets; empty without targets."""
        if self.reach is None:
            return ""
        if self.aim is not None and self._meets(self.aim):
            return "aim"
        return "reach" if self._meets(self.reach) else "below"

    def _meets(self, target: float) -> bool:
        value = round(self.value, 3)
        return value >= target if self.higher_is_better else value <= target


@dataclass(frozen=True, slots=True)
class TaskOutcome:
    """Result of a task: scores, number of items, and CPU milliseconds per item of the product's code."""

    scores: tuple[Score, ...]
    items: int
    cpu_ms_per_item: float
    notes: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Task:
    """A task. `measure` is called with the data folder, in its own process, if every file of `reads` exists.

    `reads` are paths under the folder, laid out like `../shared/data`. Counts and ids must not be assumed.
    """

    name: str
    about: str
    reads: tuple[str, ...]
    measure: Callable[[Path], TaskOutcome]

    def absent(self, data: Path) -> list[str]:
        """Missing data files."""
        return [name for name in self.reads if not (data / name).is_file()]


@dataclass(slots=True)
class Stopwatch:
    """CPU seconds of this process, summed over the spans that are measured: `with watch.running(): ...`."""

    seconds: float = 0.0
    spans: list[float] = field(default_factory=list)

    @contextmanager
    def running(self) -> Iterator[None]:
        """Measure one span."""
        started = time.process_time()
        try:
            yield
        finally:
            self.spans.append(time.process_time() - started)
            self.seconds += self.spans[-1]

    def ms_per(self, items: int) -> float:
        """CPU milliseconds per item."""
        return self.seconds * 1000 / max(1, items)
