"""Runs `broadsheet bench search`: index, query and compare, each engine through our port and bare."""

from __future__ import annotations

import asyncio
import os
import random
import subprocess
import tempfile
from collections.abc import Sequence
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import httpx
from rich.console import Console
from rich.progress import MofNCompleteColumn, Progress, SpinnerColumn, TextColumn, TimeElapsedColumn

from broadsheet.bench.costs import loop_ms
from broadsheet.bench.processes import BenchStack, CannotStart, is_ok, private_valkey
from broadsheet.bench.search import latency, loading
from broadsheet.bench.search.engines import BenchServer, meilisearch, opened
from broadsheet.bench.search.material import Question, read_documents, read_questions
from broadsheet.bench.search.proxy import proxied
from broadsheet.bench.search.replay import replayed
from broadsheet.bench.search.report import EngineReport, SearchReport, print_report
from broadsheet.bench.texts import NoTexts
from broadsheet.failure import CliFailure
from shared.errors import BroadsheetError
from shared.observability.logging import configure_logging
from shared.search.port import IndexDoc, SearchIndex
from shared.settings import BaseServiceSettings

PAIRED: Final = 10_000
"""Documents for comparing indexing; the whole set is indexed once."""
ASKED: Final = 400
"""Queries for comparing latency, of all kinds."""


@dataclass(frozen=True, slots=True)
class SearchOptions:
    """Number of documents, data folder, Meilisearch URL (None: private one), output format."""

    documents: int
    data: Path
    url: str | None = None
    key: str = ""
    engines: tuple[str, ...] = ("embedded", "meilisearch")
    as_json: bool = False


def run(options: SearchOptions) -> int:
    """Run and print. Exit code 0 if all requests succeeded, 1 if some failed, 2 if it cannot run."""
    notes = Console(stderr=True)
    configure_logging(BaseServiceSettings())  # to stderr: stdout is the report's
    try:
        docs = read_documents(options.data, options.documents)
        questions = read_questions(options.data, frozenset(doc.id for doc in docs))
        with tempfile.TemporaryDirectory(prefix="broadsheet-bench-") as folder:
            report = asyncio.run(_measure(options, docs, questions, Path(folder), notes))
    except (NoTexts, CannotStart, CliFailure, BroadsheetError, httpx.HTTPError, subprocess.SubprocessError) as error:
        notes.print(f"bench search: {error}", style="red", markup=False, highlight=False, soft_wrap=True)
        return 2
    if options.as_json:
        print(report.to_json())
    else:
        print_report(report, Console(width=150))
    return 1 if any(timing.failed for engine in report.engines for timing in engine.timings) else 0


async def _measure(
    options: SearchOptions, docs: list[IndexDoc], questions: list[Question], folder: Path, notes: Console
) -> SearchReport:
    texts = [question.text for question in random.Random(7).sample(questions, min(ASKED, len(questions)))]
    columns = (SpinnerColumn(), TextColumn("{task.description}"), MofNCompleteColumn(), TimeElapsedColumn())
    engines: list[EngineReport] = []
    load = os.getloadavg()
    with Progress(*columns, console=notes, transient=True) as bar, private_valkey(folder) as (redis_url, _):
        bench = _Bench(docs, questions, texts, folder, redis_url, bar)
        if "embedded" in options.engines:
            engines.append(await bench.embedded())
        if "meilisearch" in options.engines:
            with meilisearch(folder, options.url, options.key) as server:
                if server is None:
                    notes.print("no `meilisearch` on PATH and no --url: that engine was not measured", style="yellow")
                else:
                    engines.append(await bench.on_server(server))
    return SearchReport(len(docs), len(questions), load, os.getloadavg(), engines, loop_ms())


@dataclass
class _Bench:
    docs: list[IndexDoc]
    questions: list[Question]
    texts: list[str]
    folder: Path
    redis_url: str
    bar: Progress

    async def embedded(self) -> EngineReport:
        some = self.docs[:PAIRED]
        live = await self._load(loading.LIVE, f"embedded:{self.folder / 'live'}", "", some, None)
        rebuilt = await self._load(loading.REBUILT, f"embedded:{self.folder / 'rebuilt'}", "", some, None)
        bare, _ = loading.bare_tantivy(some, self.folder / "bare")
        alike = loading.alike_tantivy(some, self.folder / "alike")
        url = f"embedded:{self.folder / 'index'}"
        whole = await self._load(loading.REBUILT, url, "", self.docs, None)
        _, every = loading.bare_tantivy(self.docs, self.folder / "bare-whole")
        index = opened(url, writer=False)
        try:
            timings = await latency.in_process(index, every, self.texts)
            version, answers = await self._answers("embedded", index)
        finally:
            await index.aclose()
        timings += self._over_http(url, "", None)
        return EngineReport(version, [live, rebuilt, bare, alike, whole], timings, answers)

    async def on_server(self, server: BenchServer) -> EngineReport:
        some = self.docs[:PAIRED]
        live = await self._load(loading.LIVE, server.index_url("live"), server.key, some, server)
        bares = [await loading.bare_meilisearch(server, "live", "bare-before")]
        rebuilt = await self._load(loading.REBUILT, server.index_url("rebuilt"), server.key, some, server)
        bares.append(await loading.bare_meilisearch(server, "live", "bare-after"))
        url = server.index_url("articles")
        whole = await self._load(loading.REBUILT, url, server.key, self.docs, server)
        index = opened(url, server.key, writer=False)
        try:
            version, answers = await self._answers("meilisearch", index)
        finally:
            await index.aclose()
        timings = self._over_http(url, server.key, server)
        with replayed(server, self.folder) as twin:
            timings += self._over_http(twin.index_url("articles"), twin.key, twin, kind=latency.REPLAYED)
        return EngineReport(version, [live, rebuilt, loading.together(bares), whole], timings, answers)

    async def _load(
        self, name: str, url: str, key: str, docs: Sequence[IndexDoc], server: BenchServer | None
    ) -> loading.Load:
        line = self.bar.add_task(f"{url.partition(':')[0]}: {name}", total=len(docs))
        index = opened(url, key)

        def show(done: int) -> None:
            self.bar.update(line, completed=done)

        try:
            if name == loading.LIVE:
                return await loading.live(index, docs, self.redis_url, server, show)
            return await loading.rebuilt(index, docs, server, show)
        finally:
            await index.aclose()
            self.bar.remove_task(line)

    async def _answers(self, name: str, index: SearchIndex) -> tuple[str, dict[str, tuple[int, float, float]]]:
        line = self.bar.add_task(f"asking {name}", total=len(self.questions))
        answers = await latency.answered(index, self.questions, lambda done: self.bar.update(line, completed=done))
        self.bar.remove_task(line)
        return (await index.stats()).engine, answers

    def _over_http(
        self, index_url: str, key: str, server: BenchServer | None, *, kind: str = ""
    ) -> list[latency.Timing]:
        settings = {"BROADSHEET_INDEX_URL": index_url, "BROADSHEET_INDEX_KEY": key}
        stack = BenchStack(self.folder, self.redis_url, extra=settings)
        with ExitStack() as closing:
            closing.callback(stack.stop)
            serve = stack.start("serve", lambda url: is_ok(f"{url}/readyz", within=3))
            services = {latency.OURS: (stack.base_url("serve"), serve.pid)}
            if server is not None:
                services[latency.PROXY] = closing.enter_context(proxied(server, self.folder))
            return latency.over_http(services, server, self.texts, kind=kind)
