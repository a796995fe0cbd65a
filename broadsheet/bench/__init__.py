"""Benchmarks that users can run: `broadsheet bench pipeline`, `quality`, `match`, `events`, `search`, `related`."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

app = typer.Typer(
    help="Benchmarks, as ratios to other tools or bare limits.", no_args_is_help=True, add_completion=False
)


@app.callback()
def bench() -> None:
    """Measure this machine with a private stack; a running Broadsheet is not affected."""


@app.command()
def pipeline(
    articles: Annotated[int, typer.Option(min=1, help="Number of texts to send.")] = 20_000,
    data: Annotated[Path, typer.Option(help="Folder of the corpora (*.jsonl.zst).")] = Path("../shared/data/corpus"),
    staged: Annotated[
        bool, typer.Option("--staged", help="Run the stages one after another instead of concurrently.")
    ] = False,
    as_json: Annotated[bool, typer.Option("--json", help="Print one JSON object.")] = False,
) -> None:
    """Send real texts through all services: rate, CPU and memory of each, and the ratio to its bare limit."""
    from broadsheet.bench.pipeline import PipelineOptions, run

    raise typer.Exit(run(PipelineOptions(articles=articles, data=data, staged=staged, as_json=as_json)))


@app.command()
def quality(
    data: Annotated[Path, typer.Option(help="Folder of the judged material, laid out like ../shared/data.")] = Path(
        "../shared/data"
    ),
    only: Annotated[
        list[str] | None, typer.Option(help="Run this task (or all whose names begin with it); may be repeated.")
    ] = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print one JSON object.")] = False,
) -> None:
    """Score extracted bodies, fields and enrichment against annotated pages, with CPU time per item."""
    from broadsheet.bench.quality.run import QualityOptions, run

    raise typer.Exit(run(QualityOptions(data=data, only=tuple(only or ()), as_json=as_json)))


@app.command()
def match(
    sizes: Annotated[str, typer.Option(help="Numbers of saved searches, one run for each.")] = "10000,100000,250000",
    articles: Annotated[int, typer.Option(min=10, help="Number of articles to match.")] = 1_000,
    sample: Annotated[
        int, typer.Option(min=0, help="Number of saved searches to compare with the search engines.")
    ] = 300,
    data: Annotated[Path, typer.Option(help="Folder of the corpora (*.jsonl.zst).")] = Path("../shared/data/corpus"),
    as_json: Annotated[bool, typer.Option("--json", help="Print one JSON object.")] = False,
) -> None:
    """Match real articles against many saved searches on one core, and compare with each engine's strict search."""
    from broadsheet.bench.match import MatchOptions, run

    counts = tuple(int(size) for size in sizes.split(",") if size.strip().isdigit())
    raise typer.Exit(run(MatchOptions(sizes=counts, articles=articles, sample=sample, data=data, as_json=as_json)))


@app.command()
def events(
    clients: Annotated[int, typer.Option(min=1, help="Server-sent event clients on one serve process.")] = 5_000,
    marks: Annotated[int, typer.Option(min=1, help="Events to measure.")] = 20,
    stuck: Annotated[int, typer.Option(min=0, help="Clients that never read, in addition to as many live ones.")] = 500,
    as_json: Annotated[bool, typer.Option("--json", help="Print one JSON object.")] = False,
) -> None:
    """Fan-out: memory per client, time to reach all, CPU per delivery; with a Mercure hub if one is on PATH."""
    from broadsheet.bench.events import EventsOptions, run

    raise typer.Exit(run(EventsOptions(clients=clients, marks=marks, stuck=stuck, as_json=as_json)))


@app.command()
def search(
    documents: Annotated[int, typer.Option(min=100, help="Number of articles to index.")] = 60_000,
    data: Annotated[Path, typer.Option(help="Folder of corpora and questions, laid out like ../shared/data.")] = Path(
        "../shared/data"
    ),
    url: Annotated[str | None, typer.Option(help="URL of a Meilisearch; default: start one from PATH.")] = None,
    key: Annotated[str, typer.Option(help="Its key.")] = "",
    engine: Annotated[list[str] | None, typer.Option(help="embedded or meilisearch; default: both.")] = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print one JSON object.")] = False,
) -> None:
    """Index real articles and run known-item queries: our API and indexing compared with the bare engines."""
    from broadsheet.bench.search.run import SearchOptions, run

    engines = tuple(engine or ("embedded", "meilisearch"))
    raise typer.Exit(run(SearchOptions(documents, data, url, key, engines, as_json)))


@app.command()
def related(
    data: Annotated[Path, typer.Option(help="Folder of corpora and stories, laid out like ../shared/data.")] = Path(
        "../shared/data"
    ),
    sample: Annotated[int, typer.Option(min=1, help="Query articles per data set.")] = 300,
    as_json: Annotated[bool, typer.Option("--json", help="Print one JSON object.")] = False,
) -> None:
    """Compare related articles by terms, by vectors and by both, on topics and stories, on both engines."""
    from broadsheet.bench.search.related import RelatedOptions, run

    raise typer.Exit(run(RelatedOptions(data, sample, as_json)))
