"""Report of the search benchmark, as data and as tables with ratios."""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass
from typing import Final

from rich.console import Console
from rich.table import Table

from broadsheet.bench.costs import LOOP
from broadsheet.bench.search.latency import OURS, PROXY, RAW, REPLAYED, Timing
from broadsheet.bench.search.loading import ALIKE_TANTIVY, BARE_MEILISEARCH, BARE_TANTIVY, LIVE, REBUILT, Load

LOAD_GOAL: Final = 0.8
CPU_GOAL_MS: Final = 0.35
REFERENCE_CLIENT_MS: Final = 0.115
"""CPU of the thin client's request where the goal was set: `../shared/reference/meilisearch.md` section 1, "raw
aiohttp+orjson", the median of 5 x 600 requests of 22 KB answers (0.112 to 0.122), with no engine on the two cores. So
much it costs here with the engine replayed; beside a working engine it is several times as much."""
TAIL_GOAL: Final = 1.25


@dataclass(frozen=True, slots=True)
class EngineReport:
    """One engine: its version, loads (of two with one name the first holds what the bare ones do), times, answers."""

    engine: str
    loads: list[Load]
    timings: list[Timing]
    answers: dict[str, tuple[int, float, float]]

    def load_ratio(self, name: str, beside: str) -> float | None:
        """The rate of one load as a share of another's; None where one of them was not measured."""
        ours, bare = (next((load for load in self.loads if load.name == one), None) for one in (name, beside))
        return ours.per_second / bare.per_second if ours and bare and bare.per_second else None

    @property
    def load_ratios(self) -> dict[str, float]:
        """Each of our loads beside each bare one, by their names."""
        pairs = [(ours, bare) for ours in (LIVE, REBUILT) for bare in (BARE_MEILISEARCH, BARE_TANTIVY, ALIKE_TANTIVY)]
        found = {f"{ours} / {bare}": self.load_ratio(ours, bare) for ours, bare in pairs}
        return {name: ratio for name, ratio in found.items() if ratio is not None}

    def timing(self, name: str) -> Timing | None:
        """The timing of this name."""
        return next((row for row in self.timings if row.name == name), None)

    def added(self, kind: str = "") -> dict[str, float]:
        """Overhead of our API: CPU ms, and ratios of p50 and p99; empty if one was not measured."""
        ours, raw, proxy = (self.timing(f"{name}{kind}") for name in (OURS, RAW, PROXY))
        if ours is None or raw is None or proxy is None:
            return {}
        return {
            "serve_cpu_ms": ours.service_cpu_ms,
            "bare_proxy_cpu_ms": proxy.service_cpu_ms,
            "thin_client_cpu_ms": raw.client_cpu_ms,
            "added_cpu_ms": ours.service_cpu_ms - raw.client_cpu_ms,
            "p50_ratio": ours.p50 / raw.p50,
            "p99_ratio": ours.p99 / raw.p99,
        }


@dataclass(frozen=True, slots=True)
class SearchReport:
    """One run. Load averages before and after say how noisy the machine was."""

    documents: int
    questions: int
    load_before: tuple[float, float, float]
    load_after: tuple[float, float, float]
    engines: list[EngineReport]
    loop_ms: tuple[float, float] = (0.0, 0.0)
    """CPU ms of a fixed Python loop on this machine, best and mean of many runs, for calibration."""

    def to_json(self) -> str:
        """The report as one JSON object, with the ratios."""
        value = asdict(self)
        for row, engine in zip(value["engines"], self.engines, strict=True):
            row |= {"load_ratios": engine.load_ratios}
            row |= {"added": engine.added(), "added_replayed": engine.added(REPLAYED)}
        return json.dumps(value, ensure_ascii=False, indent=2)


def print_report(report: SearchReport, console: Console) -> None:
    """Three tables per engine: indexing, latency, result quality."""
    before, after = report.load_before[0], report.load_after[0]
    console.print(f"{report.documents:,} documents, {report.questions:,} questions; load {before:.1f} -> {after:.1f}")
    best, mean = report.loop_ms
    console.print(f"a Python loop of {LOOP:,} additions: {best:.2f} ms CPU at best, {mean:.2f} on average")
    for engine in report.engines:
        console.rule(engine.engine)
        _print_loads(engine, console)
        _print_timings(engine, console)
        table = Table("kind of question", "questions", "MRR@10", "recall@10")
        for kind, (count, rank, recall) in engine.answers.items():
            table.add_row(kind, f"{count:,}", f"{rank:.3f}", f"{recall:.3f}")
        console.print(table)


def _print_loads(engine: EngineReport, console: Console) -> None:
    table = Table("load", "documents", "docs/s", "our CPU ms/doc", "server CPU ms/doc")
    for load in engine.loads:
        count = max(1, load.documents)
        table.add_row(
            load.name,
            f"{load.documents:,}",
            f"{load.per_second:,.0f}",
            f"{load.own_cpu_ms / count:.2f}",
            f"{load.server_cpu_ms / count:.2f}",
        )
    console.print(table)
    for name, ratio in engine.load_ratios.items():
        console.print(f"{name}: {ratio:.2f} (goal {LOAD_GOAL})")


def _print_timings(engine: EngineReport, console: Console) -> None:
    table = Table("asked", "requests", "failed", "p50 ms", "p99 ms", "asker's CPU ms", "service's CPU ms")
    for row in engine.timings:
        table.add_row(
            row.name,
            f"{row.requests:,}",
            f"{row.failed}",
            f"{row.p50:.2f}",
            f"{row.p99:.2f}",
            f"{row.client_cpu_ms:.3f}",
            f"{row.service_cpu_ms:.3f}",
        )
    console.print(table)
    if found := engine.added():
        tail = f"; p50 x{found['p50_ratio']:.2f}, p99 x{found['p99_ratio']:.2f} (goal {TAIL_GOAL})"
        console.print(f"beside the engine: {_added(found)}{tail}")
    if found := engine.added(REPLAYED):
        console.print(
            f"with its answers replayed: {_added(found)} (goal {CPU_GOAL_MS}, set where a thin client cost "
            f"{REFERENCE_CLIENT_MS} like this)"
        )


def _added(found: dict[str, float]) -> str:
    return (
        f"serve {found['serve_cpu_ms']:.3f} ms CPU a request, a bare proxy {found['bare_proxy_cpu_ms']:.3f}, "
        f"a thin client {found['thin_client_cpu_ms']:.3f}: serve adds {found['added_cpu_ms']:.3f}"
    )
