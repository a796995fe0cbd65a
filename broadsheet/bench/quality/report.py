"""Report of the quality tasks, as data and as a table."""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass, replace
from typing import Any, Literal

from rich.console import Console
from rich.table import Table

from broadsheet.bench.quality.task import Score, TaskOutcome

_COLOURS = {"aim": "green", "reach": "yellow", "below": "red", "": ""}


@dataclass(frozen=True, slots=True)
class ScoreRow:
    """One task: done with an outcome, or skipped or failed with a reason."""

    task: str
    about: str
    status: Literal["done", "skipped", "failed"]
    outcome: TaskOutcome | None = None
    reason: str = ""
    seconds: float = 0.0


@dataclass(frozen=True, slots=True)
class QualityReport:
    """One run on one folder; `load` is the load of the machine before it (1, 5 and 15 minutes)."""

    data: str
    load: tuple[float, float, float]
    rows: tuple[ScoreRow, ...]

    def to_json(self) -> str:
        """The whole report as one JSON object."""
        value: dict[str, Any] = {
            "data": self.data,
            "load": [round(number, 2) for number in self.load],
            "tasks": [_row_value(row) for row in self.rows],
            "pooled": [_score_value(score) for score in pooled(self.rows)],
        }
        return json.dumps(value, ensure_ascii=False, indent=2)


def pooled(rows: Sequence[ScoreRow]) -> Iterator[Score]:
    """The scores that several tasks share, as one each: the means weighted by items, with the first one's targets."""
    pools: dict[str, list[Score]] = {}
    for row in rows:
        for score in row.outcome.scores if row.outcome else ():
            if score.pool and score.n:
                pools.setdefault(score.pool, []).append(score)
    for name, scores in pools.items():
        total = sum(score.n for score in scores)
        baselines = [score.baseline for score in scores if score.baseline is not None]
        first = next((score for score in scores if score.reach is not None), scores[0])
        yield replace(
            first,
            name=name,
            value=sum(score.value * score.n for score in scores) / total,
            n=total,
            baseline=sum((score.baseline or 0.0) * score.n for score in scores) / total
            if len(baselines) == len(scores)
            else first.baseline,
            note=f"{len(scores)} tasks",
        )


def print_report(report: QualityReport, console: Console) -> None:
    """One line per score; a baseline marked with * was computed in this run."""
    table = Table("task", "score", "n", "baseline", "value", "reach", "aim", "", "CPU ms/item")
    for row in report.rows:
        if row.outcome is None:
            table.add_row(row.task, f"{row.status}: {row.reason.splitlines()[0]}", style="red")
        for number, score in enumerate(row.outcome.scores if row.outcome else ()):
            cpu = f"{row.outcome.cpu_ms_per_item:.2f}" if row.outcome and number == 0 else ""
            table.add_row(row.task if number == 0 else "", *_cells(score), cpu)
        table.add_section()
    for score in pooled(report.rows):
        table.add_row("pooled", *_cells(score), "")
    console.print(table)
    for row in report.rows:
        for note in row.outcome.notes if row.outcome else ():
            console.print(f"{row.task}: {note}", markup=False, highlight=False, soft_wrap=True)
    console.print(f"data {report.data}; load {report.load[0]:.2f}; * baseline measured in this run", highlight=False)


def _cells(score: Score) -> tuple[str, ...]:
    name = score.name if score.higher_is_better else f"{score.name} (less is better)"
    baseline = "" if score.baseline is None else f"{score.baseline:.3f}{'*' if score.measured else ''}"
    colour = _COLOURS[score.verdict]
    verdict = f"[{colour}]{score.verdict}[/]" if colour else ""
    targets = ("" if target is None else f"{target:g}" for target in (score.reach, score.aim))
    return (name, f"{score.n:,}", baseline, f"{score.value:.3f}", *targets, verdict)


def _score_value(score: Score) -> dict[str, Any]:
    return asdict(score) | {"verdict": score.verdict}


def _row_value(row: ScoreRow) -> dict[str, Any]:
    value = asdict(row)
    if row.outcome is not None:
        value["outcome"]["scores"] = [_score_value(score) for score in row.outcome.scores]
    return value
