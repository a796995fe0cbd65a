"""subscribe create, list, preview, delete: saved searches of the key in use."""

from __future__ import annotations

from typing import Annotated, Any

import typer

from broadsheet.cli.options import DryRun, Json, printable, show_json, show_table
from broadsheet.cli.target import Target

app = typer.Typer(help="Saved searches: make one, see what it finds, follow it.", no_args_is_help=True)

_PATH = "/v1/subscriptions"
Id = Annotated[str, typer.Argument(help="Of the saved search, sub_...")]


@app.command()
def create(
    query: Annotated[str, typer.Argument(help='For example: "sea wall" OR ferry -tender lang:en (docs/queries.md).')],
    event_type: Annotated[
        list[str] | None, typer.Option("--type", help="Only events of this type; may be repeated.")
    ] = None,
    sink: Annotated[str, typer.Option(help="https URL that events are delivered to.")] = "",
    json: Json = False,
    dry_run: DryRun = False,
) -> None:
    """Save a search."""
    from broadsheet.cli.api import Api

    body: dict[str, Any] = {"q": query, "types": event_type or [], "sink": sink or None}
    if dry_run:
        from datetime import UTC, datetime

        from broadsheet.failure import CliFailure
        from shared.query import QuerySyntaxError, parse

        try:
            print(f"would save {parse(query, now=datetime.now(UTC))}")
        except QuerySyntaxError as error:
            raise CliFailure(f"q: {error}", code=2) from error
        return
    with Api(Target()) as api:
        made = api.write("POST", _PATH, body)["response"]["subscription"]
    if json:
        show_json(made)
    else:
        print(f"{made['id']}\t{printable(made['q'])}")


@app.command("list")
def list_(json: Json = False) -> None:
    """All of this key, oldest first."""
    from broadsheet.cli.api import Api

    found: list[dict[str, Any]] = []
    with Api(Target()) as api:
        while True:
            page = api.read(_PATH, {"page": len(found) // 200 + 1, "page-size": 200})["response"]
            found += page["results"]
            if len(page["results"]) < 200:
                break
    if json:
        for one in found:
            show_json(one)
        return
    rows = ((one["id"], one["q"], " ".join(one["types"]) or "all", one["sink"] or "-") for one in found)
    show_table(("id", "query", "types", "sink"), rows, empty="no saved searches")


@app.command()
def preview(
    subscription: Id,
    days: Annotated[int, typer.Option(min=1, max=365, help="How far back.")] = 7,
    json: Json = False,
) -> None:
    """What it would have found, newest first, and the cursor from which its stream goes on."""
    from broadsheet.cli.api import Api

    with Api(target := Target()) as api:
        body = api.read(f"{_path(subscription)}/preview", {"days": days})["response"]
    if json:
        show_json(body)
        return
    for hit in body["results"]:
        print(f"{hit['dated_at'][:10]}  {printable(hit['title'])}")
    print(f"{'' if body['totalIsExact'] else 'at least '}{body['total']}; goes on at {target.serve_url}{body['next']}")


@app.command()
def delete(subscription: Id, dry_run: DryRun = False) -> None:
    """Delete one."""
    from broadsheet.cli.api import Api

    with Api(Target()) as api:
        if dry_run:
            found = api.read(_path(subscription))["response"]["subscription"]
            print(f"would delete {found['id']} {printable(found['q'])}")
            return
        api.write("DELETE", _path(subscription))
    print(f"deleted {printable(subscription)}")


def _path(subscription: str) -> str:
    from urllib.parse import quote

    return f"{_PATH}/{quote(subscription, safe='')}"
