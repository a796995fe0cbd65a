"""Report of the pipeline benchmark, as data and as tables."""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass, field
from typing import Final

from rich.console import Console
from rich.table import Table

_STAGES: Final = (
    ("ingest", "accepted", "accept script"),
    ("enrich", "enriched", "XREADGROUP loop"),
    ("index", "searchable", "tantivy writer"),
)


@dataclass(frozen=True, slots=True)
class StageResult:
    """One stage: articles processed, dead-lettered, per second from the first POST, and CPU ms per article."""

    service: str
    name: str
    done: int
    dead: int
    per_second: float
    cpu_ms_per_article: float
    limit: str
    limit_per_second: float
    limit_cpu_ms_per_article: float

    @property
    def ratio(self) -> float:
        """The stage's rate as a share of its bare limit's."""
        return self.per_second / self.limit_per_second if self.limit_per_second else 0.0


@dataclass(frozen=True, slots=True)
class PipelineReport:
    """One run. Memory in MB (10^6 bytes), summed over a process and its children; CPU in ms of the whole run."""

    articles: int
    refused: int
    staged: bool
    seconds: float
    found_by_search: int
    stages: list[StageResult]
    peak_rss_mb: dict[str, float]
    cpu_ms: dict[str, float]
    examples_refused: list[dict[str, object]] = field(default_factory=list)

    @property
    def complete(self) -> bool:
        """Whether every accepted article is searchable or a dead letter, and search counts the same."""
        accepted, enriched, searchable = self.stages
        arrived = enriched.done + enriched.dead == accepted.done and searchable.done + searchable.dead == enriched.done
        return arrived and self.found_by_search == searchable.done

    def to_json(self) -> str:
        """The report as one JSON object, with the ratios."""
        value = asdict(self) | {"complete": self.complete}
        for row, stage in zip(value["stages"], self.stages, strict=True):
            row["ratio"] = round(stage.ratio, 4)
        return json.dumps(value, ensure_ascii=False, indent=2)


def stages() -> tuple[tuple[str, str, str], ...]:
    """(service, stage, bare limit) in processing order."""
    return _STAGES


def print_report(report: PipelineReport, console: Console) -> None:
    """Print the stages with their limits, and the cost of each process."""
    how = "one stage after another" if report.staged else "all stages at once"
    console.print(f"{report.articles:,} articles, {how}, {report.seconds:.1f} s, {report.refused:,} rejected by ingest")
    table = Table("stage", "articles", "dead", "articles/s", "CPU ms/article", "bare limit", "limit/s", "stage/limit")
    for stage in report.stages:
        table.add_row(
            stage.name,
            f"{stage.done:,}",
            f"{stage.dead:,}",
            f"{stage.per_second:,.0f}",
            f"{stage.cpu_ms_per_article:.2f}",
            f"{stage.limit} ({stage.limit_cpu_ms_per_article:.2f} ms)",
            f"{stage.limit_per_second:,.0f}",
            f"{stage.ratio:.1%}",
        )
    console.print(table)
    costs = Table("process", "peak RSS MB", "CPU s", "CPU ms/article")
    for name, megabytes in report.peak_rss_mb.items():
        cpu = report.cpu_ms.get(name, 0.0)
        costs.add_row(name, f"{megabytes:,.0f}", f"{cpu / 1000:,.1f}", f"{cpu / max(1, report.articles):.2f}")
    console.print(costs)
    verdict = "complete" if report.complete else "NOT COMPLETE"
    console.print(f"{verdict}: search counts {report.found_by_search:,} articles")
