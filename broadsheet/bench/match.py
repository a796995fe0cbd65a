"""`broadsheet bench match`: time to match one article against many saved searches, and correctness of the matches.

Each size runs in its own process, to measure its memory. Times are CPU times of one thread. The baseline in the same
run is a plain loop that verifies every query, without the index of required terms.
"""

from __future__ import annotations

import gc
import json
import os
import resource
import statistics
import sys
import tempfile
import time
from collections.abc import Callable, Sequence
from concurrent.futures import ProcessPoolExecutor
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from functools import partial
from multiprocessing import get_context
from pathlib import Path
from typing import TYPE_CHECKING, Final, TypeVar

from rich.console import Console
from rich.table import Table

from broadsheet.bench.saved_searches import articles_of, saved_searches
from broadsheet.bench.texts import NoTexts, read_texts
from broadsheet.failure import CliFailure
from shared.articles import Article
from shared.query import article_facts, matches, parse
from shared.query.percolator import TermCounts
from shared.store.subscriptions.matcher import LEARNED, SubscriptionMatcher, learned_counts

if TYPE_CHECKING:
    from broadsheet.bench.match_engines import Agreement

T = TypeVar("T")
R = TypeVar("R")
_NOW: Final = datetime(2026, 3, 14, 12, tzinfo=UTC)
_DESK: Final = 4_000
"""Articles from which saved searches are generated; others are matched."""
_LOOPED: Final = 5
"""Articles for timing the plain loop."""
_LOOP_SHARE: Final = 10
"""The plain loop runs every n-th query, and its time is multiplied by n, to shorten the run."""


@dataclass(frozen=True, slots=True)
class MatchOptions:
    """What to run. `articles` are matched at each of the `sizes`."""

    sizes: tuple[int, ...]
    articles: int
    sample: int
    data: Path
    as_json: bool


@dataclass(frozen=True, slots=True)
class SizeResult:
    """One size. CPU ms of one thread per article; memory in bytes of resident memory per saved search."""

    searches: int
    distinct: int
    load_seconds: float
    bytes_each: float
    facts_p50_ms: float
    p50_ms: float
    p99_ms: float
    worst_ms: float
    candidates: float
    matched: float
    loop_ms: float

    @property
    def ratio(self) -> float:
        """Median of the plain loop / median of the index."""
        return self.loop_ms / self.p50_ms if self.p50_ms else 0.0


def run(options: MatchOptions) -> int:
    """Measure, compare, print. Exit code 0 if all compared results were equal."""
    from broadsheet.bench.match_engines import compared

    if not options.sizes:
        raise CliFailure("--sizes holds no number", code=2)
    try:
        read_texts(options.data, 1)
    except NoTexts as error:
        raise CliFailure(str(error)) from error
    results = []
    for size in options.sizes:
        results.append(_alone(size, options))
        print(f"{size:,} done", file=sys.stderr, flush=True)
    agreements: list[Agreement] = []
    if options.sample:
        desk, matched = articles(options)
        agreements = compared(list(saved_searches(desk, options.sample)), matched)
    if options.as_json:
        print(
            json.dumps(
                {
                    "load_average": os.getloadavg()[0],
                    "articles": options.articles,
                    "sizes": [asdict(result) | {"ratio": round(result.ratio, 1)} for result in results],
                    "agreement": [asdict(agreement) for agreement in agreements],
                }
            )
        )
    else:
        _print(options, results, agreements)
    return 0 if all(not agreement.differing for agreement in agreements) else 1


def articles(options: MatchOptions) -> tuple[list[Article], list[Article]]:
    """(articles for generating searches, other articles to match)."""
    found = articles_of(read_texts(options.data, _DESK + options.articles))
    cut = max(1, len(found) - options.articles)
    return found[:cut], found[cut:]


def _alone(size: int, options: MatchOptions) -> SizeResult:
    desk, _ = articles(options)
    counts = learned_counts(article_facts(article) for article in desk[:LEARNED])
    with tempfile.NamedTemporaryFile("w", encoding="utf-8") as lines:
        for query in saved_searches(desk, size):
            lines.write(query + "\n")
        lines.flush()
        with ProcessPoolExecutor(1, mp_context=get_context("spawn")) as pool:
            return pool.submit(_measure, Path(lines.name), counts, options).result()


def _measure(lines: Path, counts: TermCounts, options: MatchOptions) -> SizeResult:
    parse('a OR "b c" -tag:d', now=_NOW)  # one-time initialisation is not counted
    gc.collect()
    before, began = _resident(), time.thread_time()
    matcher = SubscriptionMatcher(counts)
    with lines.open(encoding="utf-8") as saved:
        for number, line in enumerate(saved):
            matcher.put(f"sub_{number:024x}", parse(line, now=_NOW))
    load = time.thread_time() - began
    gc.collect()
    held = _resident() - before
    _, matched = articles(options)
    about, facts_ms = _timed(matched, article_facts)
    answers, match_ms = _timed(about, partial(matcher.match, "article.published", "1-0"))
    with lines.open(encoding="utf-8") as saved:
        queries = [parse(line, now=_NOW) for number, line in enumerate(saved) if number % _LOOP_SHARE == 0]
    _, loop_ms = _timed(about[:_LOOPED], lambda facts: sum(matches(query, facts) for query in queries))
    return SizeResult(
        searches=len(matcher),
        distinct=matcher.distinct,
        load_seconds=round(load, 2),
        bytes_each=round(held / max(1, len(matcher))),
        facts_p50_ms=round(statistics.median(facts_ms), 3),
        p50_ms=round(statistics.median(match_ms), 3),
        p99_ms=round(_quantile(match_ms, 0.99), 3),
        worst_ms=round(max(match_ms), 3),
        candidates=round(statistics.fmean(map(matcher.candidates, about)), 1),
        matched=round(statistics.fmean(map(len, answers)), 1),
        loop_ms=round(statistics.median(loop_ms) * len(matcher) / max(1, len(queries)), 1),
    )


def _timed(items: Sequence[T], work: Callable[[T], R]) -> tuple[list[R], list[float]]:
    answers: list[R] = []
    times: list[float] = []
    for item in items:
        began = time.thread_time_ns()
        answers.append(work(item))
        times.append((time.thread_time_ns() - began) / 1e6)
    return answers, times


def _quantile(values: Sequence[float], share: float) -> float:
    return sorted(values)[min(len(values) - 1, int(len(values) * share))]


def _resident() -> int:
    with Path("/proc/self/statm").open() as statm:
        return int(statm.read().split()[1]) * resource.getpagesize()


def _print(options: MatchOptions, results: Sequence[SizeResult], agreements: Sequence[Agreement]) -> None:
    console = Console(width=150)
    console.print(
        f"{options.articles:,} articles at each size, one thread, CPU time, load average {os.getloadavg()[0]:.1f}"
    )
    table = Table(
        "saved searches", "distinct", "load s", "bytes each", "p50 ms", "p99 ms", "worst ms", "verified", "matched",
        "words ms", "plain loop ms", "loop/p50",
    )  # fmt: skip
    for row in results:
        table.add_row(
            f"{row.searches:,}",
            f"{row.distinct:,}",
            f"{row.load_seconds:.1f}",
            f"{row.bytes_each:,.0f}",
            f"{row.p50_ms:.2f}",
            f"{row.p99_ms:.2f}",
            f"{row.worst_ms:.2f}",
            f"{row.candidates:,.0f}",
            f"{row.matched:,.0f}",
            f"{row.facts_p50_ms:.2f}",
            f"{row.loop_ms:,.0f}",
            f"{row.ratio:,.0f}x",
        )
    console.print(table)
    for agreement in agreements:
        console.print(agreement.line())
