"""Report of `bench events`."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

from rich.console import Console
from rich.table import Table


@dataclass(frozen=True, slots=True)
class FanOut:
    """One hub with all clients. Times from the publication on, in ms; memory in KB (1,000 bytes)."""

    hub: str
    clients: int
    events: int
    kb_per_client: float
    all_ms_p50: float
    """Time until the last client has the event, median over the events."""
    all_ms_worst: float
    client_ms_p50: float
    client_ms_p99: float
    cpu_us_per_delivery: float


@dataclass(frozen=True, slots=True)
class Stuck:
    """Live clients alone, then with stuck ones. Times in ms, to the last live client."""

    live: int
    stuck: int
    events: int
    alone_ms_p50: float
    beside_ms_p50: float
    alone_client_ms_p99: float
    beside_client_ms_p99: float
    evicted: int
    evicted_after_seconds: float
    """From the first event until no stuck stream was connected."""
    rss_growth_mb: float


@dataclass(frozen=True, slots=True)
class EventsReport:
    """One run."""

    load_before: float
    fan_out: list[FanOut] = field(default_factory=list)
    stuck: Stuck | None = None
    mercure: str = ""
    """Its program, or why it was not measured."""


def print_report(report: EventsReport, console: Console) -> None:
    """Print a table, ratios, and a line on stuck clients."""
    table = Table("hub", "clients", "KB/client", "all ms p50", "worst", "client ms p50", "p99", "CPU us/delivery")
    for row in report.fan_out:
        values: list[Any] = [row.hub, f"{row.clients:,}", row.kb_per_client, row.all_ms_p50, row.all_ms_worst]
        table.add_row(*map(str, [*values, row.client_ms_p50, row.client_ms_p99, row.cpu_us_per_delivery]))
    console.print(table)
    if len(report.fan_out) == 2:
        ours, theirs = report.fan_out
        memory, cpu = (getattr(ours, name) / getattr(theirs, name) for name in ("kb_per_client", "cpu_us_per_delivery"))
        time_to_all = ours.all_ms_p50 / theirs.all_ms_p50
        console.print(f"ours / mercure: memory {memory:.2f}, time to all {time_to_all:.2f}, CPU {cpu:.2f}")
    if stuck := report.stuck:
        slower = stuck.beside_ms_p50 / stuck.alone_ms_p50
        console.print(
            f"{stuck.live} live clients: {stuck.alone_ms_p50} ms to all (client p99 {stuck.alone_client_ms_p99}); "
            f"beside {stuck.stuck} stuck ones {stuck.beside_ms_p50} ms (p99 {stuck.beside_client_ms_p99}): "
            f"{slower:.2f} x; {stuck.evicted} cut off after {stuck.evicted_after_seconds} s; "
            f"memory +{stuck.rss_growth_mb} MB"
        )
    console.print(f"mercure: {report.mercure}; load before: {report.load_before:.1f}")
