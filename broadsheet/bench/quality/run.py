"""Runs the tasks, each in its own process with a time limit and a progress line."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from rich.console import Console
from rich.progress import MofNCompleteColumn, Progress, SpinnerColumn, TextColumn, TimeElapsedColumn

from broadsheet.bench.quality.registry import UnknownTask, chosen
from broadsheet.bench.quality.report import QualityReport, ScoreRow, print_report
from broadsheet.bench.quality.task import Score, Task, TaskOutcome

TASK_SECONDS: Final = 3_600.0
"""Time limit of a task in seconds; then it counts as failed."""


@dataclass(frozen=True, slots=True)
class QualityOptions:
    """What to run, on which folder, and how to print."""

    data: Path
    only: tuple[str, ...] = ()
    as_json: bool = False


def run(options: QualityOptions) -> int:
    """Run and print. Exit code 0 if all tasks with data succeeded, 1 if one failed, 2 if none ran."""
    notes = Console(stderr=True)
    try:
        tasks = chosen(options.only)
    except UnknownTask as error:
        notes.print(f"bench quality: {error}", style="red", markup=False, highlight=False, soft_wrap=True)
        return 2
    report = QualityReport(data=str(options.data), load=os.getloadavg(), rows=tuple(_rows(tasks, options.data, notes)))
    if options.as_json:
        print(report.to_json())
    else:
        print_report(report, Console(width=150))
    for row in report.rows:
        if row.status != "done":
            notes.print(f"{row.task}: {row.status.upper()}: {row.reason}", style="red", markup=False, soft_wrap=True)
    if not any(row.status == "done" for row in report.rows):
        return 2
    return 1 if any(row.status == "failed" for row in report.rows) else 0


def _rows(tasks: Sequence[Task], data: Path, notes: Console) -> list[ScoreRow]:
    columns = (SpinnerColumn(), TextColumn("{task.description}"), MofNCompleteColumn(), TimeElapsedColumn())
    rows: list[ScoreRow] = []
    with Progress(*columns, console=notes, transient=True) as bar:
        line = bar.add_task("", total=len(tasks))
        for task in tasks:
            bar.update(line, description=f"{task.name}: {task.about}")
            rows.append(_row(task, data))
            bar.advance(line)
    return rows


def _row(task: Task, data: Path) -> ScoreRow:
    if absent := task.absent(data):
        return ScoreRow(task.name, task.about, "skipped", reason=f"{data} has no {', '.join(absent)}")
    started = time.monotonic()
    command = [sys.executable, "-m", "broadsheet.bench.quality.child", task.name, str(data)]
    try:
        done = subprocess.run(command, capture_output=True, timeout=TASK_SECONDS, check=False)  # noqa: S603 - our own
    except subprocess.TimeoutExpired:
        return ScoreRow(task.name, task.about, "failed", reason=f"took more than {TASK_SECONDS:g} s")
    seconds = time.monotonic() - started
    if done.returncode != 0:
        tail = done.stderr.decode("utf-8", "replace").strip()[-2_000:]
        return ScoreRow(task.name, task.about, "failed", reason=f"exit code {done.returncode}\n{tail}", seconds=seconds)
    return ScoreRow(task.name, task.about, "done", outcome=_outcome(done.stdout), seconds=seconds)


def _outcome(answer: bytes) -> TaskOutcome:
    value = json.loads(answer)
    return TaskOutcome(
        scores=tuple(Score(**score) for score in value["scores"]),
        items=value["items"],
        cpu_ms_per_item=value["cpu_ms_per_item"],
        notes=tuple(value["notes"]),
    )
