"""`broadsheet bench pipeline`: real texts through real processes, compared with bare limits, in one run."""

from __future__ import annotations

import asyncio
import tempfile
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import httpx
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn

from broadsheet.bench.costs import Watch
from broadsheet.bench.flow import Flow, Stalled, make_key
from broadsheet.bench.limits import Limit, accept_limit, read_limit, stored_documents, write_limit
from broadsheet.bench.processes import BenchStack, CannotStart, is_ok, private_valkey
from broadsheet.bench.report import PipelineReport, StageResult, print_report, stages
from broadsheet.bench.texts import NoTexts, read_texts
from broadsheet.failure import CliFailure
from shared.errors import BroadsheetError
from shared.store import connect

DEFAULT_DATA: Final = Path("../shared/data/corpus")
DEFAULT_ARTICLES: Final = 20_000
LIMIT_ARTICLES: Final = 5_000
"""Number of calls for a stable rate of the accept script."""
_ORDER: Final = ("ingest", "enrich", "index", "serve")


@dataclass(frozen=True, slots=True)
class PipelineOptions:
    """Options: number and folder of articles, stages concurrently or one after another, output format."""

    articles: int = DEFAULT_ARTICLES
    data: Path = DEFAULT_DATA
    as_json: bool = False
    staged: bool = False


def run(options: PipelineOptions) -> int:
    """Run the benchmark and print it. Exit code 0 if complete, 1 if articles are missing, 2 if it cannot run."""
    notes = Console(stderr=True)
    try:
        texts = read_texts(options.data, options.articles)
        with tempfile.TemporaryDirectory(prefix="broadsheet-bench-") as folder:
            report = asyncio.run(_measure(options, texts, Path(folder), notes))
    except (NoTexts, CannotStart, CliFailure, Stalled, BroadsheetError, httpx.HTTPError) as error:
        notes.print(f"bench pipeline: {error}", style="red", markup=False, highlight=False, soft_wrap=True)
        return 2
    if options.as_json:
        print(report.to_json())
    else:
        print_report(report, Console(width=140))
    return 0 if report.complete else 1


async def _measure(
    options: PipelineOptions, texts: list[dict[str, Any]], folder: Path, notes: Console
) -> PipelineReport:
    with private_valkey(folder) as (url, valkey):
        stack = BenchStack(folder, url)
        client = connect(url)
        with Watch({"valkey": valkey.pid}) as watch, _bars(notes) as bars:
            try:
                flow, found = await _flow(options, texts, stack, watch, bars)
                cpu = watch.cpu()
            finally:
                stack.stop()
        limits = await _limits(client, texts, folder, notes)
        await client.aclose()
    return _report(options, flow, found, cpu, watch.peak, limits)


async def _flow(
    options: PipelineOptions, texts: list[dict[str, Any]], stack: BenchStack, watch: Watch, bars: Progress
) -> tuple[Flow, int]:
    """Start the services, send everything and wait; returns the flow and the number of articles that search counts."""
    tasks = {name: bars.add_task(name, total=len(texts)) for _, name, _ in stages()}
    client = connect(stack.redis_url)
    early = _ORDER[:1] if options.staged else _ORDER
    await asyncio.gather(*(_start(stack, watch, service) for service in early))
    flow = Flow(
        client,
        stack.base_url("ingest"),
        await make_key(client),
        lambda name, done: bars.update(tasks[name], completed=done),
    )
    sending = asyncio.create_task(flow.send(texts))
    if options.staged:
        await sending
        for service in _ORDER[1:]:
            await _stage_by_stage(stack, watch, service, flow)
    else:
        await flow.arrive(sending)
    found = await _count_by_search(stack)
    await client.aclose()
    return flow, found


async def _stage_by_stage(stack: BenchStack, watch: Watch, service: str, flow: Flow) -> None:
    await _start(stack, watch, service)
    if service == "serve":
        return
    flow.stage_started[service] = time.monotonic()
    await flow.stage_done(service)


async def _start(stack: BenchStack, watch: Watch, service: str) -> None:
    running = await asyncio.to_thread(stack.start, service, lambda url: is_ok(f"{url}/readyz", within=2))
    watch.add(service, running.pid)


async def _count_by_search(stack: BenchStack) -> int:
    """The total of `/v1/search`, copies included."""
    async with httpx.AsyncClient(base_url=stack.base_url("serve"), timeout=30.0) as http:
        response = await http.get("/v1/search", params={"duplicates": "all"})
        response.raise_for_status()
        return int(response.json()["response"]["total"])


async def _limits(client: Any, texts: list[dict[str, Any]], folder: Path, notes: Console) -> dict[str, Limit]:
    notes.print("bare limits: XREADGROUP loop, tantivy writer, accept script")
    read = await read_limit(client)
    write = await asyncio.to_thread(write_limit, await stored_documents(client), folder / "bare-index")
    with private_valkey(folder, "valkey-limit") as (url, _):
        other = connect(url)
        accept = await accept_limit(other, texts[:LIMIT_ARTICLES])
        await other.aclose()
    return {limit.name: limit for limit in (accept, read, write)}


def _bars(notes: Console) -> Progress:
    return Progress(
        TextColumn("{task.description:>10}"), BarColumn(), MofNCompleteColumn(), TimeElapsedColumn(), console=notes
    )


def _report(
    options: PipelineOptions,
    flow: Flow,
    found: int,
    cpu: dict[str, float],
    peak: dict[str, int],
    limits: dict[str, Limit],
) -> PipelineReport:
    rows: list[StageResult] = []
    for service, name, limit_name in stages():
        counts, limit = getattr(flow, name), limits[limit_name]
        rows.append(
            StageResult(
                service=service,
                name=name,
                done=counts.done,
                dead=counts.dead,
                per_second=counts.rate(flow.stage_started.get(service, flow.started)),
                cpu_ms_per_article=cpu[service] / max(1, counts.done + counts.dead),
                limit=limit_name,
                limit_per_second=limit.per_second,
                limit_cpu_ms_per_article=limit.cpu_ms / max(1, limit.items),
            )
        )
    ends = [row.last_at for row in (flow.accepted, flow.enriched, flow.searchable) if row.last_at]
    return PipelineReport(
        articles=flow.accepted.done,
        refused=len(flow.refused),
        staged=options.staged,
        seconds=max(ends, default=flow.started) - flow.started,
        found_by_search=found,
        stages=rows,
        peak_rss_mb={name: size / 1e6 for name, size in peak.items()},
        cpu_ms=cpu,
        examples_refused=flow.refused[:3],
    )
