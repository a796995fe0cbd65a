"""source list, show, add, delete: feeds and sitemaps that are polled."""

from __future__ import annotations

from typing import Annotated, Any, Final
from urllib.parse import quote

import typer

from broadsheet.cli.options import DryRun, Json, printable, show_json, show_table
from broadsheet.cli.target import StackTarget

app = typer.Typer(help="Feeds and sitemaps that are polled.", no_args_is_help=True)

_PATH: Final = "/v1/sources"
_COUNTS: Final = ("items", "accepted", "unchanged", "rejected", "published", "dead")
Id = Annotated[str, typer.Argument(help="Id of the source; becomes the `source` of its articles.")]


@app.command("list")
def list_(json: Json = False) -> None:
    """List all sources with the totals of their polls."""
    from broadsheet.cli.api import Api

    found: list[dict[str, Any]] = []
    with Api(StackTarget()) as api:
        after: str | None = ""
        while after is not None:
            page = api.ingest("GET", f"{_PATH}?limit=500" + (f"&after={quote(after)}" if after else ""))
            found += page["sources"]
            after = page["next"]
    if json:
        show_json(found)
        return
    rows = [
        (
            one["id"],
            *(str(one["last_poll"][f"{name}_total"]) for name in _COUNTS),
            printable(_trouble(one["last_poll"])),
        )
        for one in found
    ]
    show_table(("source", *_COUNTS, "problem"), rows)


@app.command()
def show(source_id: Id, json: Json = False) -> None:
    """Show one source: configuration, counts of the last poll and totals."""
    from broadsheet.cli.api import Api

    with Api(StackTarget()) as api:
        source = api.ingest("GET", f"{_PATH}/{quote(source_id, safe='')}")
    if json:
        show_json(source)
        return
    poll = source["last_poll"]
    print(f"{source['id']}  {source['kind']}  {source['url']}")
    print(f"last poll {poll['polled_at'] or 'never'}, next {source['next_poll_at'] or 'never'}")
    show_table(
        ("", *_COUNTS),
        [
            ("last poll", *(str(poll[name]) for name in _COUNTS)),
            ("total", *(str(poll[f"{name}_total"]) for name in _COUNTS)),
        ],
    )
    for label, text in _notes(poll):
        print(f"{label}: {printable(text)}")


@app.command()
def add(
    source_id: Id,
    url: Annotated[str, typer.Argument(help="URL of the feed or sitemap.")],
    kind: Annotated[str, typer.Option(help="feed, sitemap or news-sitemap.")] = "feed",
    interval: Annotated[int, typer.Option(help="Seconds between polls.")] = 900,
    pages: Annotated[bool, typer.Option("--pages", help="Fetch the page behind each item.")] = False,
    dry_run: DryRun = False,
) -> None:
    """Add a feed or sitemap to poll, or change its configuration."""
    from broadsheet.cli.api import Api

    if dry_run:
        print(f"would poll {url} every {interval} s as {source_id}")
        return
    body = {"url": url, "kind": kind, "interval_seconds": interval, "pages": pages}
    with Api(StackTarget()) as api:
        print(api.ingest("PUT", f"{_PATH}/{quote(source_id, safe='')}", body)["status"])


@app.command()
def delete(source_id: Id, dry_run: DryRun = False) -> None:
    """Stop polling a source. Its articles are kept."""
    from broadsheet.cli.api import Api

    if dry_run:
        print(f"would delete {source_id}")
        return
    with Api(StackTarget()) as api:
        api.ingest("DELETE", f"{_PATH}/{quote(source_id, safe='')}")
    print("deleted")


def _trouble(poll: dict[str, Any]) -> str:
    return next((text for _, text in _notes(poll)), "")


def _notes(poll: dict[str, Any]) -> list[tuple[str, str]]:
    """What the operator should know besides the counts."""
    limit = "the document has more items than are read"
    notes = [
        ("error", " ".join(filter(None, (poll["error"], poll["error_detail"])))),
        ("stopped", poll["stopped"]),
        ("newest dead article", f"{poll['dead_article_id']} {poll['dead_reason']}" if poll["dead_total"] else ""),
        ("rejected", poll["rejected_reason"]),
        ("held back", f"{poll['held_back']} until {poll['next_release_at']}" if poll["held_back"] else ""),
        ("repeated", f"{poll['repeated']} items" if poll["repeated"] else ""),
        ("moved to", poll["moved_to"]),
        ("truncated", limit if poll["truncated"] else ""),
    ]
    return [(label, text) for label, text in notes if text]
